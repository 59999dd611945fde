// How many messages came while nobody looked, in the title of the tab.
import { number, onMessages } from "./messages.js";
import { isOwn } from "./own-messages.js";

const title = document.title;

let newest = 0;
let unread = new Set(); // of ids

function show() {
  document.title = unread.size ? `(${unread.size}) ${title}` : title;
}

onMessages((added) => {
  for (const message of added) {
    if (number(message) <= newest) continue;
    newest = number(message);
    if (document.hidden && !isOwn(message)) unread.add(message.id);
  }
  for (const id of unread) if (!document.getElementById(id)) unread.delete(id); // deleted meanwhile
  show();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = new Set();
  show();
});
