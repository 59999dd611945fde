// Messages of one author that follow each other within minutes are one group: only the first shows who and when.
import { onCalendar } from "../lib/calendar.js";
import { all, onMessages, sentAt } from "./messages.js";

const GAP = 5 * 60 * 1000; // as in view/templates.py

function group() {
  for (const message of all()) {
    const previous = message.previousElementSibling;
    const continues = previous?.matches(".message")
      && previous.dataset.author === message.dataset.author
      && sentAt(message) - sentAt(previous) < GAP;
    if (continues !== message.hasAttribute("data-continued")) message.toggleAttribute("data-continued", Boolean(continues));
  }
}

onMessages(group, "join");
onCalendar(group, "join"); // where the lines between days are may have changed
