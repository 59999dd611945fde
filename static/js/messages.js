// The list of messages, and who wants to know when it changes.

export const room = document.querySelector("[data-room]").dataset.room;
export const list = document.getElementById("messages");

const listeners = [];

export const all = () => list.querySelectorAll(":scope > .message");
export const number = (message) => Number(message.id.slice("message-".length));
export const sentAt = (message) => new Date(message.querySelector("time").dateTime);

// Calls `listener(added)` with the messages that came into the list, before they are painted.
export function onMessages(listener) {
  listeners.push(listener);
}

const observer = new MutationObserver((records) => {
  notify(records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.(".message")));
});

function notify(added) {
  for (const listener of listeners) listener(added);
  observer.takeRecords(); // what the listeners themselves changed
}

export function start() {
  notify([...all()]);
  observer.observe(list, { childList: true });
}
