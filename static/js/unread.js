// How many messages came while nobody looked, in the title of the tab.
import { all, list, number, onMessages } from "./messages.js";
import { isOwn } from "./own-messages.js";

const title = document.title;

let newest = 0; // that was there when somebody last looked, or has been counted
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
  const oldest = list.querySelector(":scope > .message");
  // Deleted meanwhile, and not merely taken out of a long page.
  for (const id of unread) if (!document.getElementById(id) && oldest && number({ id }) > number(oldest)) unread.delete(id);
  show();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    newest = Math.max(0, ...[...all()].map(number));
    return;
  }
  unread = new Set();
  show();
});
