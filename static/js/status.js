// The line that says whether the page is live. It never says more than is known.

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
let timer;

const PATIENCE = 400; // milliseconds of sending that are not worth a word

function show() {
  const words = sending && state === "live" ? "Sending…" : WORDS[state];
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

show();
