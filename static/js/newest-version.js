// Keeps an older state of a message from replacing a newer one: answers and the stream may overtake each other.

const KEPT = 2000;
const known = new Map();

function remember(id, version) {
  known.delete(id);
  known.set(id, version);
  if (known.size > KEPT) known.delete(known.keys().next().value);
}

// Another database counts its messages anew.
export const forgetVersions = () => known.clear();

document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => {
  for (const { fragment } of tasks) {
    for (const gone of fragment.querySelectorAll("[data-deleted]")) remember(gone.dataset.deleted, Infinity);
    for (const message of fragment.querySelectorAll(".message[data-version]")) {
      const version = Number(message.dataset.version);
      const shown = Number(document.getElementById(message.id)?.dataset.version ?? 0);
      if (version <= shown || version < (known.get(message.id) ?? 0)) message.remove();
      else remember(message.id, version);
    }
  }
});

// A replacement whose content was taken out above must not remove what it was to replace.
document.addEventListener("htmx:before:swap", ({ detail }) => {
  const keep = ({ fragment, swapSpec }) => swapSpec?.style !== "outerHTML" || fragment.childElementCount > 0;
  detail.tasks.splice(0, detail.tasks.length, ...detail.tasks.filter(keep));
});
