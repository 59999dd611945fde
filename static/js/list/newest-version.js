// Keeps an older state of a message from replacing, or following, a newer one: answers, older pages and the stream may
// overtake each other.

const KEPT = 500;
const changed = new Map(); // id -> what the stream said of a message that was not on the page, or that is gone

function remember(id, state) {
  changed.delete(id);
  changed.set(id, state);
  if (changed.size > KEPT) changed.delete(changed.keys().next().value);
}

// Another database has a history of its own.
export const forgetVersions = () => changed.clear();

const version = (message) => Number(message?.dataset.version ?? 0);

// The stale are replaced by what is known to be newer, or taken out where that is on the page already.
function sift(message, inserts) {
  const shown = document.getElementById(message.id);
  const known = changed.get(message.id);
  if (known?.gone || version(message) <= version(shown)) message.remove();
  else if (version(message) < version(known?.element)) message.replaceWith(known.element.cloneNode(true));
  else if (!shown && !inserts) remember(message.id, { element: message.cloneNode(true) });
}

document.addEventListener("htmx:before:swap", ({ detail }) => {
  const replaces = ({ swapSpec }) => swapSpec?.style === "outerHTML";
  for (const task of detail.tasks) {
    for (const gone of task.fragment.querySelectorAll("[data-deleted]")) remember(gone.dataset.deleted, { gone: true });
    for (const message of task.fragment.querySelectorAll(".message[data-version]")) sift(message, !replaces(task));
  }
  // A replacement whose content was taken out must not remove what it was to replace.
  const rest = detail.tasks.filter((task) => !replaces(task) || task.fragment.childElementCount > 0);
  detail.tasks.splice(0, detail.tasks.length, ...rest);
});
