// Where this page is in the room's log, and how what happened there gets into the page: by whatever way it comes, each
// event once, in order.
import { room } from "../lib/page.js";
import { abortOlder } from "../list/load-older.js";
import { all, list } from "../list/messages.js";
import { forgetVersions } from "../list/newest-version.js";
import { forgetPeople } from "../list/people.js";

const PATIENCE = 15000; // milliseconds that loading a page of messages may take

const element = document.getElementById("stream");

let cursor = element.dataset.cursor; // what has been swapped in, not what has been received
let last = Promise.resolve();
let resetting = null;
let loaded = false;

export const position = (value) => Number(value.split(".")[1]);
const epoch = (value) => value.split(".")[0];

export const here = () => cursor;
export const isAhead = (value) => epoch(value) !== epoch(cursor) || position(value) > position(cursor);

// Whether an event is the very next one: anything else that is ahead would hide what lies between.
export const isNext = (value) => epoch(value) === epoch(cursor) && position(value) === position(cursor) + 1;

export function advance(to) {
  if (isAhead(to)) cursor = to;
}

// Puts the events after `from` up to `to` into the page, behind what is being put there already. False where this page is
// not as far as `from`: then what lies between must come first.
export function apply(html, from, to) {
  last = last.then(async () => {
    if (isAhead(from)) return false;
    if (!isAhead(to)) return true;
    await window.htmx.swap({ text: html, sourceElement: element, swap: "none swapEmpty:false" });
    advance(to);
    return true;
  }).catch(() => false);
  return last;
}

// What this page shows cannot be continued: loads the newest messages in its place. Resolves to whether they came.
export function reset() {
  resetting ??= load().catch(() => false).finally(() => { resetting = null; });
  return resetting;
}

async function load() {
  loaded = false;
  abortOlder();
  await window.htmx.ajax("GET", `/rooms/${room}/messages`, { source: list, swap: "none", timeout: PATIENCE });
  return loaded;
}

list.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (!ctx.response?.headers.has("Chat-Cursor") || ctx.sourceElement !== list) return;
  cursor = ctx.response.headers.get("Chat-Cursor");
  loaded = true;
  forgetVersions();
  forgetPeople();
  for (const message of all()) message.remove();
});
