// The measurement as a browser makes it: plain numbers, in seconds, under the names that the server knows.
import { events } from "./diagnose-events.js";

const STREAM = 15; // seconds after which a stream is given up that should take five
const MORE = 10; // seconds that what is held may come later than it was to
const HOLD = 25; // seconds for which the server holds an answer at most

const seconds = (since, until = performance.now()) => Math.round(until - since) / 1000;

const get = (path, patience) => fetch(`/diagnose/${path}`, { cache: "no-store", signal: AbortSignal.timeout(1000 * patience) });

// Of both lists of headers, what the other has not in the same words.
function differences(said, response) {
  const text = (pair) => pair.join("\n");
  const arrived = [...response.headers];
  const same = new Set(said.map(text).filter((header) => new Set(arrived.map(text)).has(header)));
  const others = (pairs) => pairs.filter((pair) => !same.has(text(pair)));
  return { said: others(said), arrived: others(arrived) };
}

async function echo(measured) {
  const since = performance.now();
  const response = await get("echo", MORE);
  const { address, http, heartbeat, added, response: said } = await response.json();
  const [entry] = performance.getEntriesByName(response.url).slice(-1);
  Object.assign(measured, {
    round_trip: seconds(since), address, http, heartbeat, request: added,
    protocol: entry?.nextHopProtocol ?? "",
    plain_encoding: response.headers.get("Content-Encoding") ?? "",
    arrived: differences(said, response).arrived,
  });
}

async function stream(measured) {
  const since = performance.now();
  const response = await get("stream", STREAM);
  const type = response.headers.get("Content-Type") ?? "";
  Object.assign(measured, { status: response.status, type, ...differences([], response), times: [] });
  measured.stream_encoding = response.headers.get("Content-Encoding") ?? "";
  if (type.startsWith("text/html")) {
    measured.title = new DOMParser().parseFromString(await response.text(), "text/html").title;
  }
  if (!type.startsWith("text/event-stream")) return;
  for await (const { sent, came, events: all, headers } of events(response)) {
    measured.times.push([Math.round(1000 * sent) / 1000, seconds(since, came)]);
    if (headers) Object.assign(measured, { events: all, ...differences(headers, response) });
  }
}

async function silence(measured) {
  let since = performance.now();
  let refused = false;
  try {
    const response = await get(`stream?idle=${measured.idle}`, measured.idle + MORE);
    refused = response.status === 429;
    for await (const event of events(response)) {
      if (event.silence) since = event.came;
      else measured.idle_arrived = true;
    }
  } finally {
    if (!refused) measured.idle_lasted = measured.idle_arrived ? measured.idle : seconds(since);
  }
}

async function poll(measured) {
  const since = performance.now();
  const response = await get(`poll?wait=${measured.hold}`, measured.hold + MORE);
  await response.text();
  Object.assign(measured, { hold_status: response.status, held: seconds(since) });
}

function websocket(measured) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/diagnose/websocket`);
    const settle = (outcome) => {
      measured.websocket ??= outcome;
      socket.close();
      resolve();
    };
    let open = false;
    socket.addEventListener("open", () => { open = true; socket.send("hello"); });
    socket.addEventListener("message", () => settle("open"));
    // A close with a reason of the server's own has come through as well.
    socket.addEventListener("close", ({ code }) => settle(open ? (code === 1006 ? "silent" : "open") : "refused"));
    setTimeout(() => settle(open ? "silent" : "refused"), 1000 * MORE);
  });
}

// `say(step, state)` hears of each step as it begins and ends. What fails is what is not there afterwards.
export async function measure(idle, say) {
  const measured = { host: location.host, idle, hold: Math.min(idle, HOLD) };
  const step = async (action) => {
    say(action.name, "running");
    await action(measured).catch(() => {});
    say(action.name, "done");
  };
  await step(echo);
  const quick = async () => {
    await step(stream);
    await step(websocket);
  };
  await Promise.all([step(silence), step(poll), quick()]);
  return measured;
}
