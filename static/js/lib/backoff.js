// How long to wait until something that failed is tried again: in proportion to how long it has failed, so that whoever was
// without a server for a minute is back within a third of it, and nobody asks a server that is gone for hours too often.

// In milliseconds.
const FIRST = 500;
const LAST = 15000;
const GROWTH = 1.25;

export class Backoff {
  #delay = FIRST;

  // It got through.
  reset() {
    this.#delay = FIRST;
  }

  // Not all pages that lost the same server come back at the same moment.
  next() {
    const delay = this.#delay * (0.7 + 0.6 * Math.random());
    this.#delay = Math.min(GROWTH * this.#delay, LAST);
    return delay;
  }
}
