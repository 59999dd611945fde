// Days as the reader's calendar has them, and who wants to know when another one begins. A day is a whole number: between
// two midnights of one place there may be 23 hours, or 25.
import { channel } from "./channel.js";

const NOMINAL = 24 * 60 * 60 * 1000;
const LOOK = 60 * 1000; // milliseconds: no later is it noticed that a machine slept, or that a clock or a zone was set

// `onCalendar(listener, phase)` calls it when it is another day than before, or times are to be written anew for another
// zone: the times (write), the lines between days (divide), what is between those (join).
const [onCalendar, tell] = channel("write", "divide", "join");
export { onCalendar };

export const dayOf = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / NOMINAL;

// For `Intl` with the zone UTC.
export const dateOf = (day) => new Date(day * NOMINAL);

const here = () => `${dayOf(new Date())} ${new Intl.DateTimeFormat().resolvedOptions().timeZone}`;

let known = here();

function look() {
  const now = here();
  if (now === known) return;
  known = now;
  tell();
}

function wait() {
  const now = new Date();
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  setTimeout(() => { look(); wait(); }, Math.min(midnight - now, LOOK));
}

document.addEventListener("visibilitychange", look);
addEventListener("pageshow", look);
wait();
