// Whoever looks may not read here any more, or there is no such room: then the page says so and shows nothing else, in all
// tabs of this browser, and if it comes back from where the browser keeps pages.
import { onRefusal } from "../lib/ask.js";
import { channel } from "../lib/channel.js";
import { embedded, onOwner, owner } from "../lib/credential.js";
import { htmxReady } from "../lib/load-htmx.js";
import { forget, load, onStored, save } from "../lib/storage.js";
import { all } from "../list/messages.js";
import { poll } from "./by-poll.js";
import { reset } from "./log.js";

const FINAL = ["removed", "room_not_found"]; // refusals that no trying again changes

const page = document.querySelector(".room");
const notice = document.getElementById("out-template").content.firstElementChild; // all that people are told, but the reason

let out = null; // the code

// Calls `listener(out)` when the page has ended, and when it goes on.
const [onOut, tell] = channel();
export { onOut };

export const isOut = () => out !== null;

function end(code, reason) {
  const before = out;
  out = code;
  for (const heading of notice.querySelectorAll("[data-code]")) heading.hidden = heading.dataset.code !== code;
  notice.querySelector("[data-reason]").textContent = reason;
  if (before !== null) return;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const message of all()) message.remove();
  for (const element of page.children) element.hidden = true;
  page.append(notice);
  if (!embedded || document.hasFocus()) notice.focus(); // an embed does not take it from the page around
  tell(true);
}

async function goOn() {
  out = null;
  await htmxReady.catch(() => null);
  forget("ended");
  if (!(await reset())) {
    location.reload();
    return;
  }
  notice.remove();
  for (const element of page.children) element.hidden = false;
  tell(false);
}

// What was heard may be about somebody who is not there any more: so the server is asked, and says why.
async function look() {
  const answer = await poll(0);
  if (answer && !answer.refused) await goOn();
  else if (FINAL.includes(answer?.code)) keep(answer.code, answer.reason);
}

function keep(code, reason) {
  end(code, reason);
  save("ended", { code, reason, owner: owner() });
}

export function leave(code) {
  if (isOut()) return;
  keep(code, "");
  look();
}

function recall() {
  const kept = load("ended");
  if (kept?.owner !== owner()) return;
  end(kept.code, kept.reason);
  look();
}

onRefusal((code) => { if (FINAL.includes(code)) leave(code); });
onStored("ended", (_, kept) => { if (kept?.owner === owner()) end(kept.code, kept.reason); });
onOwner(() => { if (isOut()) look(); });
addEventListener("pageshow", ({ persisted }) => { if (persisted) recall(); });
if (embedded) recall();
else forget("ended"); // or there would be no page: where this is no embed, the server knew who asked for it
