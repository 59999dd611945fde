// Three ways, one cursor: each rule of docs/architecture.md as a case, and a walk that finds what no rule foresaw.
import assert from "node:assert/strict";
import test from "node:test";
import { HOLDS, ladder, START, words } from "./js/link/ladder.js";

const SHORT = HOLDS.length - 1;
const SEED = Number(process.env.QUART_CHAT_SEED ?? 1);

// --- A case is a list of events; what is looked at is the state at its end, and what was to be done.

function play(...events) {
  let state = START;
  const done = [];
  for (const [type, facts] of events) {
    const [next, todo] = ladder(state, { type, ...facts });
    state = next;
    done.push(...todo);
  }
  const all = (what) => done.filter(([each]) => each === what).map(([, ...facts]) => facts);
  return { state, done, said: words(state), last: (what) => all(what).at(-1), count: (what) => all(what).length };
}

const start = (facts) => ["start", { held: true, known: null, ...facts }];
const through = (facts) => ["polled", { wait: 0, network: "home", limited: false, ...facts }];
const held = through({ wait: 25 });
const unheld = through();
const late = ["late"];
const proved = ["proved"];
const failed = ["pollFailed", { portal: false }];
const cutPoll = ["pollCut"];
const again = ["try"];
const over = (facts) => ["ended", { farewell: null, refused: false, dropped: false, why: "blocks", cut: false, ...facts }];
const refused = over({ refused: true });
const soon = over({ cut: true, why: "cuts" });
const bye = (retry, reason = "age") => over({ farewell: { retry, reason } });
const live = [start(), proved];
const byPolls = [start(), late, unheld];

