// Puts one's own message where one writes, as the server has it: what the page shows may be a translation by the browser.
import { ask } from "../lib/ask.js";
import { blame, isPortal } from "../lib/portal.js";
import { room } from "../lib/page.js";
import { mayEdit } from "../list/may.js";
import { offer } from "../list/message-toolbar.js";
import { number } from "../list/messages.js";
import { startEdit } from "./composer.js";
import { isSignInOver, signedInAgain } from "./post.js";

const SOURCE_PATIENCE = 15000; // milliseconds

const unanswered = (answer) => `The message could not be opened for editing: ${blame(answer)}`;
const SIGN_IN_OVER = "Your sign-in on this site has run out. Try again when it has been renewed.";

export const editMessage = (message) => startEdit(message, source(number(message)));

// The text and its version, or a sentence that says why there is none.
async function source(id) {
  let answer = await fetchSource(id);
  if (isSignInOver(answer)) {
    await Promise.race([signedInAgain(), new Promise((resolve) => setTimeout(resolve, SOURCE_PATIENCE))]);
    answer = await fetchSource(id);
  }
  const version = answer?.headers.get("Chat-Version");
  if (version) return { text: await answer.text(), version };
  const code = answer?.headers.get("Chat-Error");
  if (!code || answer.status >= 500) return unanswered(answer && isPortal(answer) ? null : undefined);
  return code.startsWith("identity_") ? SIGN_IN_OVER : answer.text();
}

async function fetchSource(id) {
  try {
    return await ask(`/rooms/${room}/messages/${id}/source`, { signal: AbortSignal.timeout(SOURCE_PATIENCE) });
  } catch {
    return undefined;
  }
}

offer("edit", mayEdit, editMessage);
