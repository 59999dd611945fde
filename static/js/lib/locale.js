// In which language times and days are written: the reader's own, unless an embedder has chosen another.

const root = document.documentElement;
const listeners = [];

// For Intl; an empty list is the reader's own.
export const locale = () => (isLocale(root.dataset.locale) ? root.dataset.locale : []);

function isLocale(tag) {
  try {
    return typeof tag === "string" && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

export function onLocale(listener) {
  listeners.push(listener);
}

export function setLocale(tag) {
  if (isLocale(tag)) root.dataset.locale = tag;
  else delete root.dataset.locale;
  for (const listener of listeners) listener();
}
