// Where one writes: grows with the text, sends with Enter, keeps the draft, and edits one's own messages.
import { room } from "./messages.js";
import { enqueue, onRefused } from "./outbox.js";
import { post } from "./post.js";
import { htmxReady } from "./load-htmx.js";
import { load, save } from "./storage.js";

const form = document.getElementById("composer");
const text = document.getElementById("text");
const error = document.getElementById("composer-error");
const notice = document.getElementById("editing");
const touch = matchMedia("(hover: none) and (pointer: coarse)");

let editing = null; // the number of the message that is being edited
let usable = true; // whether messages can be sent by script
htmxReady.catch(() => { usable = false; });

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.blockSize = "auto";
  text.style.blockSize = `${text.scrollHeight + 2}px`;
}

function write(value) {
  text.value = value;
  grow();
  text.focus();
}

export const showError = (sentence) => { error.textContent = sentence; };

export function startEdit(number, value) {
  editing = number;
  notice.hidden = false;
  showError("");
  write(value);
}

function stopEdit() {
  editing = null;
  notice.hidden = true;
  showError("");
  write(load("draft") ?? "");
}

async function saveEdit(number, value) {
  const answer = await post(`/rooms/${room}/messages/${number}`, { text: value }, "Chat-Message");
  if (answer?.status < 400) {
    if (editing === number) stopEdit();
  } else if (!answer || answer.status >= 500) {
    showError("The change could not be saved: the server could not be reached. Try again.");
  }
}

function submit(event) {
  if (!usable) return; // the browser posts the form itself
  event.preventDefault();
  event.stopImmediatePropagation();
  showError("");
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
  save("draft", null);
  write("");
}

function onKey(event) {
  if (event.isComposing) return; // Enter chooses a word in an input method
  if (event.key === "Enter" && !event.shiftKey && !touch.matches) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Escape" && editing !== null) {
    stopEdit();
  }
}

// A refused text goes back to where it was written, before whatever has been written since.
onRefused((refused) => {
  const name = form.elements.name;
  if (error.querySelector('[data-code="name_invalid"]')) {
    name.disabled = false;
    name.required = true;
    name.closest("label").hidden = false;
  }
  write(text.value ? `${refused}\n${text.value}` : refused);
  save("draft", text.value);
});

// In the capture phase: before htmx, which would send the form as it is.
form.addEventListener("submit", submit, { capture: true });
text.addEventListener("keydown", onKey);
text.addEventListener("input", () => {
  grow();
  if (editing === null) save("draft", text.value || null);
});
form.querySelector("[data-cancel-edit]").addEventListener("click", stopEdit);

if (!text.value) text.value = load("draft") ?? "";
grow();
