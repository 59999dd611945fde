// What this embed and the page around it say to each other, each to the other's origin alone. The embed speaks first: it
// knows whose page it is in.
import { channel } from "../lib/channel.js";
import { around } from "../lib/credential.js";
import { room } from "../lib/page.js";

const channels = {};

let held = true;

// Whether this embed may hold a connection, where the browser lets embeds not agree on that: the page around counts them.
export const mayHold = () => held;

// Calls `listener(words)` when the page around says something of this type.
export function onHost(type, listener) {
  const [on] = (channels[type] ??= channel());
  on(listener);
}

export function tellHost(type, words = {}) {
  if (around) parent.postMessage({ quartChat: 1, type, ...words }, around);
}

// MUST be called when everybody listens.
export function greetHost() {
  tellHost("ready", { room });
}

onHost("welcome", (words) => { held = words.held !== false; });

if (around) {
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== around || source !== parent || data?.quartChat !== 1) return;
    if (!Object.hasOwn(channels, data.type)) return;
    const [, tell] = channels[data.type];
    tell(data);
  });
}
