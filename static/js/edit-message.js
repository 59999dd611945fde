// Puts one's own message where one writes, as the server has it: what the page shows may be a translation by the browser.
import { credentials } from "./credential.js";
import { startEdit } from "./composer.js";
import { blame, isGate, redirect } from "./gate.js";
import { number, room } from "./messages.js";

const SOURCE_PATIENCE = 15000; // milliseconds

const unanswered = (answer) => `The message could not be opened for editing: ${blame(answer)}`;
const SIGN_IN_OVER = "Your sign-in on this site has run out. It is being renewed: try again in a moment.";

export const editMessage = (message) => startEdit(number(message), source(number(message)));

// The text and its version, or a sentence that says why there is none.
async function source(id) {
  try {
    const answer = await fetch(`/rooms/${room}/messages/${id}/source`, {
      headers: credentials(),
      redirect,
      signal: AbortSignal.timeout(SOURCE_PATIENCE),
    });
    if (answer.headers.has("Chat-Version")) return { text: await answer.text(), version: answer.headers.get("Chat-Version") };
    const code = answer.headers.get("Chat-Error");
    if (!code || answer.status >= 500) return unanswered(isGate(answer) ? null : undefined);
    return code.startsWith("identity_") ? SIGN_IN_OVER : answer.text();
  } catch {
    return unanswered();
  }
}
