// Deletions as they come, by whatever way: a message that disappears is seen by those who look, and said to the others.
import { announce } from "../lib/announce.js";
import { channel } from "../lib/channel.js";

const TOGETHER = 300; // milliseconds: after a pause many come at once

// Calls `listener(ids)` with the numbers of messages that are deleted.
const [onDeleted, tell] = channel();
export { onDeleted };

let gone = 0;
let telling;

function say() {
  announce(gone === 1 ? "Message deleted." : `${gone} messages deleted.`);
  gone = 0;
}

document.addEventListener("htmx:before:swap", ({ detail }) => {
  const marks = detail.tasks.flatMap(({ fragment }) => [...fragment.querySelectorAll("[data-deleted]")]);
  const deleted = marks.map((mark) => mark.dataset.deleted);
  gone += deleted.filter((id) => document.getElementById(id)).length;
  clearTimeout(telling);
  if (gone) telling = setTimeout(say, TOGETHER);
  if (deleted.length) tell(deleted.map((id) => Number(id.slice("message-".length))));
});
