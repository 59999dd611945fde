// What the browser keeps for this room; in memory only where storage is denied.
import { room } from "./messages.js";

const memory = new Map();
const name = (key) => `quart-chat:${key}:${room}`;

export function load(key) {
  try {
    return JSON.parse(localStorage.getItem(name(key)));
  } catch {
    return memory.get(key) ?? null;
  }
}

export function save(key, value) {
  memory.set(key, value);
  try {
    if (value === null) localStorage.removeItem(name(key));
    else localStorage.setItem(name(key), JSON.stringify(value));
  } catch { /* denied or full: memory has it */ }
}
