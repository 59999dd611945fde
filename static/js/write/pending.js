// What waits to be sent, as it is shown below the messages.
import { all } from "../list/messages.js";

const box = document.getElementById("outbox");
const template = document.getElementById("pending-template");

const pendingElement = (item) => document.getElementById(`pending-${item.key}`);
const buttonsOf = (element) => element.querySelectorAll("[data-retry], [data-discard]");

// The stream may bring a message before its POST is answered, or before another tab says that it waits.
export const isShownAs = (item, { dataset: { token } }) => Boolean(token) && item.key.startsWith(token);

// `next` is the item that follows it, if there is one.
export function showPending(item, next, { retry, discard }) {
  const element = template.content.cloneNode(true).firstElementChild;
  element.id = `pending-${item.key}`;
  element.hidden = [...all()].some((message) => isShownAs(item, message));
  element.querySelector(".message-text").textContent = item.text;
  element.querySelector("[data-retry]").addEventListener("click", retry);
  element.querySelector("[data-discard]").addEventListener("click", discard);
  box.insertBefore(element, next ? pendingElement(next) : null);
}

export function hidePending(item) {
  takeAway(item, (element) => { element.hidden = true; });
}

// `failed` where there is something to be done about it.
export function describePending(item, words, failed = pendingElement(item)?.hasAttribute("data-failed")) {
  const element = pendingElement(item);
  if (!element) return;
  element.toggleAttribute("data-failed", failed);
  const line = element.querySelector("[data-state-text]");
  if (line.textContent !== words) line.textContent = words;
  const focused = !failed && element.contains(document.activeElement);
  for (const button of buttonsOf(element)) button.hidden = !failed;
  if (focused) document.getElementById("text").focus();
}

export function removePending(item) {
  takeAway(item, (element) => element.remove());
}

// What had the focus in it gives it to the next that waits, or to where one writes.
function takeAway(item, go) {
  const element = pendingElement(item);
  if (!element) return;
  const focused = element.contains(document.activeElement);
  const next = element.nextElementSibling ?? element.previousElementSibling;
  go(element);
  if (!focused) return;
  const button = next && !next.hidden && [...buttonsOf(next)].find((each) => !each.hidden);
  (button || document.getElementById("text")).focus();
}
