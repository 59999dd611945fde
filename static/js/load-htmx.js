// Loads htmx and its extensions, in order: from the CDN, or from this server where the CDN is blocked.
// A CDN that never answers is worse than one that refuses: a preload has a deadline, an ordinary script has none.

const DEADLINE = 2500; // milliseconds
const REMEMBER = "quart-chat:cdn-blocked";

const scripts = [...document.querySelectorAll('script[type="text/htmx"]')];

const links = [];

function preload(script) {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    links.push(link);
    Object.assign(link, { rel: "preload", as: "script", href: script.src, crossOrigin: "anonymous", nonce: script.nonce });
    link.integrity = script.integrity;
    link.onload = resolve;
    link.onerror = () => reject(new Error("blocked"));
    setTimeout(() => reject(new Error("too slow")), DEADLINE);
    document.head.append(link);
  });
}

function run(script, url) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src: url, integrity: script.integrity, crossOrigin: "anonymous", nonce: script.nonce });
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${url} could not be loaded`));
    document.head.append(element);
  });
}

async function cdnAnswers() {
  try {
    if (sessionStorage.getItem(REMEMBER)) return false;
  } catch { /* storage is denied: ask the CDN every time */ }
  try {
    await Promise.all(scripts.map(preload));
    return true;
  } catch {
    for (const link of links) link.remove();
    try { sessionStorage.setItem(REMEMBER, "yes"); } catch { /* as above */ }
    return false;
  }
}

async function load() {
  const local = !(await cdnAnswers());
  for (const script of scripts) {
    if (local) await run(script, script.dataset.local);
    else await run(script, script.src).catch(() => run(script, script.dataset.local));
  }
  // htmx looks at the page as soon as it runs, which is before its extensions do.
  window.htmx.process(document.body);
  return window.htmx;
}

// Resolves to htmx; rejects when neither source has it.
export const htmxReady = load();
