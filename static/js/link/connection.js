// Keeps this page in touch with the room: by a stream; where streams do not get through, by held polls; where those do not
// either, by short ones. All go on from one cursor, so that changing between them loses and repeats nothing. What is done
// when, `ladder.js` decides.
import { Backoff } from "../lib/backoff.js";
import { Timers } from "../lib/timers.js";
import { Polls } from "./by-poll.js";
import { ladder, START, words } from "./ladder.js";
import { reset } from "./log.js";
import { forgetWay, recallWay, rememberWay } from "./network-memory.js";
import { WatchedStream } from "./watched-stream.js";

export class Connection {
  #stream;
  #state = START;
  #waiting = []; // events that came while another was seen to
  #backoff = new Backoff();
  #timers = new Timers();
  #does; // by its name, whatever the ladder says

  // `told` hears:
  //   changed({ state, why })      connecting, live, polling, checking, reconnecting, portal
  //   happened(html, from, to)     what is in the page now, to tell other tabs
  //   beat()                       a sign of life
  //   reset()                      the page was loaded anew
  // What has no place in the log (who is writing, who is there) comes in beside `happened`, from both ways: no rung needs it.
  constructor(told) {
    const tell = (type, facts) => this.#on({ type, ...facts });
    const stream = new WatchedStream({
      late: () => tell("late"),
      proved: () => tell("proved"),
      settled: () => tell("settled"),
      beat: () => told.beat(),
      happened: (html, from, to) => told.happened(html, from, to),
      reset: () => tell("reset"),
      ended: (end) => tell("ended", end),
    });
    const polls = new Polls({
      polled(answer) {
        if (answer.reset) return tell("reset");
        if (answer.to !== answer.from) told.happened(answer.html, answer.from, answer.to);
        else told.beat();
        return tell("polled", answer);
      },
      cut: () => tell("pollCut"),
      failed: (portal) => tell("pollFailed", { portal }),
    });
    const wait = (type) => (delay) => {
      this.#timers.set(type, delay === "backoff" ? this.#backoff.next() : delay, () => tell(type, { known: recallWay() }));
    };
    this.#stream = stream;
    this.#does = {
      open: () => { this.#timers.clear("try"); stream.open(); },
      drop: () => stream.drop(),
      poll: () => polls.start(),
      unpoll: () => polls.stop(),
      hold: (which) => { polls.hold = which; },
      hurry: (sure) => polls.wake(sure),
      try: wait("try"),
      again: wait("again"),
      news: wait("news"),
      forget: forgetWay,
      remember: rememberWay,
      calm: () => this.#backoff.reset(),
      halt: () => this.#timers.clearAll(),
      reset: () => reset().then((done) => tell("loaded", { done })),
      renewed: () => told.reset(),
      say: () => told.changed({ state: words(this.#state), why: this.#state.why }),
    };
  }

  // `held` is false where this browser has no connection to spare: then polls are short.
  start({ held = true } = {}) { this.#on({ type: "start", held, known: recallWay() }); }

  stop() { this.#on({ type: "stop" }); }

  // The machine has slept, the network has changed, or somebody looks again: see `ladder.js`.
  wake(sure) { this.#on({ type: "wake", sure, silent: this.#stream.isSilent }); }

  // There is no network.
  lose() { this.#on({ type: "lose" }); }

  // One after the other: letting go of a stream may end it at once.
  #on(event) {
    if (this.#waiting.push(event) > 1) return;
    for (; this.#waiting.length; this.#waiting.shift()) {
      try {
        this.#see(this.#waiting[0]);
      } catch (error) {
        reportError(error); // what waits behind it must not wait for ever
      }
    }
  }

  #see(event) {
    const [state, todo] = ladder(this.#state, event);
    this.#state = state;
    for (const [what, ...facts] of todo) this.#does[what](...facts);
  }
}
