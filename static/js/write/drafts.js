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

// `version` is that of the message which was changed; undefined where whatever is there is to be replaced.
export const keepEdit = (number, text, version) => save(`edit:${number}`, { number, text, version, owner: owner() });
export const forgetEdit = (number) => forget(`edit:${number}`);

// The latest message that was being changed, its text and version, or undefined.
export function loadEdit() {
  return loadAll("edit:").filter((edit) => edit.owner === owner()).sort((a, b) => a.number - b.number).at(-1);
}

// Calls `listener(number)` when the change of a message has been saved or given up in another tab.
export function onEditOver(listener) {
  onStored("edit:", (number, edit) => { if (edit === null) listener(Number(number)); });
}
