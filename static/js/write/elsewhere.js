// Whatever is around an embed can lead a click anywhere in it: what destroys something is confirmed on a page of this site
// itself, in a tab of its own. By a form, so that who asks is in no address.
import { credentialFields } from "../lib/credential.js";

const form = document.getElementById("confirm-elsewhere"); // null where this is no embed

export function confirmElsewhere(path) {
  form.action = path;
  for (const [name, value] of Object.entries(credentialFields())) form.elements[name].value = value;
  form.submit();
}
