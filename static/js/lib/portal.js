// Answers of somebody else in this server's place: of a portal in front of the chat whose session has ended, of a network
// that wants a login. They prove nothing, and get nothing into the page.

const OURS = ["Chat-Cursor", "Chat-Message", "Chat-Member", "Chat-Version", "Chat-Identity", "Chat-Error"];
const BUSY = [408, 425, 429];
const NETWORK_WANTS_A_LOGIN = 511; // https://www.rfc-editor.org/rfc/rfc6585#section-6

// Requests are sent with this: led elsewhere they would end without an answer, as if there were no network.
export const redirect = "manual";

export const isOurs = ({ headers }) => {
  return OURS.some((name) => headers.has(name)) || Boolean(headers.get("Content-Type")?.startsWith("text/event-stream"));
};

// A proxy that cannot reach the server, or has too much to do, says nothing but that.
export const isPortal = (answer) => !isOurs(answer) && !isTrouble(answer.status);

const isTrouble = (status) => BUSY.includes(status) || (status >= 500 && status !== NETWORK_WANTS_A_LOGIN);

// Why something was not done: `answer` is null where a portal has answered, and undefined where nobody has.
export function blame(answer) {
  if (answer !== null) return "the server did not answer. Try again.";
  return "another server answered in its place. Reload the page: what you have written is kept.";
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => { ctx.request.redirect = redirect; });
document.addEventListener("htmx:before:response", (event) => {
  if (!isOurs(event.detail.ctx.response)) event.preventDefault();
});
