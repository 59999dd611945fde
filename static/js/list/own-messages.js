// Marks the messages of whoever looks at the page: fragments are the same for every viewer.
import { isOwn } from "./may.js";
import { all, onMessages } from "./messages.js";

const composer = document.getElementById("composer");

function mark(messages) {
  for (const message of messages) message.toggleAttribute("data-own", isOwn(message));
}

onMessages(mark, "settle");

// The first message makes the reader a guest: who they are comes with the answer.
new MutationObserver(() => mark(all())).observe(composer, { childList: true });
