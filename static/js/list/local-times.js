// Shows times in the reader's own zone and manner; the server writes UTC.
import { onCalendar } from "../lib/calendar.js";
import { locale, onLocale } from "../lib/locale.js";

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
  time.translate = false; // it is in the reader's language already
}

export function localiseMessage(message) {
  localise(message.querySelector("time"), clock);
}

// Times that stand alone; those in a room's list are written as the messages come.
function localiseMoments() {
  for (const time of document.querySelectorAll(".sheet time")) localise(time, moment);
}

function localiseAgain() {
  choose();
  localiseMoments();
  for (const time of document.querySelectorAll("#messages time")) localise(time, clock);
}

choose();
localiseMoments();
onLocale(localiseAgain);
onCalendar(localiseAgain, "write");
