// A stream under watch: whether its first event is late, when it can be relied on, and whether it has gone mute.
import { Timers } from "../lib/timers.js";
import { dropStream, openStream } from "./by-stream.js";
import { isAhead } from "./log.js";

// All in milliseconds.
const OPENING = 2500; // until the first event must be here; it may still come
const GIVEN_UP = 10000; // until it is given up
const BEATS = 2.5; // heartbeats that may be missing
const SILENT = 1.2; // heartbeats after which one that is looked at is not trusted
const YOUNG = 60000; // one that lasted so long was a good one

export class WatchedStream {
  #told;
  #timers = new Timers();
  #dropped = false;
  #openedAt = 0;
  #heardAt = 0;
  #heartbeat = 15000;
  #beats = 0;
  #lost = false; // whether events were missing: that is no cut
  #doubtful = false; // whether the last one went mute: the next must prove itself by more than its opening
  isOpen = false; // or being opened, or ending

  // `told` hears:
  //   late()                       the first event should be here
  //   proved()                     from here on the stream can be relied on; may be said again
  //   settled()                    it has lasted
  //   beat()                       a sign of life
  //   happened(html, from, to)     what is in the page now
  //   reset()                      this page cannot be continued
  //   ended({ farewell, refused, dropped, why, cut })
  //       dropped: by this page; otherwise why: "buffers", "cuts" or "blocks", as far as one stream tells; cut: soon
  constructor(told) {
    this.#told = told;
  }

  get isSilent() { return Date.now() - this.#heardAt > SILENT * this.#heartbeat; }

  // MUST NOT be called while one is open.
  open() {
    this.isOpen = true;
    this.#dropped = false;
    this.#lost = false;
    this.#openedAt = 0;
    this.#beats = 0;
    this.#heardAt = Date.now();
    this.#timers.set("late", OPENING, () => this.#told.late());
    this.#timers.set("watchdog", GIVEN_UP, dropStream);
    openStream({
      opened: ({ heartbeat }) => this.#onOpened(heartbeat),
      heard: () => this.#onHeard(),
      beat: (cursor) => this.#onBeat(cursor),
      happened: (html, id) => this.#onHappened(html, id),
      reset: () => this.#told.reset(),
      ended: (farewell, refused) => this.#onEnded(farewell, refused),
    });
  }

  // Lets go of it; `ended` follows.
  drop() {
    if (!this.isOpen) return;
    this.#dropped = true;
    dropStream();
  }

  #onOpened(heartbeat) {
    this.#timers.set("settled", YOUNG, () => this.#told.settled());
    this.#openedAt = Date.now();
    this.#heartbeat = heartbeat;
  }

  #onHeard() {
    this.#heardAt = Date.now();
    if (this.#openedAt) this.#timers.set("watchdog", BEATS * this.#heartbeat, () => this.#onSilence());
  }

  #onSilence() {
    // A machine that has slept fires late; that says nothing of the network.
    this.#doubtful = Date.now() - this.#heardAt < (BEATS + 1) * this.#heartbeat;
    dropStream();
  }

  #onBeat(cursor) {
    this.#beats += 1;
    // Everything up to there was sent before. What is missing now was lost, and is asked for again.
    if (isAhead(cursor)) {
      this.#lost = true;
      dropStream();
      return;
    }
    // The first one belongs to the opening: it says that this page can be continued.
    if (this.#beats > (this.#doubtful ? 1 : 0)) {
      this.#timers.clear("late");
      this.#doubtful = false;
      this.#told.proved();
    }
    this.#told.beat();
  }

  #onHappened(html, id) {
    const [epoch, position] = id.split(".");
    this.#told.happened(html, `${epoch}.${position - 1}`, id);
  }

  #onEnded(farewell, refused) {
    this.#timers.clearAll();
    this.isOpen = false;
    const cut = this.#openedAt > 0 && !this.#doubtful && !this.#lost && Date.now() - this.#openedAt < YOUNG;
    this.#told.ended({ farewell, refused, dropped: this.#dropped, why: this.#why(), cut });
  }

  #why() {
    if (this.#doubtful) return "buffers";
    if (this.#openedAt) return "cuts";
    return Date.now() - this.#heardAt < OPENING ? "blocks" : "buffers";
  }
}