const RULES = {
  "a page begins with a stream": () => {
    const { state, done, said } = play(start());
    assert.equal(state.name, "opening");
    assert.deepEqual(done, [["news", 2000], ["open"]]);
    assert.equal(said, "connecting");
  },
  "a stream that shows a heartbeat is relied on": () => {
    const { state, said } = play(...live);
    assert.equal(said, "live");
    assert.equal(state.polls, "off");
  },
  "no first event in time: polls begin beside the stream": () => {
    const { state, count } = play(start(), late);
    assert.deepEqual([state.stream, state.polls, count("drop")], ["open", "asking", 0]);
  },
  "which may still come": () => {
    const { state, said, count } = play(start(), late, unheld, proved);
    assert.deepEqual([said, state.polls, count("unpoll"), state.hold], ["live", "off", 1, 0]);
  },
  "a stream that says nothing, and one poll that gets through: polls are the way": () => {
    const { said, state, last } = play(...byPolls);
    assert.deepEqual([said, state.why], ["polling", "buffers"]);
    assert.deepEqual(last("remember"), [{ why: "buffers", hold: 0, networks: ["home"] }]);
  },
  "the reason that was found out first stays": () => {
    const known = { why: "cuts", hold: 0, networks: [] };
    assert.equal(play(start({ known }), unheld, again, late).state.why, "cuts");
    assert.equal(play(...live, soon, unheld, again, late).state.why, "buffers", "but only while it is what polls are for");
  },
  "or, where polls got through before, at once": () => {
    const { said } = play(start(), refused, unheld, again, late);
    assert.equal(said, "polling");
  },
  "a stream that fails three times while polls get through is given up": () => {
    const twice = [start(), over(), unheld, again, over(), again];
    assert.equal(play(...twice).state.name, "opening");
    const { said, state } = play(...twice, over());
    assert.deepEqual([said, state.why], ["polling", "blocks"]);
  },
  "failing while polls do not get through says nothing of streams": () => {
    const away = [over(), failed];
    const { state, said } = play(start(), ...away, ...away, ...away, ...away);
    assert.deepEqual([state.name, state.verdict.misses, said], ["opening", 0, "reconnecting"]);
  },
  "nor does a server that refuses one": () => {
    assert.equal(play(start(), refused, unheld, again, refused, again, refused, again, refused).state.name, "opening");
  },
  "a stream that is cut three times within a minute is given up, even if each one opened": () => {
    const cutTwice = [...live, soon, unheld, again, proved, soon, unheld];
    assert.equal(play(...cutTwice).state.name, "opening");
    const { said, state } = play(...cutTwice, again, proved, soon, unheld);
    assert.deepEqual([said, state.why], ["polling", "cuts"]);
  },
  "one that has lasted clears it": () => {
    const { state } = play(...live, soon, unheld, again, proved, soon, unheld, again, proved, ["settled"], soon, unheld);
    assert.equal(state.name, "opening");
  },
  "a minute of a good stream forgets what was remembered": () => {
    const { count } = play(...byPolls, proved, ["settled"]);
    assert.equal(count("forget"), 1);
  },
  "a held poll fails, and one that is not held gets through at once, twice: the next ones are shorter": () => {
    const once = [...byPolls, cutPoll, unheld];
    assert.equal(play(...once).state.hold, 0);
    assert.equal(play(...once, cutPoll, unheld).state.hold, 1);
    assert.deepEqual(play(...once, cutPoll, unheld).last("hold"), [1]);
    const { state, said, last } = play(...once, cutPoll, unheld, ...[cutPoll, unheld, cutPoll, unheld]);
    assert.deepEqual([state.hold, state.name, said], [SHORT, "checking", "checking"]);
    assert.equal(last("remember")[0].hold, SHORT, "and the next page need not find it out");
    assert.equal(play(...once, cutPoll, unheld, ...Array(9).fill([cutPoll, unheld]).flat()).state.hold, SHORT);
  },
  "a held poll that gets through between them clears it": () => {
    assert.equal(play(...byPolls, cutPoll, unheld, held, cutPoll, unheld).state.hold, 0);
  },
  "and so does one that is not held and fails, too: it was not the holding": () => {
    assert.equal(play(...byPolls, cutPoll, failed, unheld, cutPoll, failed, unheld).state.hold, 0);
  },
  "polls do: a stream is tried again after 10 s, then less often up to every 10 min": () => {
    const tries = [...byPolls];
    const delays = [];
    for (let count = 0; count < 8; count += 1) {
      tries.push(over(), again);
      delays.push(play(...tries.slice(0, -1)).last("try")[0]);
    }
    assert.deepEqual(delays, [10000, 30000, 60000, 120000, 300000, 600000, 600000, 600000]);
  },
  "and at once on another network, with nothing held against it": () => {
    const { state, done, said } = play(...byPolls, over(), through({ network: "train" }));
    assert.deepEqual([state.name, state.stream, state.hold, state.verdict.misses, said], ["opening", "open", 0, 0, "reconnecting"]);
    assert.ok(done.some(([what]) => what === "forget"));
  },
  "an address that was seen before is no other network": () => {
    const both = [start({ known: { why: "buffers", hold: 0, networks: ["home", "other"] } })];
    assert.equal(play(...both, unheld, through({ network: "other" }), unheld).said, "polling");
  },
  "farewell with the reason limit: short polls, since a held one would take the next one's place": () => {
    const { state, said, last } = play(...live, bye(20000, "limit"), unheld);
    assert.deepEqual([said, state.why, state.hold], ["checking", "limit", SHORT]);
    assert.deepEqual(last("try"), [20000]);
    assert.equal(last("remember"), undefined, "it is nothing of the network");
    assert.deepEqual(play(...live, bye(100, "limit")).last("try"), [10000]);
  },
  "a poll that is told so, too": () => {
    const { state, count } = play(start(), late, through({ limited: true }));
    assert.deepEqual([state.name, state.why, count("remember")], ["checking", "limit", 0]);
    assert.equal(play(...byPolls, through({ limited: true })).state.name, "checking");
  },
  "a stream that has grown old is replaced after the pause it names, and nobody is told": () => {
    const { state, last, said } = play(...live, bye(200));
    assert.deepEqual([state.stream, state.polls, last("try")[0], last("news")[0]], ["due", "off", 200, 2000]);
    assert.equal(play(...live, bye(200), again, proved).said, "live");
    assert.equal(said, "reconnecting", "if it is asked before");
  },
  "a longer pause is said at once": () => {
    assert.deepEqual(play(...live, bye(9000)).last("news"), [0]);
  },
  "a stream that breaks is tried again later each time, and polls begin": () => {
    const { state, last } = play(...live, over());
    assert.deepEqual([state.stream, last("try"), state.polls], ["due", ["backoff"], "asking"]);
  },
  "polls get through again: so might a stream, at once": () => {
    const { state } = play(...live, over(), again, over(), failed, over(), unheld);
    assert.equal(state.stream, "open");
  },
  "polls fail: the stream is tried, it may be them": () => {
    assert.equal(play(...byPolls, over(), failed).state.stream, "open");
  },
  "sleep, and another network: what is open is dropped and opened anew": () => {
    const { state, last, count } = play(...live, ["wake", { sure: true, silent: false }]);
    assert.deepEqual([state.name, state.stream, count("drop"), count("calm")], ["opening", "ending", 1, 1]);
    const then = play(...live, ["wake", { sure: true, silent: false }], over({ dropped: true }));
    assert.deepEqual([then.state.stream, then.last("try")], ["due", [0]]);
    assert.equal(last("open").length, 0);
  },
  "somebody looks again: only what has been silent": () => {
    assert.equal(play(...live, ["wake", { sure: false, silent: false }]).said, "live");
    assert.equal(play(...live, ["wake", { sure: false, silent: true }]).state.stream, "ending");
  },
  "waking does not wait for what was to be tried later": () => {
    assert.equal(play(...live, over(), ["wake", { sure: false, silent: true }]).state.stream, "open");
    assert.deepEqual(play(...byPolls, ["wake", { sure: true, silent: true }]).last("hurry"), [true]);
  },
  "there is no network: nothing is relied on, and polls that come through again say so": () => {
    const { state, said } = play(...live, ["lose"]);
    assert.deepEqual([state.name, state.stream, said], ["opening", "ending", "reconnecting"]);
    assert.equal(play(...byPolls, ["lose"]).said, "reconnecting");
    assert.equal(play(...byPolls, ["lose"], over({ dropped: true }), unheld).said, "polling");
  },
  "a portal is named until the server itself answers": () => {
    const portal = [...live, over(), ["pollFailed", { portal: true }]];
    assert.equal(play(...portal).said, "portal");
    assert.equal(play(...portal, over()).said, "portal");
    assert.equal(play(...portal, unheld).said, "reconnecting");
    assert.equal(play(...portal, proved).said, "live");
    assert.equal(play(...portal, ["lose"]).said, "reconnecting");
  },
  "a reset ends both ways, and the page begins anew when it was loaded": () => {
    const asked = [...byPolls, ["reset"]];
    const { state, done } = play(...asked);
    assert.deepEqual([state.name, state.stream, state.polls], ["resetting", "ending", "off"]);
    assert.deepEqual(done.slice(-5).map(([what]) => what), ["halt", "unpoll", "drop", "say", "reset"]);
    assert.deepEqual(play(...asked, ["loaded", { done: true }]).last("again"), [0]);
    assert.deepEqual(play(...asked, ["loaded", { done: false }]).last("again"), ["backoff"]);
    const back = play(...asked, over({ dropped: true }), ["loaded", { done: true }], ["again", { known: null }]);
    assert.deepEqual([back.state.name, back.state.stream, back.count("renewed")], ["opening", "open", 1]);
  },
  "whoever starts meanwhile waits for it; whoever stops does not": () => {
    assert.equal(play(...live, ["reset"], start({ held: false })).state.name, "resetting");
    assert.equal(play(...live, ["reset"], start({ held: false }), ["loaded", { done: true }], ["again", { known: null }]).state.name, "checking");
    const stopped = play(...live, ["reset"], ["stop"], ["loaded", { done: true }], ["again", { known: null }]);
    assert.deepEqual([stopped.state.name, stopped.count("renewed")], ["idle", 0]);
  },
  "what was found out holds for the next page of the session": () => {
    const known = { why: "cuts", hold: SHORT, networks: ["home"] };
    const { state, said, count, last } = play(start({ known }), unheld);
    assert.deepEqual([said, state.why, count("open"), last("try"), last("hold")], ["checking", "cuts", 0, [10000], [SHORT]]);
  },
  "but not on another network": () => {
    const known = { why: "buffers", hold: 1, networks: ["home"] };
    const { state } = play(start({ known }), through({ network: "train" }));
    assert.deepEqual([state.name, state.stream, state.hold], ["opening", "open", 0]);
  },
  "a browser without a connection to spare polls shortly, and holds one when it may": () => {
    const { state, said, count } = play(start({ held: false }), unheld);
    assert.deepEqual([said, state.why, count("open")], ["checking", "slots", 0]);
    assert.equal(play(start({ held: false }), unheld, ["wake", { sure: true, silent: true }], failed).count("open"), 0);
    assert.equal(play(start({ held: false }), unheld, start(), proved).said, "live");
    assert.deepEqual(play(...live, start({ held: false })).state.stream, "ending");
  },
  "whoever starts twice starts once": () => {
    assert.equal(play(start(), start()).count("open"), 1);
  },
  "what was stopped stays stopped": () => {
    const late_ones = [over(), unheld, failed, late, proved, again, ["settled"], ["reset"], ["loaded", { done: true }], ["lose"]];
    const { state, said } = play(...live, ["stop"], ...late_ones);
    assert.deepEqual([state.name, state.stream, state.polls, said], ["idle", "closed", "off", "connecting"]);
    assert.equal(play(...live, over(), failed, ["stop"]).said, "connecting", "and is no trouble");
  },
};

