// Timers by name: one that is set again begins anew.
export class Timers {
  #running = {};

  set(name, delay, action) {
    this.clear(name);
    this.#running[name] = setTimeout(action, delay);
  }

  clear(...names) {
    for (const name of names) clearTimeout(this.#running[name]);
  }

  clearAll() {
    this.clear(...Object.keys(this.#running));
  }
}
