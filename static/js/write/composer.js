// Where one writes: grows with the text, sends with Enter, keeps the draft, and edits one's own messages.
import { announce } from "../lib/announce.js";
import { onOwner } from "../lib/credential.js";
import { blame } from "../lib/portal.js";
import { isComposingKey } from "../lib/keys.js";
import { room } from "../lib/page.js";
import { onDeleted } from "../list/deletions.js";
import { all, number, position } from "../list/messages.js";
import { isBehind } from "../list/reach-newest.js";
import { editBecomesDraft, forgetEdit, inheritDraft, keepDraft, keepEdit, loadDraft, loadEdit, onEditOver } from "./drafts.js";
import { enqueue, onRefused } from "./outbox.js";
import { post } from "./post.js";

const form = document.getElementById("composer");
const text = document.getElementById("text");
const error = document.getElementById("composer-error");
const notice = document.getElementById("editing");
const label = form.querySelector("label[for=text]");
const button = form.querySelector(".composer-send");
const touch = matchMedia("(hover: none) and (pointer: coarse)");

const NAME_REFUSED = ["name_invalid", "name_reserved"];
const UNCHANGED = "The message stays as it is.";

let editing = null; // the number of the message that is being edited
let opening = null; // what is to be put here for editing, while it comes
let saving = null; // the number of that whose change is on its way
let base; // the version of it that was edited; undefined where whatever is there is to be replaced
let place; // where it stands in the room
let original; // what it said

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.blockSize = "auto";
  text.style.blockSize = `${text.scrollHeight + 2}px`;
}

function put(value) {
  text.value = value;
  grow();
}

function write(value) {
  put(value);
  text.focus();
}

function changeAuthor(before) {
  if (editing === null) inheritDraft(before, text.value);
  else setEditing(null);
  put(loadDraft());
  resumeEdit();
}

export const showError = (sentence) => { error.textContent = sentence; };

export const isEditing = () => editing !== null;

// `source` is a promise of `{ text, version }`, or of a sentence that says why there is none. Nothing is written meanwhile.
export async function startEdit(message, source) {
  if (editing === number(message)) { // what has been changed stays
    text.focus();
    return;
  }
  if (editing === null) keepDraft(text.value);
  else forgetEdit(editing);
  setEditing(number(message));
  place = position(message);
  write("");
  opening = source;
  text.readOnly = true;
  const found = await source;
  if (opening !== source) return;
  if (typeof found === "string") {
    stopEdit("");
    showError(found);
    return;
  }
  opening = null;
  text.readOnly = false;
  base = found.version;
  original = found.text;
  keepOpenEdit(found.text);
  write(found.text);
  announce("Editing your message. Escape leaves it as it is.");
}

const keepOpenEdit = (value) => keepEdit({ number: editing, position: place, text: value, source: original, version: base });

function stopEdit(words) {
  leaveEdit(words);
  text.focus();
}

function leaveEdit(words) {
  forgetEdit(editing);
  setEditing(null);
  put(loadDraft());
  announce(words);
}

// A page that was left in the middle of a change goes on with it, unless the message is gone.
function resumeEdit() {
  const edit = loadEdit();
  if (!edit || form.hidden) return;
  const shown = [...all()].map(position);
  const elsewhere = edit.position < shown[0] || (isBehind() && edit.position > shown.at(-1)); // and not on this page
  if (!shown.includes(edit.position) && !elsewhere) {
    if (editBecomesDraft(edit.number)) put(loadDraft());
    return;
  }
  setEditing(edit.number);
  base = edit.version;
  place = edit.position;
  original = edit.source;
  put(edit.text);
}

function setEditing(number) {
  document.getElementById(`message-${editing}`)?.removeAttribute("data-editing");
  editing = number;
  opening = null;
  text.readOnly = false;
  document.getElementById(`message-${editing}`)?.setAttribute("data-editing", "");
  notice.hidden = number === null;
  label.textContent = number === null ? "Message" : "Edit your message";
  button.textContent = number === null ? "Send" : "Save";
  showError("");
}

// The name that goes along; undefined where the server knows who this is.
const givenName = () => (form.elements.name.disabled ? undefined : form.elements.name.value);

// Whoever is known writes under another name from now on.
function askForName() {
  const name = form.elements.name;
  name.disabled = false;
  name.required = true;
  name.closest("label").hidden = false;
}

async function saveEdit(number, value) {
  if (saving === number) return; // of the version that this makes
  saving = number;
  button.textContent = "Saving…";
  const name = givenName();
  const values = { text: value, ...(base && { version: base }), ...(name !== undefined && { name }) };
  const answer = await post(`/rooms/${room}/messages/${number}`, values);
  if (saving === number) saving = null;
  if (editing !== number) return;
  button.textContent = "Save";
  if (!answer || answer.status >= 500) showError(`The change could not be saved: ${blame(answer)}`);
  else if (answer.status < 400) {
    base = answer.headers.get("Chat-Version");
    if (text.value === value) stopEdit("Change saved."); // unless it has been changed again
    else keepOpenEdit(text.value);
  } else if (answer.headers.get("Chat-Error") === "edit_conflict") base = undefined; // who saves again has been told
  else if (NAME_REFUSED.includes(answer.headers.get("Chat-Error"))) {
    askForName();
    form.elements.name.focus();
  }
}

function submit(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  showError("");
  if (opening) return;
  if (editing !== null) {
    saveEdit(editing, text.value);
    return;
  }
  if (!text.value.trim()) {
    showError("The message is empty. Write something, then send it.");
    return;
  }
  enqueue(text.value, givenName());
  keepDraft("");
  write("");
}

function onKey(event) {
  if (isComposingKey(event)) return; // Enter chooses a word in an input method
  const sends = event.ctrlKey || event.metaKey || !(event.shiftKey || touch.matches);
  if (event.key === "Enter" && sends) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Escape" && editing !== null) {
    event.preventDefault();
    stopEdit(UNCHANGED);
  }
}

// A refused text goes back to where it was written, after what has been written since; never into an edit.
onRefused((refused) => {
  if (NAME_REFUSED.includes(error.querySelector("[data-code]")?.dataset.code)) askForName();
  const written = editing === null ? text.value : loadDraft();
  const draft = written ? `${written}\n${refused}` : refused;
  keepDraft(draft);
  if (editing === null) write(draft);
});

// In the capture phase: before htmx, which would send the form as it is and keep nothing of it.
form.addEventListener("submit", submit, { capture: true });
text.addEventListener("keydown", onKey);
text.addEventListener("input", () => {
  grow();
  if (editing === null) keepDraft(text.value);
  else keepOpenEdit(text.value);
});
form.querySelector("[data-cancel-edit]").addEventListener("click", () => stopEdit(UNCHANGED));

onEditOver((number) => { if (number === editing) leaveEdit("No longer editing: that has ended in another tab."); });
onDeleted((numbers) => {
  if (!numbers.includes(editing)) return;
  const kept = editBecomesDraft(editing) ? " What you wrote can be sent as a new one." : "";
  leaveEdit(`No longer editing: the message has been deleted.${kept}`);
});
onOwner(changeAuthor);

if (loadEdit()) put(loadDraft()); // some browsers fill in what was there, which was no draft
else if (text.value) keepDraft(text.value);
else text.value = loadDraft();
grow();
resumeEdit();
