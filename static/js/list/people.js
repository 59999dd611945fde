// What people are called: who has changed their name has it on all their messages, also on those that come in after that in
// an older state. Answers, older pages and the stream may overtake each other.
import { channel } from "../lib/channel.js";
import { all, onMessages } from "./messages.js";

const PARTS = [".message-avatar", ".message-person"];

const KEPT = 500; // people: what overtakes what is a matter of seconds

const changed = new Map(); // the number of an author -> what shows them now

// Calls `listener(number)` when the log says something of a person: their name, their rank, whether they are in the room.
const [onPerson, tell] = channel();
export { onPerson };

// Another page shows everybody as they are.
export const forgetPeople = () => changed.clear();

function write(messages) {
  for (const message of messages) {
    const now = changed.get(message.dataset.author);
    for (const part of now ? PARTS : []) {
      const [shown, wanted] = [message, now].map((element) => element.querySelector(part));
      if (!shown.isEqualNode(wanted)) shown.replaceWith(wanted.cloneNode(true));
    }
  }
}

document.addEventListener("htmx:before:swap", ({ detail }) => {
  const marks = detail.tasks.flatMap(({ fragment }) => [...fragment.querySelectorAll("[data-member]")]);
  for (const mark of marks) changed.set(mark.dataset.member, mark);
  for (const number of changed.keys()) if (changed.size > KEPT) changed.delete(number);
  if (marks.length) write(all());
  for (const { dataset } of marks) tell(dataset.member);
});

onMessages(write, "write");
