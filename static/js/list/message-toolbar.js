// One toolbar for the page, beside the list: it stands at the message under the pointer or the focus, with what may be done
// with that one, and stays whatever happens to the article. For the Tab key it comes after what is in the message.
import { onViewer } from "./may.js";
import { focusMessage } from "./message-links.js";
import { list, onMessages } from "./messages.js";

const toolbar = document.getElementById("toolbar");
const actions = {};

let at = null; // the id of the message
let acted = null; // that with which something was done last

const message = () => document.getElementById(at);
const offered = () => [...toolbar.querySelectorAll("[data-action]:not([hidden])")];
const stops = (element) => [...element.querySelectorAll("a[href]:not(.message-link[tabindex='-1'])")];

// Where `may(message)`, the button with this name is there, and calls `act(message)`.
export function offer(action, may, act) {
  actions[action] = { may, act };
}

function stand(element) {
  list.querySelector("[data-chosen]")?.removeAttribute("data-chosen");
  at = element?.id ?? null;
  for (const button of toolbar.querySelectorAll("[data-action]")) {
    button.hidden = !element || !actions[button.dataset.action]?.may(element);
  }
  toolbar.hidden = offered().length === 0;
  if (toolbar.hidden) return;
  element.setAttribute("data-chosen", "");
  place();
}

function place() {
  if (!toolbar.hidden && message()) toolbar.style.setProperty("--at", `${message().offsetTop}px`);
}

// Its message has changed, or is gone.
function follow() {
  if (at === null) return;
  const focused = toolbar.contains(document.activeElement);
  stand(message());
  if (focused && !offered().includes(document.activeElement)) (offered()[0] ?? document.getElementById("text")).focus();
}

// A finger leaves whatever it has touched, and the click comes after that.
function leave({ pointerType, relatedTarget }) {
  if (pointerType !== "touch" && !toolbar.contains(relatedTarget) && !list.contains(relatedTarget)) rest();
}

// Where nothing is pointed at.
function rest() {
  if (toolbar.contains(document.activeElement) || document.querySelector("dialog[open]")) return;
  stand(document.activeElement?.closest(".message"));
}

// What follows in the list, if the browser would not find it from beside it.
const next = () => stops(list).find((link) => message()?.compareDocumentPosition(link) === Node.DOCUMENT_POSITION_FOLLOWING);

function onKey(event) {
  const buttons = offered();
  const index = buttons.indexOf(event.target);
  const steps = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: -1 };
  if (event.altKey || event.ctrlKey || event.metaKey || index < 0) return;
  if (event.key in steps) buttons.at(steps[event.key] % buttons.length).focus();
  else if (event.key === "Escape" || (event.key === "Tab" && event.shiftKey && index === 0)) goBack();
  else if (event.key === "Tab" && !event.shiftKey && index === buttons.length - 1 && next()) next().focus();
  else return;
  event.preventDefault();
}

function goBack() {
  const last = stops(message()).at(-1);
  if (!last || last.matches(".message-link")) focusMessage(message());
  else last.focus();
}

list.addEventListener("keydown", (event) => {
  const element = event.target.closest(".message");
  if (event.key !== "Tab" || event.shiftKey || toolbar.hidden || !element || element.id !== at) return;
  if (event.target !== stops(element).at(-1)) return;
  event.preventDefault();
  offered()[0].focus();
});

toolbar.addEventListener("keydown", onKey);
toolbar.addEventListener("click", ({ target }) => {
  const action = target.closest("[data-action]")?.dataset.action;
  if (!action || !message()) return;
  acted = at;
  actions[action].act(message());
});
// A dialog gives the focus back to the button that has opened it, unless that has gone with its message.
document.addEventListener("close", ({ target: dialog }) => {
  const lost = document.activeElement === document.body || dialog.contains(document.activeElement);
  if (lost && acted && !document.getElementById(acted)) document.getElementById("text").focus();
}, { capture: true });
for (const type of ["pointerover", "focusin", "click"]) {
  list.addEventListener(type, ({ pointerType, target }) => {
    // A finger that comes down is no click yet: that would meet what had just come up below it.
    if (type !== "pointerover" || pointerType !== "touch") stand(target.closest(".message"));
  });
}
for (const element of [list, toolbar]) element.addEventListener("pointerleave", leave);
document.addEventListener("focusin", ({ target }) => {
  if (!target.closest("#messages, #toolbar") && ![list, toolbar].some((element) => element.matches(":hover"))) rest();
});

onMessages(follow, "place");
onViewer(follow);
new ResizeObserver(place).observe(list); // what is above it has come, gone or grown
