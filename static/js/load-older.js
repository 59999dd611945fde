// Older messages come when the top is near, and newer ones where the page does not show the newest.
import { list } from "./messages.js";

const older = () => document.getElementById("older");
const isOlder = ({ target }) => target.id === "older";
const isLater = ({ target }) => target.closest?.("#later");

// What is on its way would no longer join on to what the page shows.
export const abortOlder = () => window.htmx?.trigger(older(), "htmx:abort");

document.addEventListener("htmx:before:request", (event) => {
  if (isOlder(event)) list.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", (event) => {
  list.removeAttribute("aria-busy");
  const { ctx } = event.detail;
  if (isLater(event) && !ctx.response?.headers.has("Chat-Cursor")) {
    event.target.textContent = "Newer messages could not be loaded. Try again";
  }
  if (isOlder(event) && !ctx.response?.headers.has("Chat-Cursor") && !ctx.request.signal.aborted) {
    older().textContent = "Older messages could not be loaded. Try again";
  }
});
