// The line that says whether the page is live and what is unsent. It never says more than is known.

const PATIENCE = 400; // milliseconds of sending that are not worth a word

const WORDS = {
  connecting: "Connecting…",
  live: "Live",
  polling: "Live by polling",
  checking: "Checking every 2 s",
  reconnecting: "Reconnecting…",
  offline: "Offline",
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

const line = document.getElementById("status");
const text = document.createElement("span");
text.dataset.text = "";
const reason = document.createElement("a");
reason.className = "status-reason";
reason.href = "/diagnose";
reason.target = "_blank";
reason.title = "What your network does, and how to change it";
line.replaceChildren(text, reason);

let state = "connecting";
let why = "";
let sending = false;
let unsent = 0;
let timer;

function show() {
  const shown = state === "reconnecting" && !navigator.onLine ? "offline" : state;
  let words = sending && state === "live" ? "Sending…" : WORDS[shown];
  const explained = EXPLAINED.includes(shown) && REASONS[why];
  if (unsent && !sending) words += ` · ${unsent} waiting`;
  if (explained) words += ": ";
  line.dataset.state = shown;
  set(text, words);
  set(reason, explained || "");
  reason.hidden = !explained;
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

export function showUnsent(count) {
  unsent = count;
  show();
}

show();
