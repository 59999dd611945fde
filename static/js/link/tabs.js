// Of all tabs and embeds of this browser that show this room, one leads: it alone is in touch with the server, and tells
// the others what it hears. A lock says which; it is free the moment its tab is closed, crashes, or is put aside.
import { room } from "../lib/page.js";

const NAME = `quart-chat:room:${room}`;
const ANSWER = 1000; // milliseconds that a leader has to answer

// Locks exist in secure contexts only: HTTPS, or this machine. Where storage is denied, a channel may be as well.
export const canShare = Boolean(navigator.locks) && mayTalk();

function mayTalk() {
  try {
    new BroadcastChannel(NAME).close();
    return true;
  } catch {
    return false;
  }
}

export class Tabs {
  #told;
  #channel = null;
  #queue = null; // ends the wait for the lock
  #release = null; // gives the lock back
  #patience;

  // `told` hears:
  //   lead()             this tab has the lock now
  //   follow()           another one has it
  //   said(words)        what the leader says
  //   asked()            somebody wants to know how things are: the leader MUST `say` it
  constructor(told) {
    this.#told = told;
  }

  get leads() { return this.#release !== null; }

  join() {
    if (this.#channel) return;
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#request({});
    this.ask();
  }

  leave() {
    this.#channel?.close();
    this.#channel = null;
    clearTimeout(this.#patience);
    this.#queue?.abort();
    this.#giveBack();
  }

  // Tells all others, if this tab leads.
  say(words) {
    if (this.leads) this.#channel?.postMessage({ ...words, hidden: document.hidden });
  }

  // Asks the leader how things are. One that does not answer, or that nobody sees while this tab is seen, is replaced:
  // browsers put hidden pages to sleep.
  ask() {
    if (this.leads || !this.#channel) return;
    this.#channel.postMessage({ ask: true });
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.takeOver(), ANSWER);
  }

  takeOver() {
    clearTimeout(this.#patience);
    if (this.#channel && !this.leads && !document.hidden) this.#request({ steal: true });
  }

  #hear(data) {
    if (data.ask) {
      if (this.leads) this.#told.asked();
      return;
    }
    if (this.leads) return; // said by one that has not heard yet that it is replaced
    clearTimeout(this.#patience);
    if (data.hidden && !document.hidden) this.takeOver();
    this.#told.said(data);
  }

  async #request(options) {
    this.#queue?.abort();
    const queue = this.#queue = new AbortController();
    try {
      await navigator.locks.request(NAME, options.steal ? options : { signal: queue.signal }, () => {
        if (queue.signal.aborted) return undefined;
        return new Promise((resolve) => {
          this.#release = resolve;
          clearTimeout(this.#patience);
          this.#told.lead();
        });
      });
    } catch (error) {
      // No longer waiting, or another tab has taken it over; or else this page may not use locks at all.
      if (error.name !== "AbortError") {
        this.#release = () => {};
        this.#told.lead();
        return;
      }
    }
    if (queue.signal.aborted) return;
    this.#giveBack();
    if (!this.#channel) return;
    this.#told.follow();
    this.#request({});
  }

  #giveBack() {
    this.#release?.();
    this.#release = null;
  }
}
