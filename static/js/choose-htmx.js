// Where htmx and its extensions come from: the CDN, or this server where the CDN is blocked, slow, or not wanted. This one
// stands in the page itself and begins before anything else is fetched.
// A CDN that never answers is worse than one that refuses: after its head start both are asked, and the first one there
// is taken.

const HEAD_START = 600; // milliseconds
const REMEMBER = "quart-chat:cdn-blocked";

const all = [...document.querySelectorAll('script[type="text/htmx"]')];
const remote = all.filter((script) => !("local" in script.dataset));
const local = all.filter((script) => "local" in script.dataset); // as one file; none where it was not fetched at set-up

const links = [];

// Firefox says `load` also of what did not come: no such host, or a connection that was closed.
const came = ({ src }) => performance.getEntriesByName(src).at(-1)?.responseStatus !== 0;

function preload(script) {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    links.push(link);
    Object.assign(link, { rel: "preload", as: "script", href: script.src, nonce: script.nonce });
    if (script.integrity) Object.assign(link, { crossOrigin: "anonymous", integrity: script.integrity });
    link.onerror = () => reject(new Error(`${script.src} could not be loaded`));
    link.onload = () => { came(script) ? resolve(script) : link.onerror(); };
    document.head.append(link);
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

// Running them says what could not be fetched.
function certain(scripts) {
  fetched(scripts).catch(() => {});
  return scripts;
}

// Which of them are here first.
async function first() {
  if (!local.length) return certain(remote);
  if (!remote.length || isRemembered()) return certain(local);
  const theirs = fetched(remote);
  const late = new Promise((resolve) => { setTimeout(resolve, HEAD_START); });
  let chosen = local;
  try {
    if (await Promise.race([theirs, late])) return remote;
    chosen = await Promise.any([theirs, fetched(local)]);
  } catch {
    certain(local); // the CDN refused
  }
  // The browser complains of what was fetched ahead and is not used.
  for (const link of links) if (!chosen.some(({ src }) => src === link.href)) link.remove();
  if (chosen[0] !== remote[0]) remember();
  return chosen;
}

window.htmxChosen = first();
