// Who the site around says is there: its token is shown to the server, sent with every request, and replaced before it
// ends, while everything else goes on.
import { setSigned } from "./credential.js";
import { onHost, tellHost } from "./host.js";
import { showIdentity } from "./identity.js";
import { flush, onExpired } from "./outbox.js";

const EARLY = 0.8; // of a token's time, after which the next one is asked for
const RETRY = 5000; // milliseconds, where the server did not answer

let latest = null;
let timer;

async function signIn(token) {
  latest = token;
  clearTimeout(timer);
  setSigned(token);
  const answer = await showIdentity();
  if (latest !== token) return; // the page around has said something else meanwhile
  if (!answer) {
    timer = setTimeout(() => signIn(token), RETRY);
  } else if (answer.ok) {
    const seconds = Number(answer.headers.get("Chat-Expires"));
    if (token !== null) timer = setTimeout(() => tellHost("refresh"), 1000 * EARLY * seconds);
    flush();
  } else {
    tellHost("error", { code: answer.headers.get("Chat-Error") ?? "refused", message: answer.refusal });
    if (token !== null) signIn(null); // whoever is there is a guest again
  }
}

onHost("identify", ({ token }) => {
  if (token === null || typeof token === "string") signIn(token || null);
});

// A machine that has slept hears of a token's end by a message that is refused; it waits in the outbox.
onExpired(() => tellHost("refresh"));
