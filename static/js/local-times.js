// Shows times in the reader's own zone and manner; the server writes UTC.
import { locale, onLocale } from "./locale.js";

let clock;
let full;
let moment;

function choose() {
  clock = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" });
  full = new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeStyle: "short" });
  moment = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" });
}

function localise(time, format) {
  const date = new Date(time.dateTime);
  time.textContent = format.format(date);
  time.title = full.format(date);
}

export function localiseMessage(message) {
  localise(message.querySelector("time"), clock);
}

choose();
for (const time of document.querySelectorAll(".sheet time, .still time")) localise(time, moment);

onLocale(() => {
  choose();
  for (const time of document.querySelectorAll("#messages time")) localise(time, clock);
});
