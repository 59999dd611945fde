// A page that opens at a message reads on towards the newest ones, and is live from there on: then the log tells what has
// changed since the page was made. Until it is there, it says so.
import { room } from "../lib/page.js";
import { reset } from "../link/log.js";

const later = () => document.getElementById("later");
const isThere = () => later()?.hidden ?? true;

let behind = !isThere();
let arrived;

// Resolves when the page shows the newest messages.
export const atNewest = new Promise((resolve) => { arrived = resolve; });

export const isBehind = () => behind;

// Loads the newest messages in place of these. What is on its way would no longer join on to them.
export async function goToNewest() {
  const link = later().querySelector("[hx-get]");
  later().hidden = true;
  if (link) window.htmx?.trigger(link, "htmx:abort");
  if (!window.htmx || !(await reset())) {
    location.assign(`/rooms/${room}`);
    return;
  }
  history.replaceState(null, "", `/rooms/${room}`);
  arrive();
}

function arrive() {
  behind = false;
  later()?.toggleAttribute("hidden", true);
  arrived();
}

// After everybody has seen what came: it is nothing new.
if (behind) {
  const observer = new MutationObserver(() => {
    if (!isThere()) return;
    observer.disconnect();
    setTimeout(() => { if (behind) arrive(); });
  });
  observer.observe(later().parentElement, { childList: true });
} else {
  arrived();
}
