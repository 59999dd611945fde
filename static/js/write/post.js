// POSTs, one after the other, and their outcome.
import { ask } from "../lib/ask.js";
import { channel } from "../lib/channel.js";
import { takeCredential } from "../lib/credential.js";
import { isPortal, isOurs } from "../lib/portal.js";
import { htmxReady } from "../lib/load-htmx.js";

const TOO_LARGE = 413;
const PATIENCE = 20000; // milliseconds: a connection that a network has forgotten never answers

const source = document.getElementById("outbox");
const error = document.getElementById("composer-error");

let last = Promise.resolve();
let over = false;
const waiting = []; // for that

// `listener()` hears when the token does not count any more with which the site around an embed has signed somebody in.
const [onSignInOver, signInOver] = channel();
export { onSignInOver };

// Resolves to the answer, to undefined when there was none, or to null when somebody else has answered, which proves
// nothing; never rejects. Who says that it is too much is believed, whoever it is: it would be each time. Its fragments
// are swapped in by then. (htmx drops the third request of an element that has one running and one waiting: so they wait
// here. Where it is not to be sent any more by then, `wanted` says so.)
export function post(url, values, wanted = () => true) {
  const turn = last.then(async () => {
    if (!wanted()) return undefined;
    const htmx = await htmxReady.catch(() => null);
    const answer = await (htmx ? byHtmx(htmx, url, values) : byFetch(url, values));
    isSignInOver(answer);
    if (answer && isOurs(answer)) return answer;
    if (answer?.status === TOO_LARGE) {
      error.textContent = "A server between here and the chat does not take that much at once. Send it in parts.";
      return answer;
    }
    return answer && isPortal(answer) ? null : undefined;
  });
  last = turn;
  return turn;
}

// Whether a token did not count: then the site around is asked for another. What the server says of it is for whoever
// signs, and not for whoever writes.
export function isSignInOver(answer) {
  if (!answer?.headers.get("Chat-Error")?.startsWith("identity_")) return false;
  error.textContent = "Your sign-in on this site has run out. It is being renewed.";
  over = true;
  signInOver();
  return true;
}

// Resolves when the site around has signed somebody in again.
export const signedInAgain = () => new Promise((resolve) => waiting.push(resolve));

export function signInIsBack() {
  if (over) error.textContent = "";
  over = false;
  for (const resolve of waiting.splice(0)) resolve();
}

// What waits to be sent again says so itself. An error would still stand there when it has been sent.
source.addEventListener("htmx:before:response", (event) => {
  if (isWaited(event.detail.ctx.response, event.detail.ctx.values)) event.preventDefault();
});

const isWaited = ({ status }, values) => (status === 429 || status >= 500) && "key" in (values ?? {});

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
    const answer = await ask(url, {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: new URLSearchParams(values),
      signal: AbortSignal.timeout(PATIENCE),
    });
    takeCredential(answer);
    if (answer.headers.has("Chat-Error") && !isWaited(answer, values)) {
      error.textContent = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
    }
    return answer;
  } catch {
    return undefined;
  }
}
