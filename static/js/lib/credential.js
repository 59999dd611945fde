// Who this page is to the server. A page of the chat's own site has a cookie, which the browser sends. An embed in another
// site's page may get none: it keeps a token, of a guest or as that site has signed it, and sends it as a header.
import { channel } from "./channel.js";

const around = window.parent === window ? "" : originAround();
const embedded = isEmbedded();
const host = embedded ? around : "";

// Browsers keep storage apart by site, and the token is for one origin of it.
const KEY = `quart-chat:token:${host}`;

let signed = null; // by the site around; it is short-lived, and kept nowhere
// Calls `listener(before)` when somebody else is there than the owner before.
const [onOwner, tell] = channel();
export { onOwner };
let memory = null; // the guest's token where storage is denied

// Whether this is an embed in a page of another site. One in a page of the chat's own site is like that page.
function isEmbedded() {
  if (window.top === window) return false;
  try {
    return window.top.location.origin !== location.origin;
  } catch {
    return true;
  }
}

function originAround() {
  if (location.ancestorOrigins?.length) return location.ancestorOrigins[0];
  try {
    return new URL(document.referrer).origin;
  } catch {
    return ""; // the page around tells nobody
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? memory;
  } catch {
    return memory;
  }
}

function keep(given) {
  memory = given;
  try {
    localStorage.setItem(KEY, given);
  } catch { /* denied: it lasts as long as this page */ }
}

// Whether this is an embed in another site's page, and the origin of that; `around` of the page around any embed. Empty
// where it says none.
export { around, embedded, host };

const token = () => signed ?? stored();

export const hasGuest = () => embedded && !signed && stored() !== null;

// The token that the site around has signed for whoever is there; null when nobody is signed in any more.
export function setSigned(next) {
  const before = owner();
  signed = next;
  if (owner() !== before) tell(before);
}

// Whose what is written here is: what waits to be sent must not go out in another's name.
export const owner = () => ownerOf(signed);

// Whom the site around has signed in with a token; a guest with none.
export function ownerOf(token) {
  if (!token) return "guest";
  try {
    return `site:${JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub}`;
  } catch {
    return "nobody"; // not a token of any site: the server will say so
  }
}

// What says who this is, in the headers of every request.
export function credentials() {
  if (!embedded) return {};
  return { "Chat-Host": host, ...(token() && { "Chat-Token": token() }) };
}

// The same in a form, for pages that open in a tab of their own.
export const credentialFields = () => ({ token: token() ?? "", host });

// Keeps what the server gives to a guest with the answer to its first message, before anybody asks anything in that name.
export function takeCredential(answer) {
  const given = answer.headers.get("Chat-Token");
  if (given && embedded) keep(given);
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  Object.assign(ctx.request.headers, credentials());
});
document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => takeCredential(ctx.response));
