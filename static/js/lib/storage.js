// What the browser keeps for this room, over reloads and for all tabs; in memory only where storage is denied.
// In an embed for the page around it alone: pages of one site share it, but have other guests.
import { host } from "./credential.js";
import { room } from "./page.js";

const LET_GO = 30000; // milliseconds, after which a tab that does not let go is not waited for

const memory = new Map();
const prefix = host ? `quart-chat:${host}:${room}:` : `quart-chat:${room}:`;

const stored = () => {
  try {
    return window.localStorage;
  } catch {
    return null; // denied
  }
};

// Null where there is nothing, or nothing that this page could have written.
function parse(text) {
  try {
    return JSON.parse(text ?? null);
  } catch {
    return null;
  }
}

export const load = (key) => parse(stored()?.getItem(prefix + key) ?? memory.get(key));

// Whether it will be there after this page.
export function save(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    window.localStorage.setItem(prefix + key, text);
    return true;
  } catch {
    stored()?.removeItem(prefix + key); // full: memory has it, and what was there is not true any more
    return false;
  }
}

export function forget(key) {
  memory.delete(key);
  stored()?.removeItem(prefix + key);
}

// Every value whose key begins with `start`.
export function loadAll(start) {
  const keys = Object.keys(stored() ?? {}).filter((key) => key.startsWith(prefix + start));
  return keys.map((key) => load(key.slice(prefix.length))).filter((value) => value !== null);
}

// Calls `listener(rest, value)` when another tab keeps something whose key begins with `start`, or forgets it: then the
// value is null.
export function onStored(start, listener) {
  addEventListener("storage", ({ key, newValue }) => {
    if (!key?.startsWith(prefix + start)) return;
    if (newValue === null) memory.delete(key.slice(prefix.length));
    listener(key.slice((prefix + start).length), parse(newValue));
  });
}

// Runs `task` while no other tab runs one of this name. Resolves to its outcome.
export async function alone(name, task) {
  let begun;
  const begin = () => (begun ??= task());
  try {
    await navigator.locks.request(prefix + name, { signal: AbortSignal.timeout(LET_GO) }, begin);
  } catch { /* there are no locks over HTTP from another machine, or they are denied, or not let go of */ }
  return begin();
}
