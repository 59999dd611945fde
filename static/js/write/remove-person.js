// Removes whoever wrote a message from the room, once it has been confirmed.
import { announce } from "../lib/announce.js";
import { embedded } from "../lib/credential.js";
import { blame } from "../lib/portal.js";
import { room } from "../lib/page.js";
import { mayRemoveAuthor } from "../list/may.js";
import { offer } from "../list/message-toolbar.js";
import { showError } from "./composer.js";
import { confirmElsewhere } from "./elsewhere.js";
import { post } from "./post.js";

const dialog = document.getElementById("confirm-removal"); // null where whoever opened the page was no moderator
const form = dialog?.querySelector("form");
const name = dialog?.querySelector("[data-name]");
const done = document.getElementById("removed");

const addressOf = (person) => `/rooms/${room}/members/${person}`;

function ask(message) {
  const person = message.dataset.author;
  if (embedded) {
    confirmElsewhere(`${addressOf(person)}/confirmation`);
    return;
  }
  if (!dialog) {
    location.assign(`${addressOf(person)}/removal`); // the same on a page of its own
    return;
  }
  form.reset();
  name.textContent = message.querySelector(".message-author").textContent;
  dialog.dataset.person = person;
  dialog.returnValue = "";
  dialog.showModal();
}

function say(called) {
  done.querySelector("[data-name]").textContent = called;
  done.hidden = false;
  announce(`${called} was removed.`);
}

async function remove({ person }, called) {
  const { ban, reason } = Object.fromEntries(new FormData(form));
  showError("");
  done.hidden = true;
  const answer = await post(`${addressOf(person)}/removal`, { reason, ...(ban && { ban }) });
  if (!answer || answer.status >= 500) showError(`${called} could not be removed: ${blame(answer)}`);
  else if (answer.status < 400) say(called);
}

dialog?.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
dialog?.addEventListener("close", () => {
  if (dialog.returnValue === "remove") remove(dialog.dataset, name.textContent);
});

offer("remove", mayRemoveAuthor, ask);
