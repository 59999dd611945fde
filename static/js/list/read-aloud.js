// Messages that come in are said to those who do not see them: a few with who wrote them, many by their number alone. The
// list itself is no live region: of a long absence each message would be read, with its times and numbers.
import { announce } from "../lib/announce.js";
import { all, onMessages } from "./messages.js";
import { isOwn } from "./may.js";
import { isBehind } from "./reach-newest.js";
import { isPending } from "../write/outbox.js";

const MOST = 5; // messages that are read one by one
const LONGEST = 500; // characters of one
const TOGETHER = 400; // milliseconds of silence after which what came is said,
const LATEST = 3000; // and this long after the first

let news = new Set(); // of ids
let since = 0;
let telling;

function words(message) {
  const text = message.querySelector(".message-text").textContent;
  const said = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return `${message.querySelector(".message-author").textContent}: ${said}`;
}

function tell() {
  const messages = [...news].map((id) => document.getElementById(id)).filter(Boolean);
  const gap = news.has(all()[0]?.id) && !document.getElementById("older").hidden; // nothing of what was there before
  news = new Set();
  if (messages.length > MOST) announce(`${gap ? "More than " : ""}${messages.length} new messages`);
  else if (messages.length) announce(messages.map(words).join("\n"));
}

onMessages((added, fresh) => {
  const others = isBehind() ? [] : fresh.filter((message) => !isOwn(message) && !isPending(message));
  if (!others.length) return;
  if (!news.size) since = Date.now();
  for (const { id } of others) news.add(id);
  clearTimeout(telling);
  telling = setTimeout(tell, Math.max(0, Math.min(TOGETHER, since + LATEST - Date.now())));
}, "tell");
