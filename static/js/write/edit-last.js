// Up arrow where nothing is written: one's last message is changed.
import { isComposingKey, isPlainKey } from "../lib/keys.js";
import { all } from "../list/messages.js";
import { mayEdit } from "../list/may.js";
import { isEditing } from "./composer.js";
import { editMessage } from "./edit-message.js";

const text = document.getElementById("text");
const waiting = document.getElementById("outbox");

text.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowUp" || text.value || isComposingKey(event) || !isPlainKey(event) || isEditing()) return;
  const last = [...all()].filter(mayEdit).at(-1);
  if (!last || waiting.childElementCount) return; // what waits is later, and cannot be changed yet
  event.preventDefault();
  editMessage(last);
});
