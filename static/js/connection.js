// How this page stays in touch with the room: by a stream; where streams do not get through, by held polls; where those
// do not either, by short ones. All go on from one cursor, so that changing between them loses and repeats nothing.
// What works is measured: a stream that is late is overtaken by polls, and tried again beside them later.
import { Polls, SHORT_POLLS } from "./by-poll.js";
import { dropStream, openStream } from "./by-stream.js";
import { isAhead, reset } from "./log.js";
import { forgetWay, recallWay, rememberWay } from "./network-memory.js";

// All in milliseconds.
const OPENING = 2500; // until the first event must be here: then polls begin, and the stream may still come
const GIVEN_UP = 10000; // until it is given up
const BEATS = 2.5; // heartbeats that may be missing
const SETTLED = 60000; // a stream that lasted so long was a good one
const FIRST_RETRY = 500; // doubled up to the last
const LAST_RETRY = 15000;
const PROBES = [10000, 30000, 60000, 120000, 300000, 600000]; // between streams that are tried while polls do
const SHORT = 500; // an announced pause that is not worth a word,
const SLOW = 2000; // unless the new stream takes so long to open
const MISSES = 3; // streams that failed, or
const CUTS = 3; // were cut, while polls got through, before that is taken for the network's way

export class Connection {
  #told;
  #polls;
  #running = false;
  #resetting = false;
  #held = true; // whether this page may hold a connection at all
  #busy = false; // whether a stream is open, being opened, or ending
  #dropped = false; // whether it is ending because this page wants it to
  #openedAt = 0; // of the stream that is open
  #heartbeat = 15000;
  #heardAt = 0;
  #good = false; // whether the stream is what this page relies on
  #doubtful = false; // whether the last one went mute: the next must prove itself by more than its opening
  #beats = 0;
  #polled = false; // whether polls get through
  #failed = false; // whether the last attempt at anything failed
  #missed = false; // whether a stream failed since the last poll
  #misses = 0;
  #cuts = 0;
  #why = "buffers"; // what the network seems to do to streams
  #down = false; // whether polls are this page's way for now
  #probe = 0;
  #network = null;
  #retry = FIRST_RETRY;
  #timers = {};

  // `told` hears:
  //   changed({ state, why })      connecting, live, polling, checking, reconnecting
  //   happened(html, from, to)     what is in the page now, to tell other tabs
  //   beat()                       a sign of life
  //   reset()                      the page was loaded anew
  constructor(told) {
    this.#told = told;
    this.#polls = new Polls({ polled: (answer) => this.#onPolled(answer), failed: () => this.#onPollFailed() });
  }

