// A browser opens six connections to a server over HTTP/1.1, over all its tabs and rooms. Some must stay free for what
// people send: so tabs share out how many may be held open.
const SEEN = ["quart-chat:slot:1", "quart-chat:slot:2", "quart-chat:slot:3"];
const UNSEEN = ["quart-chat:background"]; // one tab that nobody looks at, for what is unread

// HTTP/2 and 3 have one connection for everything.
const isUnbounded = /^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");

let release = null; // of the slot this page has
let place = null;

// Takes a slot, in exchange for the one this page has. Resolves to whether there was one.
export async function takeSlot() {
  const names = document.hidden ? UNSEEN : SEEN;
  if (isUnbounded && !document.hidden) {
    freeSlot();
    return true;
  }
  if (place && names.includes(place)) return true;
  freeSlot();
  for (const name of names) {
    if (await take(name)) return true;
  }
  return names.includes(place); // another call may have taken it meanwhile
}

export function freeSlot() {
  release?.();
  release = place = null;
}

function take(name) {
  return new Promise((taken) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        taken(false);
        return undefined;
      }
      freeSlot();
      return new Promise((resolve) => {
        release = resolve;
        place = name;
        taken(true);
      });
    }).catch(() => taken(true)); // this page may not use locks
  });
}
