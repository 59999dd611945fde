// One htmx POST at a time, and its outcome.
import { htmxReady } from "./load-htmx.js";

const source = document.getElementById("outbox");

// Resolves to the answer, or to undefined when there was none. Its fragments are swapped in by then. An answer without
// the header `proof` is not from this server: a login page of the network, for instance, which proves nothing.
export async function post(url, values, proof) {
  const htmx = await htmxReady.catch(() => null);
  if (!htmx) return undefined;
  return new Promise((resolve) => {
    const settle = ({ detail: { ctx } }) => {
      if (ctx.values !== values) return;
      source.removeEventListener("htmx:finally:request", settle);
      const headers = ctx.response?.headers;
      resolve(headers?.has(proof) || headers?.has("Chat-Error") ? ctx.response : undefined);
    };
    source.addEventListener("htmx:finally:request", settle);
    htmx.ajax("POST", url, { source, values, swap: "none" });
  });
}
