// Follows the newest message, unless the reader has scrolled up: then what they read stays where it is, whatever comes
// in above or below, and a button says how much is new.
import { focusMessage } from "./message-links.js";
import { all, onMessages } from "./messages.js";
import { isOwn } from "./may.js";
import { atNewest, goToNewest, isBehind } from "./reach-newest.js";

const NEAR = 48; // pixels from the end that still count as being there
const ANCHORS = 5; // messages remembered: the first of them that is still there stays in place

const scroller = document.getElementById("scroller");
const newer = document.getElementById("newer");

let following = true;
let anchors = [];
const unread = new Set(); // of ids

export const isFollowing = () => following;

export async function followBottom() {
  if (isBehind()) await goToNewest();
  following = true;
  restore();
}

const top = (element) => element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;

function remember() {
  anchors = [];
  for (const message of all()) {
    if (message.getBoundingClientRect().bottom < scroller.getBoundingClientRect().top) continue;
    anchors.push({ id: message.id, top: top(message) });
    if (anchors.length === ANCHORS) break;
  }
}

function restore() {
  if (following) {
    scroller.scrollTop = scroller.scrollHeight;
    unread.clear();
  } else {
    const anchor = anchors.find(({ id }) => document.getElementById(id));
    if (anchor) scroller.scrollTop += top(document.getElementById(anchor.id)) - anchor.top;
  }
  newer.hidden = unread.size === 0 && !isBehind();
  newer.textContent = isBehind() ? "Go to newest" : unread.size === 1 ? "1 new message" : `${unread.size} new messages`;
}

function onScroll() {
  following = !isBehind() && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  if (following) restore();
  else remember();
}

onMessages((added, fresh) => {
  if (!following && !isBehind()) for (const message of fresh) if (!isOwn(message)) unread.add(message.id);
  for (const id of unread) if (!document.getElementById(id)) unread.delete(id); // deleted meanwhile
  restore();
}, "place");

scroller.addEventListener("scroll", onScroll, { passive: true });
// What had the focus disappears: it goes to the first of what is new, as far as that is in sight at the end.
newer.addEventListener("click", async () => {
  const news = new Set(unread);
  await followBottom();
  const inSight = [...all()].filter((message) => top(message) >= 0);
  focusMessage(inSight.find(({ id }) => news.has(id)) ?? inSight.at(-1), { preventScroll: true });
});

// Keyboards that open, fonts that arrive, windows that are resized.
const resized = new ResizeObserver(restore);
resized.observe(scroller);
resized.observe(scroller.firstElementChild);

scroller.dataset.kept = "";

// The message that the address leads to has the focus, with what is around it in sight.
const wanted = document.getElementById(`message-${scroller.dataset.message}`);
if (wanted) {
  following = false;
  wanted.scrollIntoView({ block: "center" });
  focusMessage(wanted, { preventScroll: true });
  remember();
}
restore();
atNewest.then(restore);
