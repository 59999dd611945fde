// A page that is open for days does not grow for days: while it follows the newest messages, it lets go of the oldest.
import { room } from "../lib/page.js";
import { isFollowing } from "./keep-scroll.js";
import { abortOlder } from "./load-older.js";
import { all, onMessages, position } from "./messages.js";

const MOST = 400;
const KEPT = 300;

onMessages(() => {
  const messages = [...all()];
  if (messages.length <= MOST || !isFollowing()) return;
  for (const message of messages.splice(0, messages.length - KEPT)) message.remove();
  abortOlder();
  const older = document.getElementById("older");
  const before = `before=${position(messages[0])}`;
  older.setAttribute("href", `?${before}`);
  older.setAttribute("hx-get", `/rooms/${room}/messages?${before}`);
  older.hidden = false;
}, "settle");
