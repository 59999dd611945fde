// Loads htmx and its extensions, in order: from the CDN, or from this server where the CDN is blocked, slow, or not wanted.
// A CDN that never answers is worse than one that refuses: after its head start both are asked, and the first one there
// is taken.

const HEAD_START = 600; // milliseconds
const REMEMBER = "quart-chat:cdn-blocked";

const all = [...document.querySelectorAll('script[type="text/htmx"]')];
const remote = all.filter((script) => !("local" in script.dataset));
const local = all.filter((script) => "local" in script.dataset); // as one file; none where it was not fetched at set-up

const links = [];

function preload(script) {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    links.push(link);
    Object.assign(link, { rel: "preload", as: "script", href: script.src, nonce: script.nonce });
    if (script.integrity) Object.assign(link, { crossOrigin: "anonymous", integrity: script.integrity });
    link.onload = () => resolve(script);
    link.onerror = () => reject(new Error(`${script.src} could not be loaded`));
    document.head.append(link);
  });
}

function run(script, src = script.src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src, nonce: script.nonce });
    if (script.integrity) Object.assign(element, { crossOrigin: "anonymous", integrity: script.integrity });
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${src} could not be loaded`));
    document.head.append(element);
  });
}

// One of the CDN's, or its copy where the CDN's is not what it should be.
function runAny(script) {
  return run(script).catch((error) => {
    if (!script.dataset.copy) throw error;
    remember();
    return run(script, script.dataset.copy);
  });
}

function isRemembered() {
  try {
    return sessionStorage.getItem(REMEMBER) !== null;
  } catch {
    return false; // storage is denied: the CDN is asked every time
  }
}

function remember() {
  try { sessionStorage.setItem(REMEMBER, "yes"); } catch { /* as above */ }
}

const fetched = (scripts) => Promise.all(scripts.map(preload));

// Which of them are here first.
async function first() {
  if (!local.length) {
    fetched(remote).catch(() => { /* running them says so */ });
    return remote;
  }
  if (!remote.length || isRemembered()) return local;
  const theirs = fetched(remote);
  const late = new Promise((resolve) => { setTimeout(resolve, HEAD_START); });
  try {
    if (await Promise.race([theirs, late])) return remote;
    const won = await Promise.any([theirs, fetched(local)]);
    if (won[0] === remote[0]) return remote;
  } catch { /* the CDN refused */ }
  for (const link of links) if (link.integrity) link.remove();
  remember();
  return local;
}

// htmx looks at the page by itself soon after it ran, and hx-sse connects twice what is looked at twice: either all of it
// runs before that, or the extensions after that.
async function load() {
  const looked = new Promise((resolve) => { document.addEventListener("htmx:after:process", resolve, { once: true }); });
  const [htmx, ...extensions] = await first();
  if (!htmx) throw new Error("htmx is nowhere");
  await (extensions.length ? runAny(htmx) : run(htmx));
  await looked;
  for (const extension of extensions) await runAny(extension);
  if (extensions.length) window.htmx.process(document.body);
  return window.htmx;
}

// Resolves to htmx; rejects when neither source has it.
export const htmxReady = load();
