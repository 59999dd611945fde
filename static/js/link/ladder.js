// By which way a page is in touch, and when it tries another: the rules, and nothing that happens. `connection.js` tells
// what has come to pass, and does what is to be done.
//
//   idle       nothing is open
//   opening    a stream is what this page wants; where it is late, polls begin beside it
//   live       the stream is relied on
//   polling    held polls are the way, and a stream is tried now and then
//   checking   short polls are
//   resetting  the page is loaded anew
import { cut, isBad, late, missed, NO_VERDICT, nothing, opened, polled, settled } from "./verdict.js";

// In seconds: how long a poll is held, each where the network does not stand the one before.
export const HOLDS = [25, 10, 0];
const NOT_HELD = HOLDS.length - 1;
const POLL_CUTS = 2; // held polls that are cut, one after the other, before the next ones are held shorter

// All in milliseconds.
const PROBES = [10000, 30000, 60000, 120000, 300000, 600000]; // between streams that are tried while polls do
const SHORT = 500; // an announced pause that is not worth a word,
const SLOW = 2000; // unless the new stream takes so long to open

const UNCERTAIN = ["slots", "limit"]; // reasons that say nothing of the network

export const START = {
  name: "idle",
  held: true, // whether this page may hold a connection at all
  stream: "closed", // or "due": one will be tried; "open", or being opened; "ending": let go of, and not yet gone
  polls: "off", // or "asking", or "through"
  trouble: null, // or "failed", the last attempt at anything; or "portal": somebody else answers in the server's place
  seen: false, // whether this page was ever in touch
  why: "buffers", // because of what polls are the way
  probe: 0,
  hold: 0, // which of HOLDS
  cut: false, // whether the last poll was held, and failed
  cuts: 0, // of polls
  verdict: NO_VERDICT,
  networks: [], // some have several addresses
};

// Gives the next state, and what is to be done, in this order, each as [what, ...with]:
//   open, drop            a stream; a dropped one is told of as `ended`, whatever comes of it
//   poll, unpoll          begin and end polls; hold(which of HOLDS); hurry(sure): ask again now
//   try, again, news      tell that event after so many milliseconds, or "backoff"; one that is set again begins anew
//   forget, remember(way) what was found out about this network
//   calm                  the backoff begins anew
//   halt                  none of the three above is told any more
//   reset, renewed        load the page anew, and tell `loaded`; tell others of it
//   say                   what `words` gives now
export function ladder(state, event) {
  const todo = [];
  const next = STEPS[event.type](state, event, (...what) => { todo.push(what); });
  if (next.hold !== state.hold) todo.unshift(["hold", next.hold]);
  return [next, todo];
}

// What people are told: connecting, live, polling, checking, reconnecting or portal.
export function words({ name, polls, trouble, seen }) {
  if (trouble === "portal") return trouble;
  if (name === "live" || (isPolled({ name }) && polls === "through")) return name;
  return trouble || seen ? "reconnecting" : "connecting";
}

const runs = ({ name }) => name !== "idle" && name !== "resetting";
const isPolled = ({ name }) => name === "polling" || name === "checking";
const isOpen = ({ stream }) => stream === "open" || stream === "ending";
const isThrough = ({ polls }) => polls === "through";
const failed = ({ trouble }) => trouble ?? "failed";
const without = (state) => (state.name === "live" ? "opening" : state.name);

