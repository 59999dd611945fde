// Whether this network lets streams through, by how they ended and whether polls got through meanwhile: a server that is
// away takes both along.
const MISSES = 3; // streams that failed, or
const CUTS = 3; // that were cut soon, before it is taken for the network's way

export class Verdict {
  #misses = 0;
  #cuts = 0;
  #open = false; // whether the next poll tells what to make of the last failure

  get isBad() { return this.#misses >= MISSES || this.#cuts >= CUTS; }

  // A stream failed. `polled`: polls get through.
  missed(polled) {
    if (polled) this.#misses += 1;
    else this.#open = true;
  }

  // A stream opened its connection, or not even that, and said nothing: one poll that gets through is enough.
  late(polled) {
    this.#misses = Math.max(this.#misses, MISSES - 1);
    this.missed(polled);
  }

  cut() {
    this.#cuts += 1;
  }

  polled() {
    if (this.#open) this.#misses += 1;
    this.#open = false;
  }

  // Polls do not get through either.
  nothing() {
    this.#open = false;
    this.#cuts = 0;
  }

  opened() {
    this.#open = false;
    this.#misses = 0;
  }

  settled() {
    this.#cuts = 0;
  }
}
