// How this page stays in touch with the room: by a stream; where streams do not get through, by held polls; where those
// do not either, by short ones. All go on from one cursor, so that changing between them loses and repeats nothing.
// What works is measured: a stream that is late is overtaken by polls, and tried again beside them later.
import { Backoff } from "../lib/backoff.js";
import { Timers } from "../lib/timers.js";
import { Polls, SHORT_POLLS } from "./by-poll.js";
import { reset } from "./log.js";
import { forgetWay, recallWay, rememberWay } from "./network-memory.js";
import { Verdict } from "./verdict.js";
import { WatchedStream } from "./watched-stream.js";

// All in milliseconds.
const PROBES = [10000, 30000, 60000, 120000, 300000, 600000]; // between streams that are tried while polls do
const SHORT = 500; // an announced pause that is not worth a word,
const SLOW = 2000; // unless the new stream takes so long to open

export class Connection {
  #told;
  #stream;
  #polls;
  #running = false;
  #resetting = false;
  #held = true; // whether this page may hold a connection at all
  #good = false; // whether the stream is what this page relies on
  #polled = false; // whether polls get through
  #failed = false; // whether the last attempt at anything failed
  #verdict = new Verdict();
  #down = false; // whether polls are this page's way for now,
  #why = "buffers"; // and because of what
  #probe = 0;
  #networks = new Set(); // some have several addresses
  #gated = false; // whether somebody else answers in the server's place
  #seen = false; // whether this page was ever in touch
  #backoff = new Backoff();
  #timers = new Timers();

