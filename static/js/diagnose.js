// The page that measures the network: asks for a measurement, shows how far it is, and what the server makes of it.
import { measure } from "./diagnose/diagnose-steps.js";

const form = document.getElementById("measure");
const button = form.querySelector("button");
const progress = document.getElementById("progress");
const bar = document.getElementById("bar");
const findings = document.getElementById("findings");

const WORST = 12; // seconds beyond the silence, where everything has to be waited for

function say(step, state) {
  progress.querySelector(`[data-step="${step}"]`).dataset.state = state;
}

function begin(idle) {
  button.disabled = true;
  button.textContent = "Measuring…";
  findings.replaceChildren();
  for (const step of progress.querySelectorAll("[data-step]")) step.dataset.state = "waiting";
  progress.hidden = false;
  const since = performance.now();
  bar.max = Math.max(idle, 6) + WORST / 10;
  bar.value = 0;
  return setInterval(() => { bar.value = (performance.now() - since) / 1000; }, 250);
}

async function verdict(measured) {
  const query = new URLSearchParams({ measurement: JSON.stringify(measured) });
  const answer = await fetch(`/diagnose/verdict?${query}`, { cache: "no-store", signal: AbortSignal.timeout(15000) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  return parsed.querySelector(".verdict") ?? Promise.reject(new Error("another page"));
}

// What was measured is shown as it is where the server cannot say what it means.
function unjudged(measured, error) {
  const words = document.createElement("p");
  words.className = "notice";
  words.textContent = `The measurement is done, but the server could not be asked what it means (${error.message}).`;
  const numbers = document.createElement("pre");
  numbers.textContent = JSON.stringify(measured, null, 1);
  return [words, numbers];
}

async function run(event) {
  event.preventDefault();
  const idle = Number(new FormData(form).get("idle"));
  const timer = begin(idle);
  const measured = await measure(idle, say);
  clearInterval(timer);
  bar.value = bar.max;
  try {
    findings.replaceChildren(await verdict(measured));
    document.getElementById("summary").focus();
  } catch (error) {
    findings.replaceChildren(...unjudged(measured, error));
  }
  progress.hidden = true;
  button.disabled = false;
  button.textContent = "Measure again";
}

// Without TLS browsers give pages no clipboard: then the text is selected, to be copied by hand.
async function copy() {
  const report = document.getElementById("report");
  const copied = findings.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(report.value);
    copied.textContent = "Copied.";
  } catch {
    report.closest("details").open = true;
    report.focus(); // what is selected elsewhere is not copied
    report.select();
    copied.textContent = "The report is selected: copy it.";
  }
}

form.addEventListener("submit", run);
findings.addEventListener("click", ({ target }) => {
  if (target.closest("[data-copy]")) copy();
});
// A proxy may have told the server another address than the one it is reached at.
document.querySelector("[data-origin]").textContent = location.origin;
document.getElementById("unscripted").remove();
form.hidden = false;
