// A line between the days, as days are where the reader is.
import { all, list, onMessages, sentAt } from "./messages.js";
import { localiseMessage } from "./local-times.js";
import { locale, onLocale } from "./locale.js";

const DAY = 24 * 60 * 60 * 1000;
const days = new WeakMap();

let names;
let near; // "today" and "yesterday"

function dayOf(message) {
  if (!days.has(message)) days.set(message, sentAt(message).toDateString());
  return days.get(message);
}

function choose() {
  names = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  near = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
}

function label(day) {
  if (day === new Date().toDateString()) return capitalised(near.format(0, "day"));
  if (day === new Date(Date.now() - DAY).toDateString()) return capitalised(near.format(-1, "day"));
  return names.format(new Date(day));
}

const capitalised = ([first, ...rest]) => first.toLocaleUpperCase(locale()) + rest.join("");

function separator(day) {
  const heading = document.createElement("h2");
  heading.className = "day";
  heading.dataset.day = day;
  return heading;
}

choose();

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

onLocale(() => {
  choose();
  for (const heading of list.querySelectorAll(".day[data-day]")) heading.textContent = label(heading.dataset.day);
});
