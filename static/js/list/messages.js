// The list of messages, and who wants to know when it changes.
import { channel } from "../lib/channel.js";

export const list = document.getElementById("messages");

let newest = Infinity; // that has been here: what is there from the start is no news

export const all = () => list.querySelectorAll(":scope > .message");
export const number = (message) => Number(message.id.slice("message-".length));
export const position = (message) => Number(message.dataset.position); // in the room: numbers order nothing
export const sentAt = (message) => new Date(message.querySelector("time").dateTime);

// `onMessages(listener, phase)` calls `listener(added, fresh)` with the messages that came into the list, before they are
// painted, and with those of them that are newer than all that were here before; also, with none, when some are gone. Phases:
// what they say (write), the lines between them (divide), which belong together (join), whose they are and which of them
// go (settle), where things stand (place), and who else is told (tell).
const [onMessages, tell] = channel("write", "divide", "join", "settle", "place", "tell");
export { onMessages };

const observer = new MutationObserver((records) => {
  notify(records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.(".message")));
});

function notify(added) {
  const fresh = added.filter((message) => position(message) > newest);
  newest = Math.max(newest, ...fresh.map(position));
  tell(added, fresh);
  observer.takeRecords(); // what the listeners themselves changed
}

export function start() {
  notify([...all()]);
  newest = Math.max(0, ...[...all()].map(position));
  observer.observe(list, { childList: true });
}
