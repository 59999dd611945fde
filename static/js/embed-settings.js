// The page for whoever puts a room on a site: the preview follows what is chosen, and snippets can be copied.

const form = document.getElementById("look");

form.addEventListener("change", () => { if (form.reportValidity()) form.requestSubmit(); });

for (const line of document.querySelectorAll(".copy")) line.hidden = false;

document.addEventListener("click", async ({ target }) => {
  if (!target.matches("[data-copy]")) return;
  const snippet = target.closest(".snippet");
  const code = snippet.querySelector("code");
  const said = snippet.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(code.textContent);
    said.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(code); // a page that is not secure may not: it is one key away
    said.textContent = "The line is selected: copy it.";
  }
});
