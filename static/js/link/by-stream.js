// One stream of Server-Sent Events. hx-sse reads it and swaps what it brings (templates/events/) into the page; when there
// should be one is decided in ladder.js: hx-sse never tries again when a first request fails, and cannot see a dead connection.
import { htmxReady } from "../lib/load-htmx.js";
import { leave } from "./out.js";
import { advance, here, isAhead, isNext } from "./log.js";

const ENDING = 1000; // milliseconds that a dropped stream has to end

const element = document.getElementById("stream");

let htmx;
let listener = null; // of the stream that is open, being opened, or ending
let connection = null;
let farewell = null;

// Opens the stream that goes on from here. `told` hears, and `ended` is called once:
//   opened({ heartbeat })        in milliseconds
//   heard()                      with every event
//   beat(cursor)                 everything up to there was sent
//   happened(html, id)           an event of the log, which is in the page now
//   reset()                      this page cannot be continued
//   ended(farewell, refused)     { retry, reason } if the server said one; whether this server refused to open it
// MUST NOT be called before the last one has ended.
export function openStream(told) {
  listener = told;
  farewell = null;
  htmx.trigger(element, "chat:connect");
}

// Lets go of whatever is open or being opened; `ended` follows, even if htmx has nothing to say of it.
export function dropStream() {
  const told = listener;
  if (connection) connection.abortController.abort();
  else if (told) htmx.trigger(element, "htmx:abort");
  setTimeout(() => { if (told && told === listener) ended(); }, ENDING);
}

function ended(refused = false) {
  connection = null;
  const told = listener;
  listener = null;
  if (farewell?.reason === "removed") leave("removed");
  told?.ended(farewell, refused);
}

element.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  ctx.request.headers["Last-Event-ID"] = here();
  // Otherwise Firefox lets a second tab or embed with this address wait until the first one's stream has ended.
  ctx.request.cache = "no-store";
});
element.addEventListener("htmx:sse:after:connection", ({ detail }) => { connection = detail.connection; });
element.addEventListener("htmx:sse:before:message", (event) => {
  const { event: type, id } = event.detail.message;
  listener?.heard();
  if (type || isNext(id)) return;
  event.detail.cancelled = true;
  if (isAhead(id)) dropStream(); // something is missing in between; otherwise polls have brought it already
});
element.addEventListener("htmx:sse:after:message", ({ detail: { message: { event: type, id, data } } }) => {
  if (type) return; // `hello` and `reset` say where the server is, not the page
  advance(id);
  listener?.happened(data, id);
});
element.addEventListener("htmx:sse:close", ({ detail }) => {
  if (detail.connection === connection) ended();
});
element.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  const type = ctx.response?.headers.get("Content-Type") ?? "";
  if (!type.startsWith("text/event-stream")) ended(ctx.response?.headers.has("Chat-Error"));
});
element.addEventListener("hello", ({ detail: { data } }) => listener?.opened({ heartbeat: 1000 * JSON.parse(data).heartbeat }));
element.addEventListener("heartbeat", ({ detail: { data } }) => listener?.beat(data));
element.addEventListener("reset", () => listener?.reset());
element.addEventListener("farewell", ({ detail: { data } }) => { farewell = JSON.parse(data); });

export const streamReady = htmxReady.then((loaded) => {
  htmx = loaded;
  element.setAttribute("hx-sse:connect", element.dataset.connect);
  htmx.process(element);
});
