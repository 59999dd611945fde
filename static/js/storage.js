// What the browser keeps for this room, over reloads and for all tabs; in memory only where storage is denied.
// In a frame for the page around it alone: pages of one site share it, but have other guests.
import { host } from "./credential.js";
import { room } from "./messages.js";

const memory = new Map();
const prefix = host ? `quart-chat:${host}:${room}:` : `quart-chat:${room}:`;

const stored = () => {
  try {
    return window.localStorage;
  } catch {
    return null; // denied
  }
};

export function load(key) {
  const text = stored()?.getItem(prefix + key) ?? memory.get(key);
  return text === undefined ? null : JSON.parse(text);
}

export function save(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    stored()?.setItem(prefix + key, text);
  } catch { /* full: memory has it */ }
}

export function forget(key) {
  memory.delete(key);
  stored()?.removeItem(prefix + key);
}

// Every value whose key begins with `start`.
export function loadAll(start) {
  const keys = Object.keys(stored() ?? {}).filter((key) => key.startsWith(prefix + start));
  return keys.map((key) => load(key.slice(prefix.length)));
}

// Calls `listener(key)` when another tab forgets something.
export function onForgotten(listener) {
  addEventListener("storage", ({ key, newValue }) => {
    if (newValue === null && key?.startsWith(prefix)) listener(key.slice(prefix.length));
  });
}
