// Marks the messages of whoever looks at the page: fragments are the same for every viewer.
import { isOwn, onViewer } from "./may.js";
import { all, onMessages } from "./messages.js";

function mark(messages) {
  for (const message of messages) message.toggleAttribute("data-own", isOwn(message));
}

onMessages(mark, "settle");
onViewer(() => mark(all()));
