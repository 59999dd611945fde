// One toolbar for the page. It stands in the message under the pointer or the focus, where that is one's own.
import { credentialFields, embedded } from "../lib/credential.js";
import { blame } from "../lib/gate.js";
import { room } from "../lib/page.js";
import { list, number } from "./messages.js";
import { isOwn } from "./own-messages.js";
import { showError } from "../write/composer.js";
import { editMessage } from "../write/edit-message.js";
import { post } from "../write/post.js";

const toolbar = document.getElementById("toolbar");
const dialog = document.getElementById("confirm-delete");
const elsewhere = document.getElementById("confirm-delete-elsewhere"); // in a frame: a form that opens a page

function stand(message) {
  if (!message || !isOwn(message)) {
    toolbar.hidden = true;
    return;
  }
  if (toolbar.parentElement !== message) message.append(toolbar);
  toolbar.hidden = false;
}

async function remove(id) {
  document.getElementById("text").focus(); // what had the focus is going to disappear
  const answer = await post(`/rooms/${room}/messages/${id}/deletion`, {});
  if (!answer || answer.status >= 500) showError(`The message could not be deleted: ${blame(answer)}`);
}

function act({ target }) {
  const action = target.closest("[data-action]")?.dataset.action;
  const message = toolbar.closest(".message");
  if (!message) return;
  if (action === "edit") editMessage(message);
  if (action === "delete") ask(number(message));
}

function ask(id) {
  if (embedded) {
    elsewhere.action = `/rooms/${room}/messages/${id}/confirmation`;
    for (const [name, value] of Object.entries(credentialFields())) elsewhere.elements[name].value = value;
    elsewhere.submit();
    return;
  }
  dialog.dataset.message = id;
  dialog.returnValue = "";
  dialog.showModal();
}

dialog.addEventListener("close", () => {
  if (dialog.returnValue === "delete") remove(dialog.dataset.message);
});
toolbar.addEventListener("click", act);
for (const type of ["pointerover", "focusin", "click"]) {
  list.addEventListener(type, ({ target }) => stand(target.closest(".message")));
}
list.addEventListener("pointerleave", () => stand(document.activeElement?.closest(".message")));