const STEPS = {
  // `held` is false where this browser has no connection to spare; `known` is what was remembered of this network.
  start(state, { held, known }, todo) {
    if (runs(state) && held === state.held) return state;
    const next = { ...state, held };
    if (state.name === "resetting") return next; // it starts when the page was loaded anew
    todo("news", SLOW);
    if (!held) return poll(drop(byPolls({ ...next, hold: NOT_HELD, why: "slots" }), todo), todo);
    if (!known || state.polls !== "off") return attempt({ ...next, name: "opening", hold: 0 }, todo);
    const { why, hold, networks } = known;
    return probe(poll(byPolls({ ...next, why, hold, networks }), todo), todo);
  },

  stop(state, event, todo) {
    const next = halt(state, "idle", todo);
    todo("calm");
    todo("say");
    return { ...next, trouble: null, seen: false, verdict: NO_VERDICT, probe: 0 };
  },

  // The machine has slept, the network has changed, or somebody looks again. `sure` where what is open cannot be relied on;
  // otherwise it is what has been `silent` for too long.
  wake(state, { sure, silent }, todo) {
    if (!runs(state)) return state;
    todo("calm");
    if (state.polls !== "off") todo("hurry", sure);
    if (!isOpen(state)) return attempt(state, todo);
    return sure || silent ? drop({ ...state, name: without(state) }, todo) : state;
  },

  // There is no network.
  lose(state, event, todo) {
    if (!runs(state)) return state;
    todo("say");
    return drop({ ...state, name: without(state), polls: isThrough(state) ? "asking" : state.polls, trouble: "failed" }, todo);
  },

  try: (state, event, todo) => attempt(state.stream === "due" ? { ...state, stream: "closed" } : state, todo),

  news(state, event, todo) {
    todo("say");
    return state;
  },

  // The first event of a stream should be here.
  late(state, event, todo) {
    if (!runs(state) || state.name === "live" || state.stream !== "open") return state;
    const next = { ...state, why: isPolled(state) ? state.why : "buffers", verdict: late(state.verdict, isThrough(state)) };
    todo("say");
    return poll(isThrough(next) ? judge(next, todo) : next, todo);
  },

  // From here on the stream alone brings what happens.
  proved(state, event, todo) {
    if (!runs(state) || state.name === "live" || state.stream !== "open") return state;
    todo("unpoll");
    todo("say");
    return { ...state, name: "live", polls: "off", hold: 0, trouble: null, seen: true, verdict: opened(state.verdict) };
  },

  // The stream has lasted.
  settled(state, event, todo) {
    if (state.name !== "live") return state;
    todo("calm");
    todo("forget");
    return { ...state, verdict: settled(state.verdict), probe: 0 };
  },

  ended(before, { farewell, refused, dropped, why, cut: soon }, todo) {
    let state = { ...before, name: without(before), stream: "closed" };
    if (!runs(state) || !state.held) return state;
    if (dropped) {
      todo("news", SLOW);
      return later(state, 0, todo);
    }
    if (farewell?.reason === "limit") {
      state = probe(byPolls({ ...state, hold: NOT_HELD, why: "limit" }), todo, farewell.retry);
    } else if (farewell) {
      todo("calm");
      state = later(state, farewell.retry, todo);
    } else {
      if (!refused) state = { ...state, verdict: missed(state.verdict, isThrough(state)) };
      if (soon) state = { ...state, verdict: cut(state.verdict) };
      state = isPolled(state) ? probe(state, todo) : later({ ...state, why }, "backoff", todo);
      if (isThrough(state)) state = judge(state, todo);
    }
    if (!farewell || isPolled(state)) state = poll(state, todo);
    // A stream that has grown old is replaced at once, and nothing is missed: no news for a screen reader. If opening
    // the new one fails, that is said at once.
    const planned = farewell && farewell.retry <= SHORT;
    todo("news", planned ? SLOW : 0);
    return planned ? state : { ...state, trouble: failed(state) };
  },

  // A poll got through; its events are in the page. `wait` is how long it was to be held; `limited`: the server ended another.
  polled(before, { wait, network, limited }, todo) {
    if (before.polls === "off") return before;
    const isBack = before.trouble && !isThrough(before);
    const moved = before.networks.length > 0 && !before.networks.includes(network);
    let state = shortened({ ...before, polls: "through", trouble: null, seen: true, verdict: polled(before.verdict) }, wait);
    if (!before.networks.includes(network)) state = { ...state, networks: [...before.networks, network] };
    if (limited) state = stepDown(state, "limit", todo);
    else if (moved && state.held) state = tryAgain(state, todo); // what another network did to streams, this one need not do
    else if (isPolled(state) && state.hold !== before.hold) state = remember(byPolls(state), todo);
    else state = judge(state, todo);
    todo("say");
    return isBack && !isPolled(state) ? attempt(state, todo) : state;
  },

  // A held poll was cut: what is asked next, and is not held, tells whether it was the holding.
  pollCut: (state) => ({ ...state, cut: true }),

  pollFailed(state, { portal }, todo) {
    if (state.polls === "off") return state;
    todo("say");
    const next = { ...state, polls: "asking", cut: false, trouble: portal ? "portal" : "failed", verdict: nothing(state.verdict) };
    return attempt(next, todo); // polls may be what does not get through
  },

  // This page cannot be continued.
  reset(state, event, todo) {
    if (!runs(state)) return state;
    const next = halt(state, "resetting", todo);
    todo("say");
    todo("reset");
    return next;
  },

  // If that failed, whoever comes next asks for it again.
  loaded(state, { done }, todo) {
    if (state.name !== "resetting") return state; // it was stopped meanwhile
    todo("again", done ? 0 : "backoff");
    todo("renewed");
    return state;
  },

  again(state, { known }, todo) {
    return state.name === "resetting" ? STEPS.start({ ...state, name: "idle" }, { held: state.held, known }, todo) : state;
  },
};

