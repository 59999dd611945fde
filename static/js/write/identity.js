// Shows who somebody is where the server did not know it when it made the page: opening an embed sends no headers, and
// another tab of this browser may have become somebody since.
import { ask } from "../lib/ask.js";
import { hasGuest, host, owner } from "../lib/credential.js";
import { isOurs } from "../lib/portal.js";
import { htmxReady } from "../lib/load-htmx.js";
import { room } from "../lib/page.js";
import { me, onViewer } from "../list/may.js";
import { onPerson } from "../list/people.js";

const PATIENCE = 20000; // milliseconds

let latest = 0;

// The number of a guest, which every message shows, and when that was news: who it is, and what they are called, others ask.
const NEWS = `quart-chat:identity:${host}`;

const element = document.getElementById("outbox");

let news = told();
let heard; // the number in it

// Resolves to the answer: its fragment is in the page by then, or `answer.refusal` says why there is none. To undefined
// where there was no answer.
export async function showIdentity() {
  const turn = ++latest;
  try {
    const htmx = await htmxReady;
    const headers = { "HX-Request": "true" };
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await ask(`/rooms/${room}/identity`, { cache: "no-store", headers, signal });
    if (!isOurs(answer)) return undefined;
    const text = await answer.text();
    if (turn !== latest) return answer; // somebody else is there by now
    const focused = document.getElementById("identity").contains(document.activeElement);
    const half = openField()?.value;
    if (answer.ok) await htmx.swap({ text, sourceElement: element, swap: "none swapEmpty:false" });
    if (answer.ok && half !== undefined) reopen(half);
    // Otherwise there is no name to be given any more.
    if (answer.ok && focused) (openField() ?? document.getElementById("text")).focus();
    if (!answer.ok) answer.refusal = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
    return answer;
  } catch {
    return undefined;
  }
}

// The new name that is being written, if one is: it stays there whatever else is news.
const openField = () => document.querySelector(".rename[open] input");

function reopen(half) {
  document.querySelector(".rename")?.toggleAttribute("open", true);
  const field = openField();
  if (field) field.value = half;
}

// Other tabs and embeds of this browser ask again who is there.
export function tellOthers() {
  news = `${me()} ${Date.now()}`; // the same guest is news again where there was another one, or another name
  try {
    localStorage.setItem(NEWS, news);
  } catch { /* denied: other tabs learn it with what they send */ }
}

function tell(before) {
  if (owner() === "guest" && ![before, heard, undefined].includes(me())) tellOthers();
}

function told() {
  try {
    return localStorage.getItem(NEWS);
  } catch {
    return null;
  }
}

function hear() {
  const latest = told();
  if (latest === news || latest === null) return;
  news = latest;
  [heard] = latest.split(" ");
  if (owner() === "guest") showIdentity();
}

onPerson((number) => { if (number === me()) showIdentity(); }); // another name, or another rank
onViewer(tell);
addEventListener("storage", ({ key, newValue }) => { if (key === NEWS && newValue !== null) hear(); });
addEventListener("pageshow", ({ persisted }) => { if (persisted) hear(); });

if (hasGuest()) showIdentity();
