// The links of all messages are one stop for the Tab key; the arrow keys, Home and End go from one to the next
// (https://www.w3.org/WAI/ARIA/apg/practices/keyboard-interface/#kbd_roving_tabindex).
import { all, list, onMessages, position } from "./messages.js";

const linkOf = (message) => message?.querySelector(".message-link");

let reachable = null; // the link at which Tab stops
let held = null; // the message that has the focus, while messages are replaced

function stopAt(link) {
  reachable?.setAttribute("tabindex", "-1");
  reachable = link;
  link?.setAttribute("tabindex", "0");
}

export function focusMessage(message, options) {
  const link = linkOf(message);
  if (!link) return;
  stopAt(link);
  link.focus(options);
}

function step(messages, at, key) {
  if (key === "ArrowUp") return messages[at - 1];
  if (key === "ArrowDown") return messages[at + 1];
  return key === "Home" ? messages[0] : messages.at(-1);
}

list.addEventListener("keydown", (event) => {
  if (!["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key) || !event.target.matches(".message-link")) return;
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const messages = [...all()];
  focusMessage(step(messages, messages.indexOf(event.target.closest(".message")), event.key));
});

list.addEventListener("focusin", ({ target }) => { if (target.matches(".message-link")) stopAt(target); });

// Before anybody takes messages out.
document.addEventListener("htmx:before:swap", () => {
  held = list.contains(document.activeElement) ? document.activeElement.closest(".message") : null;
}, { capture: true });

// Its article is another one now. Where it is gone, the one after it has the focus, or the newest, or where one writes.
document.addEventListener("htmx:after:swap", () => {
  if (!held || held.isConnected) return;
  const after = [...all()].find((message) => position(message) >= position(held));
  const heir = document.getElementById(held.id) ?? after ?? [...all()].at(-1);
  if (document.activeElement === document.body) {
    if (heir) focusMessage(heir, { preventScroll: true });
    else document.getElementById("text").focus();
  }
  held = null;
});

// The newest one, until another has been chosen.
onMessages((added) => {
  for (const message of added) if (linkOf(message) !== reachable) linkOf(message)?.setAttribute("tabindex", "-1");
  const messages = [...all()];
  if (!reachable?.isConnected || !list.contains(document.activeElement)) stopAt(linkOf(messages.at(-1)) ?? null);
}, "place");
