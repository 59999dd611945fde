// Changes one's name without leaving the page. What shows it is swapped in with the answer, and everywhere else by the log.
import { announce } from "../lib/announce.js";
import { blame } from "../lib/portal.js";
import { isComposingKey } from "../lib/keys.js";
import { room } from "../lib/page.js";
import { showError } from "./composer.js";
import { tellOthers } from "./identity.js";
import { post } from "./post.js";

const form = document.getElementById("rename");
const text = document.getElementById("text");
const composer = document.getElementById("composer");

const isOf = ({ target }) => target.closest?.(".rename");

async function rename(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  showError("");
  const [field] = form.elements;
  const answer = await post("/me", { name: field.value, room });
  if (!answer || answer.status >= 500) showError(`Your name could not be changed: ${blame(answer)}`);
  if (!(answer?.status < 400)) {
    if (field.isConnected) field.focus();
    return;
  }
  tellOthers();
  if (!window.htmx) location.reload(); // nothing can put the answer into this page
  announce(`You are ${document.querySelector(".identity-known bdi").textContent} now.`);
  text.focus();
}

// The field is ready to be written in; Escape leaves the name as it is. (`toggle` does not bubble.)
composer.addEventListener("toggle", (event) => {
  if (isOf(event) && event.target.open) event.target.querySelector("input").select();
}, { capture: true });
composer.addEventListener("keydown", (event) => {
  const details = isOf(event);
  if (event.key !== "Escape" || isComposingKey(event) || !details?.open) return;
  event.preventDefault();
  details.open = false;
  details.querySelector("input").value = details.querySelector("bdi").textContent;
  details.querySelector("summary").focus();
});
form.addEventListener("submit", rename, { capture: true });
