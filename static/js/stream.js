// The supervisor of the stream. hx-sse reads it and swaps what it brings; when to connect, and whether what is open is
// still alive, is decided here: hx-sse never tries again when a first request fails, and cannot see a dead connection.
import { htmxReady } from "./load-htmx.js";
import { abortOlder } from "./load-older.js";
import { all, list, room } from "./messages.js";
import { forgetVersions } from "./newest-version.js";
import { flush } from "./outbox.js";
import { showStream } from "./status.js";

// All in milliseconds.
const OPENING = 10000; // until the first event must be here
const BEATS = 2.5; // heartbeats that may be missing
const SETTLED = 10000; // a stream that lasted so long was a good one
const FIRST_RETRY = 500; // doubled up to the last
const LAST_RETRY = 15000;
const SHORT = 500; // an announced pause that is not worth a word,
const SLOW = 2000; // unless the new stream takes so long to open
const HIDDEN = 30000; // a page that nobody sees lets go of its connection after this

const element = document.getElementById("stream");

let htmx;
let cursor = element.dataset.cursor; // what has been swapped in, not what has been received
let connection = null;
let state = "stopped"; // connecting, live, waiting, stopped
let retry = FIRST_RETRY;
let farewell = null;
let wanted = false; // whether there should be a stream
let busy = false; // whether one is open, being opened, or ending
let timer;
let settled;
let hidden;
let news;
let turns = 0; // how often it was decided to connect or to stop

function after(delay, action) {
  clearTimeout(timer);
  timer = setTimeout(action, delay);
}

function connect() {
  turns += 1;
  wanted = true;
  if (busy || !htmx) return; // one that is ending calls again
  busy = true;
  farewell = null;
  state = "connecting";
  after(OPENING, drop);
  htmx.trigger(element, "chat:connect");
}

// Lets go of whatever is open or being opened; `ended` hears of it.
function drop() {
  if (connection) connection.abortController.abort();
  else htmx?.trigger(element, "htmx:abort");
}

function stop() {
  turns += 1;
  wanted = false;
  farewell = 0;
  state = "stopped";
  showStream("connecting"); // what it is when somebody looks again
  clearTimeout(timer);
  clearTimeout(news);
  if (busy) drop();
}

function ended() {
  if (!busy) return;
  busy = false;
  connection = null;
  clearTimeout(settled);
  if (!wanted) {
    farewell = null;
    return;
  }
  state = "waiting";
  const jitter = 0.7 + 0.6 * Math.random();
  after(farewell ?? retry * jitter, connect);
  if (farewell === null) retry = Math.min(2 * retry, LAST_RETRY);
  // A stream that has grown old is replaced at once, and nothing is missed: no news for a screen reader. If opening the
  // new one fails, that is said at once.
  clearTimeout(news);
  const planned = farewell !== null && farewell <= SHORT;
  news = setTimeout(() => showStream(navigator.onLine ? "reconnecting" : "offline"), planned ? SLOW : 0);
  farewell = null;
}

function alive() {
  if (state !== "live") return;
  after(BEATS * Number(element.dataset.heartbeat), drop);
}

function hello({ detail: { data } }) {
  state = "live";
  element.dataset.heartbeat = 1000 * JSON.parse(data).heartbeat;
  settled = setTimeout(() => { retry = FIRST_RETRY; }, SETTLED);
  clearTimeout(news);
  showStream("live");
  alive();
  flush();
}

function heartbeat({ detail: { data } }) {
  alive();
  // Everything up to the head was sent before this heartbeat. What is missing now was lost, and is asked for again.
  if (position(data) > position(cursor)) drop();
}

const position = (value) => Number(value.split(".")[1]);

// What this page shows cannot be continued: load the newest messages in its place, then go on from there. If they do
// not come, the stream will ask for it again.
async function reset() {
  const before = cursor;
  stop();
  abortOlder();
  const turn = turns;
  await htmx.ajax("GET", `/rooms/${room}/messages`, { source: list, swap: "none" });
  if (turn !== turns) return; // the page was hidden, or has connected, meanwhile
  if (cursor === before) retry = Math.min(2 * retry, LAST_RETRY);
  after(cursor === before ? retry : 0, connect);
}

list.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (!ctx.response?.headers.has("Chat-Cursor") || ctx.sourceElement !== list) return;
  cursor = ctx.response.headers.get("Chat-Cursor");
  forgetVersions();
  for (const message of all()) message.remove();
});

element.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  ctx.request.headers["Last-Event-ID"] = cursor;
});
element.addEventListener("htmx:sse:after:connection", ({ detail }) => { connection = detail.connection; });
element.addEventListener("htmx:sse:after:message", ({ detail: { message } }) => {
  if (message.id && !message.event) cursor = message.id; // `hello` and `reset` say where the server is, not the page
  alive();
});
element.addEventListener("htmx:sse:close", ended);
element.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  const type = ctx.response?.headers.get("Content-Type") ?? "";
  if (!type.startsWith("text/event-stream")) ended();
});
element.addEventListener("hello", hello);
element.addEventListener("heartbeat", heartbeat);
element.addEventListener("reset", reset);
element.addEventListener("farewell", ({ detail: { data } }) => { farewell = JSON.parse(data).retry; });

addEventListener("online", () => {
  if (!document.hidden) connect();
});
addEventListener("offline", drop);
addEventListener("pagehide", stop); // an open request keeps a page out of the back/forward cache
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) connect();
});
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  if (document.hidden) hidden = setTimeout(stop, HIDDEN);
  else connect();
});

try {
  htmx = await htmxReady;
  if (!document.hidden) connect(); // a tab opened in the background waits until somebody looks at it
} catch {
  showStream("broken");
}
