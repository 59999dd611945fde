// What was written and is not acknowledged yet: shown at once, kept over reloads and for all tabs, sent again with the
// same key until the server has it. The server recognises the key, so that nothing is posted twice, whichever tab sends.
import { channel } from "../lib/channel.js";
import { owner } from "../lib/credential.js";
import { alone, forget, loadAll, onStored, save } from "../lib/storage.js";
import { showSending, showUnsent } from "../link/status.js";
import { followBottom } from "../list/keep-scroll.js";
import { onMessages } from "../list/messages.js";
import { me } from "../list/may.js";
import { describePending, hidePending, isShownAs, removePending, showPending } from "./pending.js";
import { post } from "./post.js";

// All in milliseconds.
const FIRST_RETRY = 1000; // doubled up to the last
const LAST_RETRY = 15000;
const PACE = 10000; // a longer time that a limit asks for is not waited for in one go
const TURN = 1000; // of waiting for another tab that sends, after which it is worth a word

const url = document.getElementById("composer").getAttribute("hx-post");

let items = inOrder(loadAll("outbox:"));
const homeless = new Set(); // what could not be stored
let sending = false;
let stuck = false; // whether what waits is worth a word
let portal = false; // whether somebody else has answered in the server's place
let retry = FIRST_RETRY;
let timer;
let takeOver;

// Clocks go back. What is written takes its place after all that waits, in whichever tab; by it, `at` was a time once.
function inOrder(unordered) {
  return unordered.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
}

const lastPlace = () => Math.max(0, ...[...items, ...loadAll("outbox:")].map(({ at }) => at));

// `listener(text)` takes back the text of a message that the server refused, or that is not to be sent any more.
const [onRefused, giveBack] = channel();

// `listener()` hears when a message was sent and nothing came back.
const [onUnanswered, unanswered] = channel();
export { onRefused, onUnanswered };

export function enqueue(text, name) {
  const item = { key: randomKey(), at: lastPlace() + 1, text, name, owner: owner() };
  add(item);
  keep(item);
  followBottom();
  flush();
}

export async function flush() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  for (const item of items) if (!isMine(item)) describePending(item, "Not sent: it waits until whoever wrote it is back.");
  const turn = setTimeout(() => count(true), TURN);
  // One tab sends for all, so that what was written in several keeps its order.
  const sent = items.some(isMine) ? await alone("outbox", () => { clearTimeout(turn); return sendAll(); }) : 0;
  clearTimeout(turn);
  sending = false;
  showSending(false);
  if (sent && !window.htmx) location.reload(); // nothing can put the answer into this page
}

// Resolves to how many were sent. Limits count people, and not what they say: whoever wrote more than one allows is
// waited for, and gets nothing back.
async function sendAll() {
  let sent = 0;
  let pause = 0;
  showSending(true);
  for (;;) {
    const item = items.find(isMine);
    if (!item) break;
    if (pause) await new Promise((resolve) => { setTimeout(resolve, pause); });
    if (!items.includes(item) || !isMine(item)) continue; // discarded meanwhile, or sent by another tab
    if (!pause) describePending(item, "Sending…");
    const { key, text, name } = item;
    const user = me();
    const answer = await post(url, { key, text, ...(name && { name }), ...(user && { user }) }, () => isMine(item));
    portal = answer === null;
    if (!items.includes(item)) continue;
    if (answer?.status === 429 && asked(answer) <= PACE) {
      pause = asked(answer);
      showSending(false);
      for (const each of items.filter(isMine)) describePending(each, "Waiting to be sent.", false);
      count(true);
    } else if (!answer || answer.status >= 500 || answer.status === 429 || isExpired(answer)) {
      fail(item, answer);
      break;
    } else {
      retry = FIRST_RETRY;
      remove(item);
      if (answer.status < 400) sent += 1;
      else giveBack(item.text);
    }
  }
  return sent;
}

const isMine = (item) => (item.owner ?? "guest") === owner();

const isExpired = (answer) => answer?.headers.get("Chat-Error") === "identity_expired";

// Milliseconds; a limit that names none may be tried again after a second.
const asked = (answer) => 1000 * Number(answer?.headers.get("Retry-After") || 1);

function fail(item, answer) {
  if (!answer) unanswered();
  keep(item); // another tab may have forgotten it
  describePending(item, reason(answer), true);
  timer = setTimeout(flush, Math.max(answer ? asked(answer) : 0, retry));
  retry = Math.min(2 * retry, LAST_RETRY);
  count(true);
}

// An answer of this server says that it does not have the message. No answer says nothing.
function reason(answer) {
  if (answer === null) return "Not confirmed: another server answered in place of the chat. Trying again.";
  if (!answer) return "Not confirmed: no answer yet. Trying again.";
  if (isExpired(answer)) return "Not sent: your sign-in has run out. Trying again.";
  if (answer.status === 429) return "Not sent yet: this is more than is allowed at once. It goes out later by itself.";
  const isFull = answer.headers.get("Chat-Error") === "store_full";
  return `Not sent: ${isFull ? "the server’s disk is nearly full" : "the server cannot take it now"}. Trying again.`;
}

function keep(item) {
  if (save(`outbox:${item.key}`, item)) homeless.delete(item);
  else homeless.add(item);
  warn();
}

// That would be lost with the page. (Where nobody needs it, the listener keeps pages out of caches.)
function warn() {
  removeEventListener("beforeunload", hold);
  if (homeless.size) addEventListener("beforeunload", hold);
}

const hold = (event) => event.preventDefault();

function count(isStuck) {
  stuck = isStuck && items.length > 0;
  showUnsent(stuck ? items.length : 0, stuck && portal);
}

function add(item) {
  items = inOrder([...items, item]);
  show(item);
}

function remove(item) {
  items = items.filter((other) => other !== item);
  forget(`outbox:${item.key}`);
  removePending(item);
  count(stuck);
  homeless.delete(item);
  warn();
}

function show(item) {
  showPending(item, items[items.indexOf(item) + 1], { retry: flush, discard: () => discard(item) });
}

function discard(item) {
  remove(item);
  giveBack(item.text); // nothing is lost by one click
}

// 144 random bits; `crypto.randomUUID` exists only in secure contexts.
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

const pendingOf = (message) => items.find((item) => isShownAs(item, message));

// Whether a message that is in the page already is one that is being sent from here.
export const isPending = (message) => Boolean(pendingOf(message));

// It must not be seen twice meanwhile.
onMessages((added) => {
  for (const item of added.map(pendingOf)) if (item) hidePending(item);
}, "settle");

// Another tab has something to send; or it has sent it, or its author has given it up there.
onStored("outbox:", (key, item) => {
  const known = items.find((other) => other.key === key);
  if (item && !known) {
    add(item);
    clearTimeout(takeOver);
    takeOver = setTimeout(flush, LAST_RETRY); // that tab may be gone before it has sent it
  } else if (!item && known) remove(known);
});

for (const [index] of items.entries()) show(items.at(-1 - index)); // each before the one that follows it
addEventListener("online", flush);
if (items.length) flush();
