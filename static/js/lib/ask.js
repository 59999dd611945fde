// Requests of the page as whoever is there; and what this server refuses, by whatever way it was asked.
import { channel } from "./channel.js";
import { credentials } from "./credential.js";
import { redirect } from "./portal.js";

// Calls `listener(code)`.
const [onRefusal, tell] = channel();
export { onRefusal };

function see(answer) {
  const code = answer.headers.get("Chat-Error");
  if (code) tell(code);
}

// As `fetch`, which it is.
export async function ask(url, { headers, ...options } = {}) {
  const answer = await fetch(url, { redirect, ...options, headers: { ...headers, ...credentials() } });
  see(answer);
  return answer;
}

document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => see(ctx.response));
