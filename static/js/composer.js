// Where one writes: grows with the text, sends with Enter, keeps the draft, and edits one's own messages.
import { onOwner, owner } from "./credential.js";
import { room } from "./messages.js";
import { enqueue, onRefused } from "./outbox.js";
import { post } from "./post.js";
import { forget, load, save } from "./storage.js";

const form = document.getElementById("composer");
const text = document.getElementById("text");
const error = document.getElementById("composer-error");
const notice = document.getElementById("editing");
const button = form.querySelector(".composer-send");
const touch = matchMedia("(hover: none) and (pointer: coarse)");

let editing = null; // the number of the message that is being edited
let opening = null; // what is to be put here for editing, while it comes
let base; // the version of it that was edited; undefined where whatever is there is to be replaced

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

// What is half written is its author's, whoever looks at this page next.
const draftOf = (author) => (author === "guest" ? "draft" : `draft:${author}`);
const loadDraft = () => load(draftOf(owner())) ?? "";

function keepDraft(value) {
  if (value) save(draftOf(owner()), value);
  else forget(draftOf(owner()));
}

// Who wrote as a guest and is signed in now goes on writing; nobody else's text stays.
function changeAuthor(before) {
  if (editing !== null) setEditing(null);
  else if (before === "guest" && text.value) {
    forget(draftOf(before));
    keepDraft(text.value);
  }
  put(loadDraft());
}

export const showError = (sentence) => { error.textContent = sentence; };

// `source` is a promise of `{ text, version }`, or of a sentence that says why there is none. Nothing is written meanwhile.
export async function startEdit(number, source) {
  if (editing === null) keepDraft(text.value);
  setEditing(number);
  write("");
  opening = source;
  text.readOnly = true;
  const found = await source;
  if (opening !== source) return;
  if (typeof found === "string") {
    stopEdit();
    showError(found);
    return;
  }
  opening = null;
  text.readOnly = false;
  base = found.version;
  write(found.text);
}

function stopEdit() {
  setEditing(null);
  write(loadDraft());
}

function setEditing(number) {
  document.getElementById(`message-${editing}`)?.removeAttribute("data-editing");
  editing = number;
  opening = null;
  text.readOnly = false;
  document.getElementById(`message-${editing}`)?.setAttribute("data-editing", "");
  notice.hidden = number === null;
  button.textContent = number === null ? "Send" : "Save";
  showError("");
}

async function saveEdit(number, value) {
  button.textContent = "Saving…";
  const answer = await post(`/rooms/${room}/messages/${number}`, { text: value, ...(base && { version: base }) });
  if (editing !== number) return;
  button.textContent = "Save";
  if (!answer || answer.status >= 500) showError("The change could not be saved: the server did not answer. Try again.");
  else if (answer.status < 400) {
    base = answer.headers.get("Chat-Version");
    if (text.value === value) stopEdit(); // unless it has been changed again
  } else if (answer.headers.get("Chat-Error") === "edit_conflict") base = undefined; // who saves again has been told
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
  const name = form.elements.name;
  enqueue(text.value, name.disabled ? undefined : name.value);
  keepDraft("");
  write("");
}

function onKey(event) {
  if (event.isComposing) return; // Enter chooses a word in an input method
  if (event.key === "Enter" && !event.shiftKey && !touch.matches) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Escape" && editing !== null) {
    event.preventDefault();
    stopEdit();
  }
}

// A refused text goes back to where it was written, after what has been written since; never into an edit.
onRefused((refused) => {
  const name = form.elements.name;
  if (error.querySelector('[data-code="name_invalid"], [data-code="name_reserved"]')) {
    name.disabled = false;
    name.required = true;
    name.closest("label").hidden = false;
  }
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
});
form.querySelector("[data-cancel-edit]").addEventListener("click", stopEdit);

if (text.value) keepDraft(text.value);
else text.value = loadDraft();
grow();
onOwner(changeAuthor);