  get running() { return this.#running; }

  // `held` is false where this browser has no connection to spare: then polls are short.
  start({ held = true } = {}) {
    if (this.#running && held === this.#held) return;
    this.#held = held;
    if (this.#resetting) return; // it starts when the page was loaded anew
    this.#running = true;
    this.#set("news", SLOW, () => this.#say());
    if (!held) {
      this.#good = false;
      this.#stepDown("slots");
      this.#polls.hold = SHORT_POLLS;
      this.#drop();
      this.#polls.start();
    } else if (!this.#polls.running && this.#recall()) {
      this.#polls.start();
      this.#later(this.#nextProbe());
    } else {
      this.#down = false;
      this.#polls.hold = 0;
      this.#attempt();
    }
  }

  stop() {
    this.#halt();
    this.#resetting = false;
    this.#polled = this.#failed = this.#down = this.#missed = false;
    this.#misses = this.#cuts = this.#probe = 0;
    this.#retry = FIRST_RETRY;
    this.#say();
  }

  #halt() {
    this.#running = this.#good = false;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#polls.stop();
    this.#drop();
  }

  // The machine has slept, the network has changed, or somebody looks again. `sure` where what is open cannot be relied
  // on; otherwise it is what has been silent for too long.
  wake(sure) {
    if (!this.#running) return;
    this.#retry = FIRST_RETRY;
    this.#polls.wake(sure);
    if (!this.#held) return;
    if (!this.#busy) {
      this.#attempt();
    } else if (sure || Date.now() - this.#heardAt > 1.2 * this.#heartbeat) {
      this.#good = false;
      this.#drop();
    }
  }

  // There is no network.
  lose() {
    if (!this.#running) return;
    this.#good = this.#polled = false;
    this.#failed = true;
    this.#drop();
    this.#say();
  }

  #attempt() {
    clearTimeout(this.#timers.attempt);
    if (!this.#running || !this.#held || this.#busy) return;
    this.#busy = true;
    this.#openedAt = 0;
    this.#beats = 0;
    this.#heardAt = Date.now();
    this.#set("slow", OPENING, () => this.#onSlow());
    this.#set("watchdog", GIVEN_UP, dropStream);
    openStream({
      opened: (hello) => this.#onOpened(hello),
      heard: () => this.#onHeard(),
      beat: (cursor) => this.#onBeat(cursor),
      happened: (html, id) => this.#onHappened(html, id),
      reset: () => this.#onReset(),
      ended: (farewell, refused) => this.#onEnded(farewell, refused),
    });
  }

  // Lets go of the stream; if there is to be one, it is opened anew.
  #drop() {
    if (!this.#busy) return;
    this.#dropped = true;
    dropStream();
  }

  #later(delay) {
    this.#set("attempt", delay, () => this.#attempt());
  }

  #onSlow() {
    if (this.#openedAt) return;
    if (!this.#down) this.#why = "buffers";
    this.#misses = Math.max(this.#misses, MISSES - 1);
    this.#miss();
    if (this.#polled) this.#judge();
    this.#polls.start();
    this.#say();
  }

  // A stream failed. Whether that is the network's way, or nothing gets through at all, the next poll tells.
  #miss() {
    if (this.#polled) this.#misses += 1;
    else this.#missed = true;
  }

  // Polls get through: do streams?
  #judge() {
    if (!this.#down && (this.#misses >= MISSES || this.#cuts >= CUTS)) this.#stepDown(this.#why);
  }

  #onOpened({ heartbeat }) {
    clearTimeout(this.#timers.slow);
    this.#openedAt = Date.now();
    this.#heartbeat = heartbeat;
    if (!this.#doubtful) this.#rely();
  }

  #onHeard() {
    this.#heardAt = Date.now();
    if (this.#openedAt) this.#watch();
  }

  #watch() {
    this.#set("watchdog", BEATS * this.#heartbeat, () => this.#onSilent());
  }

  #onSilent() {
    // A machine that has slept fires late; that says nothing of the network.
    this.#doubtful = Date.now() - this.#heardAt < (BEATS + 1) * this.#heartbeat;
    this.#good = false;
    dropStream();
  }

  #onBeat(cursor) {
    this.#beats += 1;
    // The first one belongs to the opening.
    if (this.#beats > 1) this.#rely();
    this.#told.beat();
    // Everything up to there was sent before. What is missing now was lost, and is asked for again.
    if (isAhead(cursor)) dropStream();
  }

  #onHappened(html, id) {
    const [epoch, position] = id.split(".");
    this.#told.happened(html, `${epoch}.${position - 1}`, id);
  }

  // From here on the stream alone brings what happens.
  #rely() {
    if (!this.#running || this.#good) return;
    this.#good = true;
    this.#doubtful = this.#down = this.#failed = this.#polled = this.#missed = false;
    this.#misses = this.#probe = 0;
    this.#polls.stop();
    this.#polls.hold = 0;
    forgetWay();
    this.#set("settled", SETTLED, () => { this.#retry = FIRST_RETRY; this.#cuts = 0; });
    this.#say();
  }

  #onEnded(farewell, refused) {
    const { attempt, slow, watchdog, settled } = this.#timers;
    for (const timer of [attempt, slow, watchdog, settled]) clearTimeout(timer);
    const opened = this.#openedAt > 0;
    const dropped = this.#dropped;
    this.#busy = this.#good = this.#dropped = false;
    if (!this.#running || !this.#held) return;
    if (dropped) {
      this.#later(0);
      this.#set("news", SLOW, () => this.#say());
      return;
    }
    if (farewell?.reason === "limit") {
      this.#down = false;
      this.#stepDown("limit");
    } else if (farewell) {
      this.#retry = FIRST_RETRY;
      this.#later(farewell.retry);
    } else {
      this.#failed = true;
      if (!refused) this.#miss();
      if (opened && !this.#doubtful && Date.now() - this.#openedAt < SETTLED) this.#cuts += 1;
      if (!this.#down) this.#why = this.#reason(opened);
      this.#later(this.#down ? this.#nextProbe() : this.#retry * (0.7 + 0.6 * Math.random()));
      this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
      if (this.#polled) this.#judge();
    }
    if (!farewell || this.#down) this.#polls.start();
    // A stream that has grown old is replaced at once, and nothing is missed: no news for a screen reader. If opening
    // the new one fails, that is said at once.
    const planned = farewell !== null && farewell.retry <= SHORT;
    if (!planned) this.#failed = true;
    this.#set("news", planned ? SLOW : 0, () => { this.#failed ||= !this.#good; this.#say(); });
  }

  // What the network seems to have done to the stream that has ended.
  #reason(opened) {
    if (this.#doubtful) return "buffers";
    if (opened) return "cuts";
    return Date.now() - this.#heardAt < OPENING ? "blocks" : "buffers";
  }

  #onPolled(answer) {
    const after = this.#failed && !this.#polled;
    this.#polled = true;
    this.#failed = false;
    if (answer.to !== answer.from) this.#told.happened(answer.html, answer.from, answer.to);
    else this.#told.beat();
    if (answer.reset) {
      this.#onReset();
      return;
    }
    if (this.#held && this.#network && answer.network !== this.#network) {
      // Another network: what the last one did to streams, this one need not do.
      this.#network = answer.network;
      this.#down = false;
      this.#attempt();
      return;
    }
    this.#network = answer.network;
    if (this.#missed) this.#misses += 1;
    this.#missed = false;
    if (answer.limited) this.#stepDown("limit");
    else this.#judge();
    if (!this.#down && after) this.#attempt(); // the network is back
    this.#say();
  }

  #onPollFailed() {
    this.#polled = false;
    this.#failed = true;
    if (this.#good) return;
    this.#missed = false;
    this.#cuts = 0;
    this.#say();
    this.#attempt(); // polls may be what does not get through
  }

  // The page must be loaded anew; if that fails, whoever comes next asks for it again.
  async #onReset() {
    this.#halt();
    this.#resetting = true;
    const done = await reset();
    if (!this.#resetting) return; // it was stopped meanwhile
    this.#set("attempt", done ? 0 : this.#retry, () => {
      this.#resetting = false;
      this.start({ held: this.#held });
    });
    this.#retry = Math.min(2 * this.#retry, LAST_RETRY);
    this.#told.reset();
  }

  #stepDown(why) {
    if (this.#down && why === this.#why) return;
    this.#down = true;
    this.#why = why;
    if (why === "limit") this.#polls.hold = SHORT_POLLS; // a held poll counts as well
    if (!this.#busy) this.#later(this.#nextProbe());
    if (why !== "slots" && why !== "limit") rememberWay({ why, hold: this.#polls.hold, network: this.#network });
  }

  #nextProbe() {
    const delay = PROBES[Math.min(this.#probe, PROBES.length - 1)];
    this.#probe += 1;
    return delay;
  }

  #recall() {
    const known = recallWay();
    if (!known) return false;
    this.#down = true;
    this.#why = known.why;
    this.#polls.hold = known.hold;
    this.#network = known.network;
    return true;
  }

  #say() {
    this.#told.changed({ state: this.#state(), why: this.#why });
  }

  #state() {
    if (!this.#running) return "connecting";
    if (this.#good) return "live";
    if (this.#polled && this.#down) return this.#polls.held ? "polling" : "checking";
    return this.#failed ? "reconnecting" : "connecting";
  }

  #set(name, delay, action) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(action, delay);
  }
}
