// What is half written, over reloads: the next message, and the change of an earlier one. It is its author's, whoever
// looks at this page next.
import { owner } from "../lib/credential.js";
import { forget, load, loadAll, onStored, save } from "../lib/storage.js";

const draftOf = (author) => (author === "guest" ? "draft" : `draft:${author}`);

export const loadDraft = () => load(draftOf(owner())) ?? "";

export function keepDraft(value) {
  if (value) save(draftOf(owner()), value);
  else forget(draftOf(owner()));
}

// Who wrote as a guest and is signed in now goes on writing; nobody else's text stays.
export function inheritDraft(before, value) {
  if (before !== "guest" || !value) return;
  forget(draftOf(before));
  keepDraft(value);
}

// The change of a message as `{ number, position, text, source, version }`: `position` is where the message stands in the
// room, `source` what it said before, and `version` which one was changed; undefined where whatever is there is to be replaced.
export const keepEdit = (edit) => save(`edit:${edit.number}`, { ...edit, owner: owner() });
export const forgetEdit = (number) => forget(`edit:${number}`);

// What was kept of the latest message that was being changed, or undefined.
export function loadEdit() {
  return loadAll("edit:").filter((edit) => edit.owner === owner()).sort((a, b) => a.position - b.position).at(-1);
}

// The message is gone: what was made of it is half written again. Whether there was anything.
export function editBecomesDraft(number) {
  const edit = load(`edit:${number}`);
  forgetEdit(number);
  if (!edit || edit.owner !== owner() || edit.text === edit.source || !edit.text.trim()) return false;
  keepDraft([loadDraft(), edit.text].filter(Boolean).join("\n"));
  return true;
}

// Calls `listener(number)` when the change of a message has been saved or given up in another tab.
export function onEditOver(listener) {
  onStored("edit:", (number, edit) => { if (edit === null) listener(Number(number)); });
}