for (const [rule, proof] of Object.entries(RULES)) test(rule, proof);

// --- A walk: a world that does what it is told, and to which anything may happen that can.

function mulberry(seed) {
  let at = seed;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let t = Math.imul(at ^ (at >>> 15), 1 | at);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  state = START;
  stream = "none"; // or open, ending
  polls = false;
  timers = new Set();
  loading = 0; // resets that are under way
  owed = false; // a reset that was asked for while the page was in touch, and is not done
  history = [];

  does = {
    open: () => {
      assert.equal(this.stream, "none", "never two streams");
      this.stream = "open";
      this.timers.delete("try");
    },
    drop: () => { if (this.stream === "open") this.stream = "ending"; },
    poll: () => { this.polls = true; },
    unpoll: () => { this.polls = false; },
    try: () => this.timers.add("try"),
    again: () => this.timers.add("again"),
    news: () => this.timers.add("news"),
    halt: () => this.timers.clear(),
    reset: () => { this.loading += 1; },
  };

  see(type, facts = {}) {
    this.history.push(type);
    const before = this.state;
    const [state, todo] = ladder(this.state, { type, ...facts });
    this.state = state;
    for (const [what, ...values] of todo) this.does[what]?.(...values);
    if (type === "reset" && !["idle", "resetting"].includes(before.name)) this.owed = true;
    if (type === "stop" || (type === "loaded" && before.name === "resetting")) this.owed = false;
    this.check();
  }

  check() {
    const { name, stream, polls, held } = this.state;
    assert.equal(["open", "ending"].includes(stream), this.stream !== "none", "it knows whether a stream is there");
    assert.equal(stream === "due" && !this.timers.has("try"), false, "a stream that is due has a timer");
    assert.equal(polls !== "off", this.polls, "it knows whether polls are asked");
    if (name === "idle") assert.equal(this.stream === "open" || this.polls || this.timers.size > 0, false, "idle is idle");
    else if (name === "resetting") assert.ok(this.loading || this.timers.has("again"), "a reset is under way");
    else assert.ok(this.polls || this.stream !== "none" || this.timers.has("try"), "never without anything to wait for");
    if (name === "live") assert.deepEqual([this.stream, this.polls, held], ["open", false, true]);
    if (["polling", "checking"].includes(name)) {
      assert.ok(this.polls, "polls are asked where they are the way");
      assert.equal(name === "checking", this.state.hold === SHORT);
    }
    if (!held && name !== "resetting") assert.notEqual(this.stream, "open", "no connection where there is none to spare");
    if (this.owed) assert.equal(name, "resetting", "a reset is not lost");
  }

  fire(timer) {
    this.timers.delete(timer);
    this.see(timer, { known: null });
  }

  // Whatever may happen next.
  choices(chance) {
    const pick = (...values) => values[Math.floor(chance() * values.length)];
    const known = pick(null, null, { why: pick("buffers", "cuts"), hold: pick(0, 1, SHORT), networks: pick([], ["home"]) });
    const found = [
      () => this.see("start", { held: chance() < 0.7, known }),
      () => this.see("start", { held: true, known: null }),
      () => this.see("wake", { sure: chance() < 0.5, silent: chance() < 0.5 }),
      () => this.see("lose"),
    ];
    if (chance() < 0.2) found.push(() => this.see("stop"));
    for (const timer of this.timers) found.push(() => this.fire(timer));
    if (this.stream !== "none") {
      const dropped = this.stream === "ending";
      const farewell = pick(null, null, { reason: pick("age", "limit", "slow"), retry: pick(0, 300, 9000) });
      const end = { farewell: dropped ? null : farewell, dropped, refused: chance() < 0.2, why: pick("buffers", "cuts", "blocks"), cut: chance() < 0.5 };
      found.push(() => { this.stream = "none"; this.see("ended", end); });
      found.push(...["late", "proved", "settled", "reset"].map((type) => () => this.see(type)));
    }
    if (this.polls) {
      found.push(() => this.see("polled", { wait: pick(0, 10, 25), network: pick("home", "home", "train"), limited: chance() < 0.1 }));
      found.push(() => this.see("pollCut"), () => this.see("pollFailed", { portal: chance() < 0.3 }), () => this.see("reset"));
    }
    if (this.loading) found.push(() => { this.loading -= 1; this.see("loaded", { done: chance() < 0.5 }); });
    return found;
  }

  // From here on everything works: what was begun comes to its good end. Says how the page is then.
  recover() {
    for (let turn = 0; turn < 20; turn += 1) {
      if (this.loading) { this.loading -= 1; this.see("loaded", { done: true }); }
      if (this.timers.has("again")) this.fire("again");
      if (this.stream === "ending") { this.stream = "none"; this.see("ended", { farewell: null, dropped: true, refused: false, why: "cuts", cut: false }); }
      if (this.timers.has("try")) this.fire("try");
      if (this.polls) this.see("polled", { wait: 0, network: "home", limited: false });
      if (this.stream === "open") this.see("proved");
    }
    return words(this.state);
  }
}

test(`whatever happens, in whatever order, it is always somewhere and always gets back (seed ${SEED})`, () => {
  const chance = mulberry(SEED);
  const reached = new Set();
  for (let walk = 0; walk < 3000; walk += 1) {
    const world = new World();
    try {
      for (let step = 0; step < 60; step += 1) {
        const choices = world.choices(chance);
        choices[Math.floor(chance() * choices.length)]();
        reached.add(`${world.state.name} ${world.state.stream} ${world.state.polls}`);
      }
      if (world.state.name === "idle") world.see("start", { held: true, known: null });
      const said = world.recover();
      assert.ok(["live", "polling", "checking"].includes(said), `${said} with a good network`);
      if (world.state.held) assert.equal(said, "live");
    } catch (error) {
      error.message += `\nafter ${world.history.slice(-25).join(" ")}\n${JSON.stringify(world.state)}`;
      throw error;
    }
  }
  for (const name of ["idle", "opening", "live", "polling", "checking", "resetting"]) {
    assert.ok([...reached].some((place) => place.startsWith(name)), `the walk never was ${name}`);
  }
});
