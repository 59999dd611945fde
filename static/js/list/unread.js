// How many messages came while nobody looked: in the title of the tab, and for the page around an embed.
import { onHost, tellHost } from "../embed/host.js";
import { list, onMessages, position } from "./messages.js";
import { isOwn } from "./may.js";
import { isBehind } from "./reach-newest.js";

const title = document.title;

let unread = new Map(); // ids to positions
let shown = 0;
let visible = true; // whether the page around shows this embed

const isSeen = () => visible && !document.hidden;

function show() {
  if (unread.size === shown) return;
  shown = unread.size;
  document.title = shown ? `(${shown}) ${title}` : title;
  tellHost("unread", { count: shown });
}

onMessages((added, fresh) => {
  if (!isSeen() && !isBehind()) for (const message of fresh) if (!isOwn(message)) unread.set(message.id, position(message));
  const oldest = list.querySelector(":scope > .message");
  // Deleted meanwhile, and not merely taken out of a long page.
  for (const [id, at] of unread) if (!document.getElementById(id) && !(oldest && at < position(oldest))) unread.delete(id);
  show();
}, "tell");

function look() {
  if (!isSeen()) return;
  unread = new Map();
  show();
}

function setVisible(words) {
  if (typeof words.visible !== "boolean" || words.visible === visible) return;
  visible = words.visible;
  look();
}

document.addEventListener("visibilitychange", look);
onHost("welcome", setVisible);
onHost("visible", setVisible);
