// Polls: ordinary answers with a length, which whatever scans, stores or buffers lets through. They are held until
// something happens, as long as the network leaves them alone; where it cuts them off, they are short.
import { ask } from "../lib/ask.js";
import { Backoff } from "../lib/backoff.js";
import { isPortal } from "../lib/portal.js";
import { room } from "../lib/page.js";
import { HOLDS } from "./ladder.js";
import { apply, here } from "./log.js";

// All in seconds.
const SHORT = 2; // between polls that are not held
const MARGIN = 5; // what the network may take besides, until the answer begins
const BODY = 60; // and until it is there

// Asks once. Resolves to { html, from, to, reset, limited, network }; to { refused, code, reason } where this server
// refuses; to { refused, portal } where a portal in front of it answers; to null where there is no answer.
export async function poll(wait, signal) {
  const from = here();
  // The time is for whatever stores answers that must not be stored.
  const url = `/rooms/${room}/poll?after=${encodeURIComponent(from)}&wait=${wait}&at=${Date.now()}`;
  const stopping = new AbortController();
  const abort = () => stopping.abort();
  let timer = setTimeout(abort, 1000 * (wait + MARGIN));
  signal?.addEventListener("abort", abort);
  try {
    const answer = await ask(url, { signal: stopping.signal, cache: "no-store" });
    const { headers } = answer;
    if (headers.has("Chat-Error")) return { refused: true, code: headers.get("Chat-Error"), reason: await answer.text() };
    if (isPortal(answer)) return { refused: true, portal: true };
    if (!answer.ok || !headers.has("Chat-Cursor")) return null;
    clearTimeout(timer);
    timer = setTimeout(abort, 1000 * BODY); // much may be on its way over a slow line
    return {
      html: await answer.text(),
      from,
      to: headers.get("Chat-Cursor"),
      reset: headers.has("Chat-Reset"),
      limited: headers.has("Chat-Limit"),
      network: headers.get("Chat-Network"),
    };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

// Fetches everything up to now. Resolves to the last answer, or null.
export async function catchUp() {
  for (;;) {
    const answer = await poll(0);
    if (!answer || answer.refused || answer.reset || answer.to === answer.from) return answer;
    if (!(await apply(answer.html, answer.from, answer.to))) return null;
  }
}

export class Polls {
  #told;
  #stopping = null;
  #pause = null;
  #due = 0; // when the answer that is waited for should be there
  hold = 0; // which of HOLDS

  // `told` hears polled(answer) after its events are in the page, cut() of a poll that was held and got no answer, and
  // failed(portal) of any other.
  constructor(told) {
    this.#told = told;
  }

  get running() { return this.#stopping !== null; }

  start() {
    if (!this.running) this.#run((this.#stopping = new AbortController()).signal);
  }

  stop() {
    this.#stopping?.abort();
    this.#stopping = null;
    this.#pause?.();
  }

  // Asks again now. `sure` where what is being asked cannot be answered any more.
  wake(sure) {
    if (this.running && (sure || Date.now() > this.#due)) {
      this.stop();
      this.start();
    }
    this.#pause?.();
  }

  async #run(signal) {
    let wait = 0; // the first answer must not be waited for
    const backoff = new Backoff();
    while (!signal.aborted) {
      const asked = Date.now();
      this.#due = asked + 1000 * (wait + MARGIN);
      const answer = await poll(wait, signal);
      if (signal.aborted) return;
      if (answer && !answer.refused) {
        backoff.reset();
        if (!answer.reset) await apply(answer.html, answer.from, answer.to);
        if (signal.aborted) return;
        this.#told.polled({ ...answer, wait });
        const early = wait > 0 && Date.now() - asked < 1000 * SHORT;
        wait = HOLDS[this.hold];
        // Between short polls, and where something answers held ones at once with nothing.
        if (here() === answer.from && (early || !wait)) await this.#sleep(1000 * SHORT);
      } else if (wait && !answer) {
        wait = 0;
        this.#told.cut();
      } else {
        wait = 0;
        this.#told.failed(Boolean(answer?.portal));
        await this.#sleep(backoff.next());
      }
    }
  }

  #sleep(delay) {
    return new Promise((resolve) => {
      this.#pause = resolve;
      setTimeout(resolve, delay);
    });
  }
}
