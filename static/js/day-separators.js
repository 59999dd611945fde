// A line between the days, as days are where the reader is.
import { all, list, onMessages, sentAt } from "./messages.js";
import { localiseMessage } from "./local-times.js";

const DAY = 24 * 60 * 60 * 1000;
const names = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const days = new WeakMap();

function dayOf(message) {
  if (!days.has(message)) days.set(message, sentAt(message).toDateString());
  return days.get(message);
}

function label(day) {
  if (day === new Date().toDateString()) return "Today";
  if (day === new Date(Date.now() - DAY).toDateString()) return "Yesterday";
  return names.format(new Date(day));
}

function separator(day) {
  const heading = document.createElement("h2");
  heading.className = "day";
  heading.dataset.day = day;
  return heading;
}

onMessages((added) => added.forEach(localiseMessage));

onMessages(() => {
  const needed = new Set();
  let last = null;
  for (const message of all()) {
    const day = dayOf(message);
    if (day !== last) {
      let heading = message.previousElementSibling;
      if (heading?.dataset.day !== day) message.before((heading = separator(day)));
      const text = label(day);
      if (heading.textContent !== text) heading.textContent = text;
      needed.add(heading);
    }
    last = day;
  }
  for (const heading of list.querySelectorAll(".day")) if (!needed.has(heading)) heading.remove();
});
