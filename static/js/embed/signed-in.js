// Who the site around says is there: its token is shown to the server, sent with every request, and replaced before it
// ends, while everything else goes on.
import { onHost, tellHost } from "./host.js";
import { embedded, ownerOf, setSigned } from "../lib/credential.js";
import { isOut } from "../link/out.js";
import { showIdentity } from "../write/identity.js";
import { flush } from "../write/outbox.js";
import { onSignInOver, signInIsBack } from "../write/post.js";

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/; // what can go into a header
const LONGEST = 4096; // characters
const EARLY = 0.8; // of a token's time, after which the next one is asked for,
const OFTEN = 2000; // but at least after so many milliseconds
const RETRY = 5000; // milliseconds, where the server did not answer

let latest = null;
let taken = null; // the token that the server took last
let end = 0; // of that one's time
let timer;

async function signIn(token) {
  latest = token;
  clearTimeout(timer);
  setSigned(token);
  const answer = await showIdentity();
  if (latest !== token) return; // the page around has said something else meanwhile
  const refusal = answer?.headers.get("Chat-Error");
  if (answer?.ok) {
    taken = token;
    end = Date.now() + 1000 * Number(answer.headers.get("Chat-Expires"));
    if (token !== null) askInTime();
    signInIsBack();
    flush();
  } else if (/^identity_|^embed_refused$/.test(refusal)) {
    tellHost("error", { code: refusal, message: answer.refusal });
    if (token !== null) signIn(isStillGood(taken, token) ? taken : null); // or whoever is there is a guest again
  } else if (!isOut()) {
    timer = setTimeout(() => signIn(token), RETRY); // no answer, or one that says nothing of the token
  }
}

// The page around may have none at the moment: it is asked again as long as the one that it gave counts.
function askInTime() {
  timer = setTimeout(() => {
    tellHost("refresh");
    if (Date.now() < end) askInTime();
  }, Math.max(EARLY * (end - Date.now()), OFTEN));
}

// Whether the one before a token that was refused still says that the same person is there.
const isStillGood = (before, refused) => before !== null && before !== refused && Date.now() < end && ownerOf(before) === ownerOf(refused);

function identify({ token }) {
  if (!embedded || (token === null && latest === null)) return;
  if (token === null || (typeof token === "string" && TOKEN.test(token.trim()) && token.length <= LONGEST)) {
    signIn(token === null ? null : token.trim());
  } else {
    tellHost("error", { code: "identity_refused", message: "What the page gave to identify() is no token." });
  }
}

onHost("identify", identify);

// A machine that has slept hears of a token's end by what it sends.
onSignInOver(() => tellHost("refresh"));
