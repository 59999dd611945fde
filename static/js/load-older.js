// Older messages come when the top is near; screen readers are not told of all of them.
import { list } from "./messages.js";

const older = () => document.getElementById("older");
const isOlder = ({ target }) => target.id === "older";

// What is on its way would no longer join on to what the page shows.
export const abortOlder = () => window.htmx?.trigger(older(), "htmx:abort");

document.addEventListener("htmx:before:request", (event) => {
  if (isOlder(event)) list.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", (event) => {
  list.removeAttribute("aria-busy");
  const { ctx } = event.detail;
  if (isOlder(event) && !ctx.response?.headers.has("Chat-Cursor") && !ctx.request.signal.aborted) {
    older().textContent = "Older messages could not be loaded. Try again";
  }
});