  // `told` hears:
  //   changed({ state, why })      connecting, live, polling, checking, reconnecting, gated
  //   happened(html, from, to)     what is in the page now, to tell other tabs
  //   beat()                       a sign of life
  //   reset()                      the page was loaded anew
  constructor(told) {
    this.#told = told;
    this.#stream = new WatchedStream({
      late: () => this.#onLate(),
      proved: () => this.#rely(),
      settled: () => this.#onSettled(),
      beat: () => told.beat(),
      happened: (html, from, to) => told.happened(html, from, to),
      reset: () => this.#onReset(),
      ended: (end) => this.#onEnded(end),
    });
    this.#polls = new Polls({ polled: (answer) => this.#onPolled(answer), failed: (gated) => this.#onPollFailed(gated) });
  }

  // `held` is false where this browser has no connection to spare: then polls are short.
  start({ held = true } = {}) {
    if (this.#running && held === this.#held) return;
    this.#held = held;
    if (this.#resetting) return; // it starts when the page was loaded anew
    const known = !this.#polls.running && recallWay();
    this.#running = true;
    this.#timers.set("news", SLOW, () => this.#say());
    if (!held) {
      this.#good = false;
      this.#stepDown("slots");
      this.#polls.hold = SHORT_POLLS;
      this.#stream.drop();
      this.#polls.start();
    } else if (known) {
      this.#down = true;
      this.#why = known.why;
      this.#networks = new Set(known.networks);
      this.#polls.hold = known.hold;
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
    this.#resetting = this.#polled = this.#failed = this.#down = this.#gated = this.#seen = false;
    this.#verdict = new Verdict();
    this.#probe = 0;
    this.#backoff.reset();
    this.#say();
  }

  #halt() {
    this.#running = this.#good = false;
    this.#timers.clearAll();
    this.#polls.stop();
    this.#stream.drop();
  }

  // The machine has slept, the network has changed, or somebody looks again. `sure` where what is open cannot be relied
  // on; otherwise it is what has been silent for too long.
  wake(sure) {
    if (!this.#running) return;
    this.#backoff.reset();
    this.#polls.wake(sure);
    if (!this.#held) return;
    if (!this.#stream.isOpen) {
      this.#attempt();
    } else if (sure || this.#stream.isSilent) {
      this.#good = false;
      this.#stream.drop();
    }
  }

  // There is no network.
  lose() {
    if (!this.#running) return;
    this.#good = this.#polled = this.#gated = false;
    this.#failed = true;
    this.#stream.drop();
    this.#say();
  }

  #attempt() {
    this.#timers.clear("attempt");
    if (this.#running && this.#held && !this.#stream.isOpen) this.#stream.open();
  }

  #later(delay) {
    this.#timers.set("attempt", delay, () => this.#attempt());
  }

  #onLate() {
    if (!this.#running) return;
    if (!this.#down) this.#why = "buffers";
    this.#verdict.late(this.#polled);
    if (this.#polled) this.#judge();
    this.#polls.start();
    this.#say();
  }

  // Polls get through: do streams?
  #judge() {
    if (!this.#down && this.#verdict.isBad) this.#stepDown(this.#why);
  }

  // From here on the stream alone brings what happens.
  #rely() {
    if (!this.#running || !this.#held || this.#good) return;
    this.#good = this.#seen = true;
    this.#down = this.#failed = this.#gated = this.#polled = false;
    this.#verdict.opened();
    this.#polls.stop();
    this.#polls.hold = 0;
    this.#say();
  }

  #onSettled() {
    this.#backoff.reset();
    this.#verdict.settled();
    this.#probe = 0;
    forgetWay();
  }

  #onEnded({ farewell, refused, dropped, why, cut }) {
    this.#good = false;
    if (!this.#running || !this.#held) return;
    if (dropped) {
      this.#later(0);
      this.#timers.set("news", SLOW, () => this.#say());
      return;
    }
    if (farewell?.reason === "limit") {
      this.#stepDown("limit");
      this.#later(Math.max(farewell.retry, this.#nextProbe()));
    } else if (farewell) {
      this.#backoff.reset();
      this.#later(farewell.retry);
    } else {
      this.#failed = true;
      if (!refused) this.#verdict.missed(this.#polled);
      if (cut) this.#verdict.cut();
      if (!this.#down) this.#why = why;
      this.#later(this.#down ? this.#nextProbe() : this.#backoff.next());
      if (this.#polled) this.#judge();
    }
    if (!farewell || this.#down) this.#polls.start();
    // A stream that has grown old is replaced at once, and nothing is missed: no news for a screen reader. If opening
    // the new one fails, that is said at once.
    const planned = farewell !== null && farewell.retry <= SHORT;
    if (!planned) this.#failed = true;
    this.#timers.set("news", planned ? SLOW : 0, () => { this.#failed ||= !this.#good; this.#say(); });
  }

  #onPolled(answer) {
    if (answer.reset) {
      this.#onReset();
      return;
    }
    const after = this.#failed && !this.#polled;
    this.#polled = this.#seen = true;
    this.#failed = this.#gated = false;
    if (answer.to !== answer.from) this.#told.happened(answer.html, answer.from, answer.to);
    else this.#told.beat();
    this.#verdict.polled();
    const moved = this.#networks.size > 0 && !this.#networks.has(answer.network);
    this.#networks.add(answer.network);
    if (answer.limited) this.#stepDown("limit");
    else if (moved && this.#held) this.#tryAgain(); // what another network did to streams, this one need not do
    else this.#judge();
    if (!this.#down && after) this.#attempt(); // the network is back
    this.#say();
  }

  #tryAgain() {
    this.#down = false;
    this.#verdict = new Verdict();
    this.#probe = 0;
    this.#polls.hold = 0;
    forgetWay();
    this.#attempt();
  }

  #onPollFailed(gated) {
    this.#polled = false;
    this.#failed = true;
    this.#gated = gated;
    if (this.#good) return;
    this.#verdict.nothing();
    this.#say();
    this.#attempt(); // polls may be what does not get through
  }

  // The page must be loaded anew; if that fails, whoever comes next asks for it again.
  async #onReset() {
    if (!this.#running) return;
    this.#halt();
    this.#resetting = true;
    this.#say();
    const done = await reset();
    if (!this.#resetting) return; // it was stopped meanwhile
    this.#timers.set("attempt", done ? 0 : this.#backoff.next(), () => {
      this.#resetting = false;
      this.start({ held: this.#held });
    });
    this.#told.reset();
  }

  #stepDown(why) {
    if (this.#down && why === this.#why) return;
    this.#down = true;
    this.#why = why;
    if (why === "limit") this.#polls.hold = SHORT_POLLS; // a held poll counts as well
    if (!this.#stream.isOpen) this.#later(this.#nextProbe());
    if (why !== "slots" && why !== "limit") rememberWay({ why, hold: this.#polls.hold, networks: [...this.#networks] });
  }

  #nextProbe() {
    const delay = PROBES[Math.min(this.#probe, PROBES.length - 1)];
    this.#probe += 1;
    return delay;
  }

  #say() {
    this.#told.changed({ state: this.#state(), why: this.#why });
  }

  #state() {
    if (this.#gated) return "gated";
    const away = this.#failed || this.#seen ? "reconnecting" : "connecting";
    if (!this.#running) return away;
    if (this.#good) return "live";
    if (this.#polled && this.#down) return this.#polls.held ? "polling" : "checking";
    return away;
  }
}
