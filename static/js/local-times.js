// Shows times in the reader's own zone and manner; the server writes UTC.

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "short" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "short" });

function localise(time, format) {
  const date = new Date(time.dateTime);
  time.textContent = format.format(date);
  time.title = full.format(date);
}

for (const time of document.querySelectorAll(".sheet time, .still time")) localise(time, moment);

export function localiseMessage(message) {
  localise(message.querySelector("time"), clock);
}
