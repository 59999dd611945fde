// What happens in an embed, for the page around it.
import { onHost, tellHost } from "./host.js";
import { isComposingKey } from "../lib/keys.js";
import { setLocale } from "../lib/locale.js";
import { number, onMessages } from "../list/messages.js";
import { isOwn } from "../list/may.js";
import { isPending } from "../write/outbox.js";

const text = document.getElementById("text");
const touch = matchMedia("(hover: none) and (pointer: coarse)"); // where the focus brings up a keyboard
const parts = document.querySelectorAll(".room-header, .history, .composer");

let height = 0;

function describe(message) {
  return {
    id: number(message),
    author: message.querySelector(".message-author").textContent,
    text: message.querySelector(".message-text").textContent,
    own: isOwn(message) || isPending(message), // the stream may be faster than the answer that says who one is
    verified: message.querySelector(".verified") !== null,
  };
}

onMessages((added, fresh) => {
  for (const message of fresh) tellHost("message", describe(message));
}, "tell");

// How high everything would be if nothing had to be scrolled.
const resized = new ResizeObserver(() => {
  const next = Math.ceil([...parts].reduce((sum, part) => sum + part.offsetHeight, 0));
  if (next === height) return;
  height = next;
  tellHost("resize", { width: innerWidth, height });
});
for (const part of parts) resized.observe(part);

function write(wanted) {
  if (wanted && !touch.matches) text.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !isComposingKey(event)) tellHost("escape");
});

// Opened, a bubble is where one writes; also where it was opened before this page was there.
onHost("visible", ({ visible }) => write(visible === true));
onHost("welcome", ({ visible }) => write(visible === true && document.hasFocus()));
onHost("locale", ({ locale }) => setLocale(locale));
