// Older messages come when the top is reached; screen readers are not told of all of them.
import { list } from "./messages.js";

const isOlder = ({ target }) => target.id === "older";

document.addEventListener("htmx:before:request", (event) => {
  if (isOlder(event)) list.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:finally:request", () => list.removeAttribute("aria-busy"));
