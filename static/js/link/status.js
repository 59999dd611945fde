// The line that says whether the page is live and what is unsent. It never says more than is known.
import { embedded } from "../lib/credential.js";
import { room } from "../lib/page.js";
import { atNewest, isBehind } from "../list/reach-newest.js";

const PATIENCE = 400; // milliseconds of sending that are not worth a word

const WORDS = {
  behind: "Older messages",
  connecting: "Connecting…",
  live: "Live",
  polling: "Live by polling",
  checking: "Checking every 2 s",
  reconnecting: "Reconnecting…",
  offline: "Offline",
  portal: "Another server answers",
  broken: "No live updates",
};

const REASONS = {
  buffers: "your network buffers streams",
  cuts: "your network cuts streams",
  blocks: "your network blocks streams",
  limit: "too many streams are open",
  slots: "this browser has enough streams open",
};

const EXPLAINED = ["polling", "checking"];

// Where the line leads to. A portal's own page may refuse to be shown in a frame.
const DIAGNOSIS = { href: "/diagnose", target: "_blank", title: "What your network does, and how to change it" };
const PORTAL = {
  ...(embedded ? { href: `/rooms/${room}`, target: "_blank" } : { href: location.pathname + location.search, target: "_self" }),
  title: "Something in front of the chat answers in its place; a sign-in may have ended. What you have written is kept.",
};

const line = document.getElementById("status");
const text = document.createElement("span");
text.dataset.text = "";
const reason = document.createElement("a");
reason.className = "status-reason";
line.replaceChildren(text, reason);

let state = isBehind() ? "behind" : "connecting";
let why = "";
let sending = false;
let unsent = 0;
let portal = false;
let timer;

function show() {
  const shown = portal ? "portal" : state === "reconnecting" && !navigator.onLine ? "offline" : state;
  let words = sending && shown === "live" ? "Sending…" : WORDS[shown];
  let explained = EXPLAINED.includes(shown) && REASONS[why];
  if (unsent && !sending) words += ` · ${unsent} waiting`;
  if (explained) words += ": ";
  if (shown === "portal") {
    words += ". ";
    explained = embedded ? "Open the chat" : "Reload the page";
  }
  line.dataset.state = shown;
  set(text, words);
  set(reason, explained || "");
  reason.hidden = !explained;
  Object.assign(reason, shown === "portal" ? PORTAL : DIAGNOSIS);
}

function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function showStream(next, reason = "") {
  state = next;
  why = reason;
  show();
}

export function showSending(next) {
  clearTimeout(timer);
  if (!next) {
    sending = false;
    show();
  } else if (!sending) {
    timer = setTimeout(() => { sending = true; show(); }, PATIENCE);
  }
}

// `answered` by somebody else, and not by the server.
export function showUnsent(count, answered = false) {
  unsent = count;
  portal = answered;
  show();
}

show();
atNewest.then(() => { if (state === "behind") showStream("connecting"); });
