// Polls: ordinary answers with a length, which whatever scans, stores or buffers lets through. They are held until
// something happens, as long as the network leaves them alone; where it cuts them off, they are short.
import { Backoff } from "../lib/backoff.js";
import { credentials } from "../lib/credential.js";
import { isGate, redirect } from "../lib/gate.js";
import { room } from "../lib/page.js";
import { apply, here } from "./log.js";

// All in seconds.
const HOLDS = [25, 10, 0]; // how long a poll is held, each where the network does not stand the one before
export const SHORT_POLLS = HOLDS.length - 1; // which of them is none
const SHORT = 2; // between polls that are not held
const MARGIN = 5; // what the network may take besides, until the answer begins
const BODY = 60; // and until it is there
const CUTS = 2; // held polls that are cut, one after the other, before the next ones are held shorter

// Asks once. Resolves to { html, from, to, reset, limited, network }; to { refused, gated } where this server refuses, or a
// gate in front of it answers; to null where there is no answer.
export async function poll(wait, signal) {
  const from = here();
  // The time is for whatever stores answers that must not be stored.
  const url = `/rooms/${room}/poll?after=${encodeURIComponent(from)}&wait=${wait}&at=${Date.now()}`;
  const stopping = new AbortController();
  const abort = () => stopping.abort();
  let timer = setTimeout(abort, 1000 * (wait + MARGIN));
  signal?.addEventListener("abort", abort);
  try {
    const answer = await fetch(url, { signal: stopping.signal, cache: "no-store", redirect, headers: credentials() });
    const { headers } = answer;
    if (headers.has("Chat-Error") || isGate(answer)) return { refused: true, gated: isGate(answer) };
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
  hold = 0; // which of HOLDS the network stands

  // `told` hears polled(answer) after its events are in the page, and failed(gated).
  constructor(told) {
    this.#told = told;
  }

  get running() { return this.#stopping !== null; }
  get held() { return HOLDS[this.hold] > 0; }

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
    let cut = false; // whether the last poll was held, and failed
    let cuts = 0;
    const backoff = new Backoff();
    while (!signal.aborted) {
      const asked = Date.now();
      this.#due = asked + 1000 * (wait + MARGIN);
      const answer = await poll(wait, signal);
      if (signal.aborted) return;
      if (answer && !answer.refused) {
        if (wait) cuts = 0;
        if (cut) cuts += 1; // this one got through: it was the holding
        if (cuts >= CUTS && this.held) {
          this.hold += 1;
          cuts = 0;
        }
        cut = false;
        backoff.reset();
        if (!answer.reset) await apply(answer.html, answer.from, answer.to);
        if (signal.aborted) return;
        this.#told.polled(answer);
        const early = wait > 0 && Date.now() - asked < 1000 * SHORT;
        wait = HOLDS[this.hold];
        // Between short polls, and where something answers held ones at once with nothing.
        if (here() === answer.from && (early || !wait)) await this.#sleep(1000 * SHORT);
      } else if (wait && !answer) {
        cut = true;
        wait = 0;
      } else {
        cut = false;
        wait = 0;
        this.#told.failed(Boolean(answer?.gated));
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