function halt(state, name, todo) {
  todo("halt");
  todo("unpoll");
  return drop({ ...state, name, polls: "off", stream: state.stream === "due" ? "closed" : state.stream }, todo);
}

function attempt(state, todo) {
  if (!runs(state) || !state.held || isOpen(state)) return state;
  todo("open");
  return { ...state, stream: "open" };
}

// A stream is tried then; if one is there still, its end decides.
function later(state, delay, todo) {
  if (isOpen(state)) return state;
  todo("try", delay);
  return { ...state, stream: "due" };
}

function drop(state, todo) {
  if (state.stream !== "open") return state;
  todo("drop");
  return { ...state, stream: "ending" };
}

function probe(state, todo, least = 0) {
  if (isOpen(state)) return state;
  const delay = PROBES[Math.min(state.probe, PROBES.length - 1)];
  return later({ ...state, probe: state.probe + 1 }, Math.max(delay, least), todo);
}

function poll(state, todo) {
  if (state.polls !== "off") return state;
  todo("poll");
  return { ...state, polls: "asking", cut: false, cuts: 0 };
}

// The next polls are held shorter where it was the holding that failed.
function shortened(state, wait) {
  const cuts = (wait ? 0 : state.cuts) + (state.cut ? 1 : 0);
  const isShorter = cuts >= POLL_CUTS && state.hold < NOT_HELD;
  return { ...state, cut: false, cuts: isShorter ? 0 : cuts, hold: state.hold + (isShorter ? 1 : 0) };
}

const byPolls = (state) => ({ ...state, name: state.hold === NOT_HELD ? "checking" : "polling" });

// Polls get through: do streams?
const judge = (state, todo) => (!isPolled(state) && isBad(state.verdict) ? stepDown(state, state.why, todo) : state);

function stepDown(state, why, todo) {
  if (isPolled(state) && why === state.why) return state;
  const hold = why === "limit" ? NOT_HELD : state.hold; // a held poll counts as well
  return remember(probe(byPolls({ ...state, why, hold }), todo), todo);
}

function remember(state, todo) {
  const { why, hold, networks } = state;
  if (!UNCERTAIN.includes(why)) todo("remember", { why, hold, networks });
  return state;
}

function tryAgain(state, todo) {
  todo("forget");
  return attempt({ ...state, name: "opening", verdict: NO_VERDICT, probe: 0, hold: 0 }, todo);
}
