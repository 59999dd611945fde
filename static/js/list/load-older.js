// Older messages come when the top is near, and newer ones where the page does not show the newest. Their links are no stops
// for the Tab key, since the focus would scroll there: the history itself is one, and is scrolled by arrow keys.
import { htmxReady } from "../lib/load-htmx.js";
import { list } from "./messages.js";

const older = () => document.getElementById("older");
const isOlder = ({ target }) => target.id === "older";
const isLater = ({ target }) => target.closest?.("#later");

// What is on its way would no longer join on to what the page shows.
export const abortOlder = () => window.htmx?.trigger(older(), "htmx:abort");

function offerAgain(link, words) {
  link.textContent = `${words} could not be loaded. Try again`;
  link.tabIndex = 0;
}

document.addEventListener("htmx:before:request", (event) => {
  if (isOlder(event)) list.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", (event) => {
  list.removeAttribute("aria-busy");
  const { ctx } = event.detail;
  if (ctx.response?.headers.has("Chat-Cursor") || ctx.request.signal.aborted) return;
  if (isLater(event)) offerAgain(event.target, "Newer messages");
  if (isOlder(event)) offerAgain(older(), "Older messages");
});

// A link that was tried again has the focus, and goes: it is handed on before that.
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  const link = ctx.sourceElement;
  if (link === document.activeElement && (link === older() || link.closest("#later"))) {
    document.getElementById("scroller").focus({ preventScroll: true });
  }
});

htmxReady.then(() => {
  for (const link of document.querySelectorAll("#older, #later [hx-get]")) link.tabIndex = -1;
}, () => { /* without it they are links */ });
