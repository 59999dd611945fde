// Shows who somebody is where the server did not know it when it made the page: opening a frame sends no headers, and
// another tab of this browser may have become somebody since.
import { ask } from "../lib/ask.js";
import { hasGuest, host, owner } from "../lib/credential.js";
import { isOurs } from "../lib/gate.js";
import { htmxReady } from "../lib/load-htmx.js";
import { room } from "../lib/page.js";
import { me, onViewer } from "../list/may.js";
import { onPerson } from "../list/people.js";

const PATIENCE = 20000; // milliseconds

let latest = 0;

const NEWS = `quart-chat:identity:${host}`; // the number of a guest, which every message shows; whose it is, others ask

const element = document.getElementById("outbox");

let heard;

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
    if (answer.ok) await htmx.swap({ text, sourceElement: element, swap: "none swapEmpty:false" });
    if (answer.ok && focused) document.getElementById("text").focus(); // there is no name to be given any more
    if (!answer.ok) answer.refusal = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
    return answer;
  } catch {
    return undefined;
  }
}

function tell(before) {
  if (owner() !== "guest" || [before, heard, undefined].includes(me())) return;
  try {
    localStorage.setItem(NEWS, `${me()} ${Date.now()}`); // the same guest is news again where there was another one
  } catch { /* denied: other tabs learn it with what they send */ }
}

function told() {
  try {
    return localStorage.getItem(NEWS)?.split(" ")[0];
  } catch {
    return undefined;
  }
}

function hear() {
  heard = told();
  if (owner() === "guest" && heard && heard !== me()) showIdentity();
}

onPerson((number) => { if (number === me()) showIdentity(); }); // another name, or another rank
onViewer(tell);
addEventListener("storage", ({ key, newValue }) => { if (key === NEWS && newValue !== null) hear(); });
addEventListener("pageshow", ({ persisted }) => { if (persisted) hear(); });

if (hasGuest()) showIdentity();
