// Deletes a message, once it has been confirmed.
import { embedded } from "../lib/credential.js";
import { blame } from "../lib/portal.js";
import { room } from "../lib/page.js";
import { onDeleted } from "../list/deletions.js";
import { mayDelete } from "../list/may.js";
import { offer } from "../list/message-toolbar.js";
import { number } from "../list/messages.js";
import { showError } from "./composer.js";
import { confirmElsewhere } from "./elsewhere.js";
import { post } from "./post.js";

const dialog = document.getElementById("confirm-delete");

function ask(message) {
  if (embedded) {
    confirmElsewhere(`/rooms/${room}/messages/${number(message)}/confirmation`);
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

// Somebody else has done it: there is nothing left to ask.
onDeleted((numbers) => { if (dialog.open && numbers.includes(Number(dialog.dataset.message))) dialog.close(); });

offer("delete", mayDelete, ask);
