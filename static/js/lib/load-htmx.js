// Runs htmx and its extensions, in order, from where the page has chosen (choose-htmx.js).

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
    return run(script, script.dataset.copy);
  });
}

// htmx looks at the page by itself soon after it ran. Until then nobody may have it look at an element: hx-sse connects
// twice what is looked at twice.
async function load() {
  const looked = new Promise((resolve) => { document.addEventListener("htmx:after:process", resolve, { once: true }); });
  const [htmx, ...extensions] = await window.htmxChosen;
  if (!htmx) throw new Error("htmx is nowhere");
  await (extensions.length ? runAny(htmx) : run(htmx));
  await looked;
  for (const extension of extensions) await runAny(extension);
  return window.htmx;
}

// Resolves to htmx; rejects when neither source has it.
export const htmxReady = load();
