// In which language times and days are written: the reader's own, unless an embedder has chosen another.

import { channel } from "./channel.js";

const root = document.documentElement;
const [onLocale, tell] = channel();
export { onLocale };

// For Intl; an empty list is the reader's own.
export const locale = () => (isLocale(root.dataset.locale) ? root.dataset.locale : []);

function isLocale(tag) {
  try {
    return typeof tag === "string" && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

export function setLocale(tag) {
  if (isLocale(tag)) root.dataset.locale = tag;
  else delete root.dataset.locale;
  tell();
}
