// Keeps the page up to date: by a connection of its own where it leads the tabs of this room, by the leader's words
// where it does not.
import { mayHold, onHost } from "../embed/host.js";
import { catchUp } from "./by-poll.js";
import { streamReady } from "./by-stream.js";
import { Connection } from "./connection.js";
import { apply, here, isAhead, reset } from "./log.js";
import { isOut, onOut } from "./out.js";
import { freeSlot, takeSlot } from "./slots.js";
import { showStream } from "./status.js";
import { canShare, Tabs } from "./tabs.js";
import { onWake } from "./wake.js";
import { onOwner, owner } from "../lib/credential.js";
import { me, onViewer } from "../list/may.js";
import { atNewest } from "../list/reach-newest.js";
import { flush, onUnanswered } from "../write/outbox.js";

// All in milliseconds.
const SILENCE = 40000; // after which a leader that says nothing is replaced
const HIDDEN = 30000; // a page that nobody sees lets go of its connection after this,
const HIDDEN_ALONE = 3000; // or this, where tabs cannot share one: six of them would leave none to send with
const NO_SLOT = 15000; // between attempts to get a connection that may be held
const STAYS = 3000; // after which a page that was about to be left has not been left

let live = { state: "connecting", why: "" };
let turn = 0; // how often it was decided what this page does
let silence;
let hidden;
let slots;
let leaving = 0; // the timer of a page that is about to be left

const connection = new Connection({
  changed(next) {
    become(next);
    if ((!canShare || tabs.leads) && !leaving) showStream(live.state, live.why);
    report();
  },
  happened: (html, from, to) => tabs?.say({ html, from, to, at: to }),
  beat: report,
  reset: () => tabs?.say({ reset: true }),
});

const tabs = canShare ? new Tabs({ lead, follow, said, asked: report }) : null;

const isLive = ({ state }) => ["live", "polling", "checking"].includes(state);

// What is unsent is tried again as soon as there is a network.
function become(next) {
  if (isLive(next) && !isLive(live)) flush();
  live = next;
}

function report() {
  tabs?.say({ live, at: here() });
}

function lead() {
  clearTimeout(silence);
  connect();
}

function follow() {
  stop();
  listen();
}

function listen() {
  clearTimeout(silence);
  silence = setTimeout(() => tabs.ask(), SILENCE);
}

async function said(words) {
  listen();
  if (words.live) {
    become(words.live);
    showStream(live.state, live.why);
  }
  if (words.reset) await reset();
  if (words.html) await apply(words.html, words.from, words.to);
  if (words.at && isAhead(words.at)) await refetch();
}

// What the leader said before this tab listened.
let fetching = null;

function refetch() {
  fetching ??= catchUp().then((answer) => answer?.reset && reset()).finally(() => { fetching = null; });
  return fetching;
}

// Holds a connection if this page may.
async function connect() {
  if (isOut()) return;
  turn += 1;
  const now = turn;
  clearTimeout(slots);
  const held = tabs === null ? mayHold() : await takeSlot();
  if (now !== turn) {
    if (tabs && !tabs.leads) freeSlot();
    return;
  }
  if (held) {
    connection.start();
    return;
  }
  if (document.hidden) connection.stop();
  else connection.start({ held: false });
  slots = setTimeout(connect, NO_SLOT);
}

function stop() {
  turn += 1;
  clearTimeout(slots);
  clearTimeout(hidden);
  connection.stop();
  if (tabs) freeSlot();
}

function begin() {
  clearTimeout(leaving);
  leaving = 0;
  if (isOut()) return;
  if (tabs) tabs.join();
  else if (!document.hidden) connect(); // a tab opened in the background waits until somebody looks at it
}

function end() {
  clearTimeout(silence);
  tabs?.leave();
  stop();
}

// An open request or a lock keeps a page out of the back/forward cache, and Firefox looks before `pagehide`: so they are let
// go of when the page is about to be left, and for a link already when it is pressed, since that takes a moment. The page
// may stay all the same: when the link is a download, for instance, or is let go of beside it.
function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(begin, STAYS);
  end();
}

function onPress({ target, button, ctrlKey, metaKey, shiftKey }) {
  if (button || ctrlKey || metaKey || shiftKey || leaving) return; // into another tab
  if (target.closest("a[href]:not([target], [hx-get], [data-open-share])")) leave(); // those that lead to a page
}

function hide() {
  clearTimeout(leaving);
  leaving = 0;
  end();
  showStream("connecting"); // what it is when the page comes back
}

function onVisibility() {
  clearTimeout(hidden);
  if (!document.hidden) {
    if (!tabs || tabs.leads) connect();
    else tabs.ask();
  } else if (!tabs) {
    hidden = setTimeout(stop, HIDDEN_ALONE);
  } else if (tabs.leads) {
    report();
    hidden = setTimeout(connect, HIDDEN);
  }
}

// What is open was opened by somebody else, or nobody: the server would go on with it whatever happens to whoever is there.
// (Whom a site has signed in is somebody before they have a number.)
function renew() {
  if (!tabs || tabs.leads) connection.wake(true);
}

function watch() {
  begin();
  onOut((out) => (out ? end() : begin()));
  onOwner(renew);
  onViewer((before) => { if (owner() === "guest" && me() !== before) renew(); });
  document.addEventListener("visibilitychange", onVisibility);
  onWake((sure) => {
    if (tabs && !tabs.leads) tabs.ask();
    else connection.wake(sure);
  });
  onHost("leave", () => { if (!leaving) leave(); });
  onHost("stay", () => { if (leaving) begin(); });
  onHost("welcome", () => { if (!tabs && !document.hidden) connect(); });
  // What one sends gets no answer: then perhaps nothing comes through either.
  onUnanswered(() => connection.wake(false));
  addEventListener("offline", () => connection.lose());
  addEventListener("beforeunload", leave);
  if (!document.querySelector("base")) addEventListener("pointerdown", onPress); // in an embed they lead into other tabs
  addEventListener("pointercancel", () => { if (leaving) begin(); }); // it was a finger that scrolls
  addEventListener("pagehide", hide);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) begin();
  });
}

Promise.all([streamReady, atNewest]).then(watch, () => showStream("broken"));
