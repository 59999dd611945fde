// What was written and is not acknowledged yet: shown at once, kept over reloads, sent again with the same key until the
// server has it. The server recognises the key, so that nothing is posted twice.
import { onMessages, room } from "./messages.js";
import { post } from "./post.js";
import { followBottom } from "./keep-scroll.js";
import { showSending } from "./status.js";
import { load, save } from "./storage.js";

const FIRST_RETRY = 1000; // milliseconds; doubled up to the last
const LAST_RETRY = 15000;

const box = document.getElementById("outbox");
const template = document.getElementById("pending-template");
const url = `/rooms/${room}/messages`;

let items = (load("outbox") ?? []).map((item) => ({ ...item, tried: true }));
let sending = false;
let retry = FIRST_RETRY;
let timer;
let giveBack = () => {};

// `handler(text)` takes back the text of a message that the server refused.
export function onRefused(handler) {
  giveBack = handler;
}

export function enqueue(text, name) {
  const item = { key: randomKey(), text, ...(name && { name }) };
  items.push(item);
  save("outbox", items);
  show(item);
  followBottom();
  flush();
}

export async function flush() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  showSending(items.length > 0);
  while (items.length) {
    const item = items[0];
    element(item)?.removeAttribute("data-failed");
    describe(item, "Sending…");
    const { key, text, name } = item;
    const answer = await post(url, { key, text, ...(name && { name }) }, "Chat-Message");
    // After an attempt whose outcome is unknown the server may have the message. "Too fast" says nothing about that:
    // giving the text back would invite its author to send it twice.
    if (!answer || answer.status >= 500 || (answer.status === 429 && item.tried)) {
      item.tried = true;
      save("outbox", items);
      fail(item, answer);
      break;
    }
    retry = FIRST_RETRY;
    remove(item);
    if (answer.status >= 400) giveBack(item.text);
  }
  sending = false;
  showSending(false);
}

function fail(item, answer) {
  const reason = answer ? "The server cannot take it at the moment" : "The server could not be reached";
  element(item)?.setAttribute("data-failed", "");
  describe(item, `Not sent. ${reason}; trying again.`);
  timer = setTimeout(flush, retry);
  retry = Math.min(2 * retry, LAST_RETRY);
}

function remove(item) {
  items = items.filter((other) => other !== item);
  save("outbox", items.length ? items : null);
  element(item)?.remove();
}

const element = (item) => document.getElementById(`pending-${item.key}`);

function show(item) {
  const pending = template.content.cloneNode(true).firstElementChild;
  pending.id = `pending-${item.key}`;
  pending.querySelector(".message-text").textContent = item.text;
  pending.querySelector("[data-retry]").addEventListener("click", flush);
  pending.querySelector("[data-discard]").addEventListener("click", () => remove(item));
  box.append(pending);
}

function describe(item, text) {
  const pending = element(item);
  if (!pending) return;
  pending.querySelector("[data-state-text]").textContent = text;
  const failed = pending.hasAttribute("data-failed");
  for (const button of pending.querySelectorAll("[data-retry], [data-discard]")) button.hidden = !failed;
}

// 144 random bits; `crypto.randomUUID` exists only in secure contexts.
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

// The stream may bring a message before its POST is answered: it must not be seen twice meanwhile.
onMessages((added) => {
  for (const { dataset: { token } } of added) {
    const item = token && items.find(({ key }) => key.startsWith(token));
    if (item) element(item).hidden = true;
  }
});

items.forEach(show);
addEventListener("online", flush);
if (items.length) flush();
