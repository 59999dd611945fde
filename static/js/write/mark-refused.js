// The field that a refusal is about says so, and where the reason stands.

const reason = document.getElementById("composer-error");
const form = document.getElementById("composer");
const marks = { "aria-invalid": "true", "aria-describedby": reason.id };

new MutationObserver(() => {
  const about = reason.querySelector("[data-field]")?.dataset.field;
  for (const field of form.querySelectorAll("[name]")) {
    for (const [mark, value] of Object.entries(marks)) {
      if (field.name === about) field.setAttribute(mark, value);
      else field.removeAttribute(mark);
    }
  }
}).observe(reason, { childList: true });
