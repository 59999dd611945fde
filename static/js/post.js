// POSTs, one after the other, and their outcome.
import { credentials, takeCredential } from "./credential.js";
import { htmxReady } from "./load-htmx.js";

const PATIENCE = 20000; // milliseconds: a connection that a network has forgotten never answers

const source = document.getElementById("outbox");
const error = document.getElementById("composer-error");

let last = Promise.resolve();

// Resolves to the answer, or to undefined when there was none; never rejects. Its fragments are swapped in by then. An
// answer without the header `Chat-Message` or `Chat-Error` is not from this server: a login page of the network, for
// instance, which proves nothing. (htmx drops the third request of an element that has one running and one waiting:
// so they wait here.)
export function post(url, values) {
  const turn = last.then(async () => {
    const htmx = await htmxReady.catch(() => null);
    const answer = await (htmx ? byHtmx(htmx, url, values) : byFetch(url, values));
    takeCredential(answer);
    return answer?.headers.has("Chat-Message") || answer?.headers.has("Chat-Error") ? answer : undefined;
  });
  last = turn;
  return turn;
}

function byHtmx(htmx, url, values) {
  return new Promise((resolve) => {
    const settle = ({ detail: { ctx } }) => {
      if (ctx.values !== values) return;
      source.removeEventListener("htmx:finally:request", settle);
      resolve(ctx.response);
    };
    source.addEventListener("htmx:finally:request", settle);
    htmx.ajax("POST", url, { source, values, swap: "none", timeout: PATIENCE });
  });
}

// Where htmx is neither on the CDN nor on the server, a message still goes out.
async function byFetch(url, values) {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "HX-Request": "true", ...credentials() },
      body: new URLSearchParams(values),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.headers.has("Chat-Error")) {
      error.textContent = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
    }
    return answer;
  } catch {
    return undefined;
  }
}
