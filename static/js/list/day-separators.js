// A line between the days, as days are where the reader is.
import { dateOf, dayOf, onCalendar } from "../lib/calendar.js";
import { locale, onLocale } from "../lib/locale.js";
import { localiseMessage } from "./local-times.js";
import { all, list, onMessages, sentAt } from "./messages.js";

let days = new WeakMap(); // of messages
const labels = new WeakMap(); // of lines: a browser's translator may have changed what they show

let names;
let near; // "today" and "yesterday"

function sentOn(message) {
  if (!days.has(message)) days.set(message, dayOf(sentAt(message)));
  return days.get(message);
}

function chooseNames() {
  names = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  near = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
}

function nameOf(day) {
  const distance = day - dayOf(new Date());
  return distance === 0 || distance === -1 ? capitalised(near.format(distance, "day")) : names.format(dateOf(day));
}

const capitalised = ([first, ...rest]) => first.toLocaleUpperCase(locale()) + rest.join("");

function separator(day) {
  const heading = document.createElement("h2");
  heading.className = "day";
  heading.dataset.day = day;
  heading.translate = false; // it is in the reader's language already
  return heading;
}

function name(heading) {
  const text = nameOf(Number(heading.dataset.day));
  if (labels.get(heading) === text) return;
  labels.set(heading, text);
  heading.textContent = text;
  heading.lang = names.resolvedOptions().locale;
}

function separate() {
  const needed = new Set();
  let last = null;
  for (const message of all()) {
    const day = sentOn(message);
    if (day !== last) {
      let heading = message.previousElementSibling;
      if (heading?.dataset.day !== String(day)) message.before((heading = separator(day)));
      name(heading);
      needed.add(heading);
    }
    last = day;
  }
  for (const heading of list.querySelectorAll(".day")) if (!needed.has(heading)) heading.remove();
}

chooseNames();

onMessages((added) => added.forEach(localiseMessage), "write");
onMessages(separate, "divide");

onCalendar(() => {
  days = new WeakMap();
  chooseNames();
  separate();
}, "divide");

onLocale(() => {
  chooseNames();
  list.querySelectorAll(".day[data-day]").forEach(name);
});
