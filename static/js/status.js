// The line that says whether the page is live and what is unsent. It never says more than is known.

const PATIENCE = 400; // milliseconds of sending that are not worth a word

const WORDS = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  offline: "Offline",
  broken: "No live updates",
};

const line = document.getElementById("status");
const text = document.createElement("span");
text.dataset.text = "";
line.replaceChildren(text);

let state = "connecting";
let sending = false;
let unsent = 0;
let timer;

function show() {
  let words = sending && state === "live" ? "Sending…" : WORDS[state];
  if (unsent && !sending) words += ` · ${unsent} waiting`;
  line.dataset.state = state;
  if (text.textContent !== words) text.textContent = words;
}

export function showStream(next) {
  state = next;
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
