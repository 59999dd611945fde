// When a page must look whether it is still in touch: the machine has slept, the network has changed, somebody looks at
// the page again.
const TICK = 1000; // milliseconds
const GAP = 5000; // more than that between two ticks of a page that is seen: the machine has slept

// `listener(sure)`: `sure` where open connections cannot have survived, or cannot be trusted.
export function onWake(listener) {
  addEventListener("online", () => listener(true));
  // It also tells of new estimates of the speed, which say nothing of what is open.
  let type = navigator.connection?.type;
  navigator.connection?.addEventListener("change", () => {
    if (navigator.connection.type === type) return;
    type = navigator.connection.type;
    listener(true);
  });
  document.addEventListener("resume", () => listener(true));
  document.addEventListener("visibilitychange", () => {
    last = Date.now();
    if (!document.hidden) listener(false);
  });
  let last = Date.now();
  setInterval(() => {
    const slept = Date.now() - last > GAP;
    last = Date.now();
    if (slept && !document.hidden) listener(true);
  }, TICK);
}
