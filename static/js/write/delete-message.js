// Deletes a message, once it has been confirmed.
import { credentialFields, embedded } from "../lib/credential.js";
import { blame } from "../lib/gate.js";
import { room } from "../lib/page.js";
import { mayDelete } from "../list/may.js";
import { offer } from "../list/message-toolbar.js";
import { number } from "../list/messages.js";
import { showError } from "./composer.js";
import { post } from "./post.js";

const dialog = document.getElementById("confirm-delete");
const elsewhere = document.getElementById("confirm-delete-elsewhere"); // in a frame: a form that opens a page

function ask(message) {
  if (embedded) {
    elsewhere.action = `/rooms/${room}/messages/${number(message)}/confirmation`;
    for (const [name, value] of Object.entries(credentialFields())) elsewhere.elements[name].value = value;
    elsewhere.submit();
    return;
  }
  dialog.dataset.message = number(message);
  dialog.returnValue = "";
  dialog.showModal();
}

async function remove(id) {
  document.getElementById("text").focus(); // what had the focus is going to disappear
  const answer = await post(`/rooms/${room}/messages/${id}/deletion`, {});
  if (!answer || answer.status >= 500) showError(`The message could not be deleted: ${blame(answer)}`);
}

dialog.addEventListener("close", () => {
  if (dialog.returnValue === "delete") remove(dialog.dataset.message);
});

offer("delete", mayDelete, ask);
