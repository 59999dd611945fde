// Shows who a frame's token is: opening a frame sends no headers, so the server did not know when it made the page.
import { credentials, hasGuest } from "./credential.js";
import { isOurs, redirect } from "./gate.js";
import { htmxReady } from "./load-htmx.js";
import { room } from "./messages.js";

const PATIENCE = 20000; // milliseconds

let latest = 0;

const element = document.getElementById("outbox");

// Resolves to the answer: its fragment is in the page by then, or `answer.refusal` says why there is none. To undefined
// where there was no answer.
export async function showIdentity() {
  const turn = ++latest;
  try {
    const htmx = await htmxReady;
    const headers = { "HX-Request": "true", ...credentials() };
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(`/rooms/${room}/identity`, { cache: "no-store", headers, redirect, signal });
    if (!isOurs(answer)) return undefined;
    const text = await answer.text();
    if (turn !== latest) return answer; // somebody else is there by now
    if (answer.ok) await htmx.swap({ text, sourceElement: element, swap: "none swapEmpty:false" });
    else answer.refusal = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
    return answer;
  } catch {
    return undefined;
  }
}

if (hasGuest()) showIdentity();
