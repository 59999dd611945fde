// What was written and is not acknowledged yet: shown at once, kept over reloads, sent again with the same key until the
// server has it. The server recognises the key, so that nothing is posted twice, whichever tab sends it.
import { embedded, owner } from "./credential.js";
import { onMessages } from "./messages.js";
import { me } from "./own-messages.js";
import { post } from "./post.js";
import { followBottom } from "./keep-scroll.js";
import { showSending, showUnsent } from "./status.js";
import { forget, loadAll, onForgotten, save } from "./storage.js";

const FIRST_RETRY = 1000; // milliseconds; doubled up to the last
const LAST_RETRY = 15000;

const box = document.getElementById("outbox");
const template = document.getElementById("pending-template");
const url = document.getElementById("composer").getAttribute("hx-post");

// What an earlier page left behind may have arrived without anybody hearing of it: it counts as tried.
let items = loadAll("outbox:").map((item) => ({ ...item, tried: true })).sort((a, b) => a.at - b.at);
let sending = false;
let retry = FIRST_RETRY;
let timer;
let giveBack = () => {};
let unanswered = () => {};

// `handler(text)` takes back the text of a message that the server refused.
export function onRefused(handler) {
  giveBack = handler;
}

// `handler()` hears when a message was sent and nothing came back.
export function onUnanswered(handler) {
  unanswered = handler;
}

export function enqueue(text, name) {
  const item = { key: randomKey(), at: Date.now(), text, name, owner: owner() };
  items.push(item);
  keep(item);
  show(item);
  followBottom();
  flush();
}

export async function flush() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  let sent = 0;
  showSending(items.some(isMine));
  for (const item of items) if (!isMine(item)) describe(item, "Not sent: it waits until whoever wrote it is back.");
  for (;;) {
    const item = items.find(isMine);
    if (!item) break;
    describe(item, "Sending…");
    const { key, text, name } = item;
    const user = me();
    const answer = await post(url, { key, text, ...(name && { name }), ...(user && { user }) }, () => isMine(item));
    if (!items.includes(item)) continue; // discarded meanwhile
    if (!answer || answer.status >= 500 || isExpired(answer) || isQueuedTooFast(answer, item)) {
      fail(item, answer);
      break;
    }
    retry = FIRST_RETRY;
    remove(item);
    if (answer.status < 400) sent += 1;
    else giveBack(item.text);
  }
  sending = false;
  showSending(false);
  if (sent && !window.htmx) location.reload(); // nothing can put the answer into this page
}

// "Too fast" gives the text back where nothing else waits and the server cannot have it. Otherwise the message stays:
// its author might send again what has arrived already, and a queue would come back in one piece.
function isQueuedTooFast(answer, item) {
  return answer.status === 429 && (item.tried || items.length > 1);
}

const isMine = (item) => (item.owner ?? "guest") === owner();

const isExpired = (answer) => answer?.headers.get("Chat-Error") === "identity_expired";

function fail(item, answer) {
  // An answer of this server says that it does not have the message. No answer says nothing.
  if (!answer) {
    item.tried = true;
    unanswered();
  }
  keep(item);
  element(item)?.setAttribute("data-failed", "");
  describe(item, reason(answer));
  const asked = 1000 * Number(answer?.headers.get("Retry-After") ?? 0);
  timer = setTimeout(flush, Math.max(asked, retry));
  retry = Math.min(2 * retry, LAST_RETRY);
  showUnsent(items.length);
}

function reason(answer) {
  if (!answer) return "Not confirmed: no answer yet. Trying again.";
  if (isExpired(answer)) return "Not sent: your sign-in has run out. Trying again.";
  return "Not sent: the server cannot take it now. Trying again.";
}

const keep = (item) => save(`outbox:${item.key}`, item);

function remove(item) {
  items = items.filter((other) => other !== item);
  forget(`outbox:${item.key}`);
  element(item)?.remove();
  showUnsent(box.querySelector("[data-failed]") ? items.length : 0);
}

const element = (item) => document.getElementById(`pending-${item.key}`);

function show(item) {
  const pending = template.content.cloneNode(true).firstElementChild;
  pending.id = `pending-${item.key}`;
  pending.querySelector(".message-text").textContent = item.text;
  pending.querySelector("[data-retry]").addEventListener("click", flush);
  pending.querySelector("[data-discard]").addEventListener("click", () => discard(item));
  box.append(pending);
}

function discard(item) {
  remove(item);
  if (embedded) giveBack(item.text); // nothing is lost by one click in a frame
}

function describe(item, text) {
  const pending = element(item);
  if (!pending) return;
  const line = pending.querySelector("[data-state-text]");
  if (line.textContent !== text) line.textContent = text;
  const failed = pending.hasAttribute("data-failed");
  for (const button of pending.querySelectorAll("[data-retry], [data-discard]")) button.hidden = !failed;
}

// 144 random bits; `crypto.randomUUID` exists only in secure contexts.
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

const pendingOf = ({ dataset: { token } }) => token && items.find(({ key }) => key.startsWith(token));

// Whether a message that is in the page already is one that is being sent from here.
export const isPending = (message) => Boolean(pendingOf(message));

// The stream may bring a message before its POST is answered: it must not be seen twice meanwhile.
onMessages((added) => {
  for (const item of added.map(pendingOf)) if (item) element(item).hidden = true;
});

// Another tab has sent it, or its author has given it up there.
onForgotten((key) => {
  const item = items.find((other) => key === `outbox:${other.key}`);
  if (item) remove(item);
});

items.forEach(show);
addEventListener("online", flush);
if (items.length) flush();
