// Rooms of a chat on another site's page: `<quart-chat room="lobby">`, in place or, with `bubble`, behind a button. A
// script tag with `data-room` makes the element itself. A strict Content-Security-Policy of that page has to name this
// script's origin in script-src and frame-src, and nothing else.
(() => {
  // Modules, and scripts in a shadow tree, are not told which tag they are from. Where they come from is in a trace.
  const script = document.currentScript;
  const SOURCE = script?.src || /https?:[^\s@()]+?\/embed\.js/.exec(new Error().stack)?.[0];
  if (!SOURCE) {
    console.error("quart-chat: this script must come from the chat itself, by the address of its embed.js");
    return;
  }
  const CHAT = new URL(SOURCE).origin;
  const TAG = "quart-chat";
  const SWITCHES = ["compact", "readonly"];
  const FOR_IFRAME = ["theme", "accent", "locale", ...SWITCHES];
  const ATTRIBUTES = ["room", ...FOR_IFRAME, "bubble", "height", "label"];
  const EVENTS = ["message", "unread", "resize", "error"]; // of the iframe, for the page
  const ACCENT = "2b6390";
  const HEIGHT = 480; // pixels
  const PATIENCE = 10000; // milliseconds until a loaded iframe speaks
  const HOLDING = 3; // iframes of a page that may keep a connection open: browsers have six for each server

  const shared = new CSSStyleSheet();
  shared.replaceSync(`
    :host { display: block }
    :host([bubble]) { display: contents }
    :host([hidden]) { display: none }
    #panel, iframe { display: block; width: 100%; height: 100%; border: 0; caret-color: Canvas }
    p { margin: 0; padding: 16px; font: 16px/1.5 system-ui, sans-serif }
    p a { color: inherit }
    p:not([hidden]) ~ iframe { display: none }
    button, .bubble {
      position: fixed; inset-inline-end: 20px; inset-block-end: 20px; z-index: 2147483000; box-sizing: border-box;
      box-shadow: 0 8px 28px #0005
    }
    button {
      width: 56px; height: 56px; padding: 16px; border: 0; border-radius: 28px; color: var(--on-accent);
      background: var(--accent); cursor: pointer; transition: transform .15s
    }
    button:hover { transform: scale(1.06) }
    button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px }
    i {
      display: block; width: 24px; height: 24px; background: currentColor; transform: scale(1.15);
      forced-color-adjust: none;
      clip-path: path("M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z")
    }
    #bar { display: none }
    [aria-expanded=true] i, #bar i { clip-path: path("M6 4.5l6 6 6-6L19.5 6l-6 6 6 6-1.5 1.5-6-6-6 6L4.5 18l6-6-6-6z") }
    #badge {
      position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 10px; padding: 0 6px;
      border-radius: 11px; font: 600 12px/22px system-ui, sans-serif; color: #fff; background: #c5221f
    }
    #badge:empty { display: none }
    #panel.bubble {
      inset-block-end: 88px; width: 384px; height: min(620px, 100dvh - 108px); border: 1px solid #8886;
      border-radius: 16px; overflow: hidden; color: CanvasText; background: Canvas; transition: .15s, visibility 0s
    }
    #panel.closed { visibility: hidden; opacity: 0; transform: translateY(12px); transition-delay: 0s, .15s }
    @media (max-width: 480px), (max-height: 480px) {
      #panel.bubble {
        display: flex; flex-direction: column; inset: var(--top, 0) 0 auto; width: auto; height: var(--height, 100dvh);
        padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
        border: 0; border-radius: 0; color: var(--on-accent); background: var(--accent)
      }
      #bar { display: flex; flex: none; align-items: center; padding-inline-start: 16px; font: 600 16px/44px system-ui, sans-serif }
      #bar b { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
      #bar button { position: static; width: 44px; height: 44px; padding: 10px; box-shadow: none; transform: none }
      #bar button:focus-visible { outline: 2px solid; outline-offset: -4px }
      #panel.bubble > iframe { flex: 1; min-height: 0 }
      #panel.bubble > p { color: CanvasText; background: Canvas }
      [aria-expanded=true] { visibility: hidden }
    }
    @media (prefers-reduced-motion: reduce) { * { transition: none !important } }
  `);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const loaded = new Set(); // elements that have an iframe, the oldest first

  function make(tag, properties, attributes = {}) {
    const element = Object.assign(document.createElement(tag), properties);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    return element;
  }

  function whenIdle(task) {
    const wait = () => (window.requestIdleCallback ?? setTimeout)(task);
    if (document.readyState === "complete") wait();
    else addEventListener("load", wait);
  }

  // Black or white, whichever is easier to read on the colour.
  function readableOn(colour) {
    const [red, green, blue] = colour.match(/../g).map((part) => (parseInt(part, 16) / 255) ** 2.2);
    return 0.21 * red + 0.72 * green + 0.07 * blue > 0.18 ? "#000" : "#fff";
  }

  // What one sees behind the element; `iframe` knows the browser's own colour.
  function backgroundOf(element, iframe) {
    for (let each = element; each; each = each.parentElement ?? each.getRootNode().host) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/^rgba.*, 0\)$|\/ 0\)$/.test(colour)) return colour;
    }
    return getComputedStyle(iframe).caretColor;
  }

  class QuartChat extends HTMLElement {
    static observedAttributes = ATTRIBUTES;
    static chat = CHAT;
    static placed = new Map(); // what script tags ask for -> the element
    static isUsed = false;

    #root = this.attachShadow({ mode: "open" });
    #own = new CSSStyleSheet(); // what its attributes say
    #panel;
    #trouble;
    #iframe;
    #button;
    #title;
    #badge;
    #life; // aborted when this is taken apart
    #isPlaced = false;
    #isReady = false; // whether the iframe has spoken
    #unread = 0;
    #token = null; // or a function that gets one

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [shared, this.#own];
    }

    connectedCallback() {
      QuartChat.isUsed = this.#isPlaced = true;
      this.#build();
      whenIdle(() => { if (this.#isPlaced && !this.#room) console.warn(`quart-chat: add room="…"`, this); });
    }

    disconnectedCallback() {
      this.#isPlaced = false;
      this.#clear();
    }

    connectedMoveCallback() {} // what `moveBefore` moves stays as it is

    attributeChangedCallback(name, before, now) {
      if (!this.#isPlaced) return;
      if (name === "theme") this.#sendTheme(); // "host" again: its colours may have changed
      else if (name === "locale") this.#sendLocale();
      else if (name === "height" || name === "label") this.#dress();
      else if (before !== now) {
        this.#clear();
        this.#build();
      }
    }

    // A token of the site's server, null for nobody, or a function that returns or promises one: it is called again
    // whenever the iframe needs a newer one.
    identify(token = null) {
      this.#token = token;
      this.#sendToken();
    }

    setTheme(theme) { this.setAttribute("theme", theme); }
    setLocale(locale) { this.setAttribute("locale", locale); }
    open() { this.#setOpen(true); }
    close() { this.#setOpen(false); }

    get #room() { return this.getAttribute("room"); }
    get #label() { return this.getAttribute("label") ?? `Chat: ${this.#room}`; }
    get #accent() { return /^#?([\da-f]{6})$/i.exec(this.getAttribute("accent"))?.[1] ?? ACCENT; }
    get #isOpen() { return !this.#panel.matches(".closed"); }

    #build() {
      if (!this.#room) return;
      const { signal } = this.#life = new AbortController();
      addEventListener("message", (event) => this.#hear(event), { signal });
      document.addEventListener("securitypolicyviolation", (event) => this.#onViolation(event), { signal });
      dark.addEventListener("change", () => this.#sendTheme(), { signal });
      for (const type of ["pointerdown", "pointercancel", "click"]) {
        addEventListener(type, (event) => this.#onPress(event), { signal });
      }
      this.#trouble = make("p", { hidden: true }, { role: "alert" });
      this.#panel = make("div", { id: "panel" });
      this.#panel.append(this.#trouble);
      this.#root.append(this.#panel);
      if (this.hasAttribute("bubble")) this.#buildButton(signal);
      this.#dress();
      if (this.#button) whenIdle(() => this.#load(signal)); // closed, it counts what is unread
      else this.#load(signal);
    }

    #buildButton(signal) {
      this.#panel.className = "bubble closed";
      this.#buildBar(signal);
      this.#badge = make("span", { id: "badge" });
      this.#button = make("button", { type: "button" }, { "aria-controls": "panel" });
      this.#button.append(make("i"), this.#badge);
      this.#button.addEventListener("click", () => this.#setOpen(!this.#isOpen));
      document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.defaultPrevented && event.keyCode !== 229) this.close();
      }, { signal });
      this.#root.prepend(this.#button);
    }

    // On a phone the room covers the page. As much of it as the keyboard leaves is what there is to see.
    #buildBar(signal) {
      const bar = make("div", { id: "bar" });
      const close = make("button", { type: "button" }, { "aria-label": "Close" });
      this.#title = make("b");
      close.append(make("i"));
      close.addEventListener("click", () => this.close());
      bar.append(this.#title, close);
      this.#panel.prepend(bar);
      const view = window.visualViewport;
      const fit = () => {
        this.#panel.style.setProperty("--top", `${view.offsetTop}px`);
        this.#panel.style.setProperty("--height", `${view.height}px`);
      };
      for (const type of ["resize", "scroll"]) view?.addEventListener(type, fit, { signal });
    }

    #clear() {
      this.#life?.abort();
      this.#root.replaceChildren();
      this.#life = this.#iframe = this.#button = null;
      this.#isReady = false;
      this.#unread = 0;
      loaded.delete(this);
    }

    #load(signal) {
      if (this.#iframe || signal.aborted) return;
      const options = new URLSearchParams();
      for (const name of FOR_IFRAME) {
        const value = this.getAttribute(name);
        if (SWITCHES.includes(name)) options.set(name, value === null || /^(0|false)$/.test(value) ? 0 : 1);
        else if (value) options.set(name, name === "accent" ? this.#accent : value);
      }
      this.#iframe = make("iframe", { title: this.#label }, {
        allow: "",
        loading: this.#button ? "eager" : "lazy",
        referrerpolicy: "origin",
        sandbox: "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
        src: `${CHAT}/embed/${encodeURIComponent(this.#room)}?${options}`,
      });
      this.#iframe.addEventListener("load", () => setTimeout(() => this.#onSilence(signal), PATIENCE));
      this.#panel.append(this.#iframe);
      loaded.add(this);
    }

    // What follows attributes, and what is unread.
    #dress() {
      if (!this.#life) return;
      const accent = this.#accent;
      const height = parseInt(this.getAttribute("height"), 10) || HEIGHT;
      this.#own.replaceSync(`:host { height: ${height}px; --accent: #${accent}; --on-accent: ${readableOn(accent)} }`);
      if (this.#iframe) this.#iframe.title = this.#label;
      if (!this.#button) return;
      this.#title.textContent = this.#label;
      this.#button.setAttribute("aria-label", this.#unread ? `${this.#label}, ${this.#unread} unread` : this.#label);
      this.#button.setAttribute("aria-expanded", this.#isOpen);
      this.#badge.textContent = this.#unread > 99 ? "99+" : this.#unread || "";
    }

    #setOpen(open) {
      if (!this.#button || open === this.#isOpen) return;
      this.#load(this.#life.signal);
      this.#panel.classList.toggle("closed", !open);
      this.#dress();
      if (open) this.#iframe.focus();
      else if (this.getRootNode().activeElement === this) this.#button.focus();
      this.#say("visible", { visible: open });
    }

    #hear({ origin, source, data }) {
      if (origin !== CHAT || source !== this.#iframe?.contentWindow || data?.quartChat !== 1) return;
      const { quartChat, type, ...detail } = data;
      if (type === "ready") this.#welcome(detail);
      else if (type === "refresh") this.#sendToken();
      else if (type === "escape") this.close();
      else if (EVENTS.includes(type)) {
        if (type === "unread") this.#unread = Number(detail.count);
        this.#dress();
        this.#tell(type, detail);
      }
    }

    // An iframe that was loaded anew knows nothing any more.
    #welcome(detail) {
      this.#isReady = true;
      this.#unread = 0;
      this.#trouble.hidden = true;
      this.#dress();
      if (this.#root.activeElement === this.#iframe) {
        this.#iframe.blur(); // an empty page had the focus
        this.#iframe.focus();
      }
      this.#say("welcome", { held: [...loaded].indexOf(this) < HOLDING, visible: this.#isOpen });
      if (this.hasAttribute("theme")) this.#sendTheme();
      if (this.hasAttribute("locale")) this.#sendLocale();
      if (this.#token !== null) this.#sendToken();
      this.#tell("ready", detail);
    }

    #say(type, words) {
      if (this.#isReady) this.#iframe.contentWindow.postMessage({ quartChat: 1, type, ...words }, CHAT);
    }

    #tell(type, detail) {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }

    // Firefox keeps no page for the way back in which an iframe holds a connection. So the iframe hears that a link is
    // pressed, and whether the page stays all the same.
    #onPress(event) {
      const { type, button, ctrlKey, metaKey, shiftKey } = event;
      const isPlain = !(button || ctrlKey || metaKey || shiftKey);
      const leads = (each) => each.matches?.("a[href]:not([target], [download], [href^='#'])");
      if (type === "pointercancel" || event.defaultPrevented) this.#say("stay");
      else if (type === "pointerdown" && isPlain && event.composedPath().some(leads)) this.#say("leave");
    }

    async #sendToken() {
      if (!this.#isReady) return;
      const asked = this.#token;
      try {
        const token = typeof asked === "function" ? await asked() : asked;
        if (asked === this.#token) this.#say("identify", { token });
      } catch (error) {
        this.#tell("error", { code: "no-token", message: `The page has no token: ${error}` });
      }
    }

    #sendTheme() {
      if (!this.#isReady) return;
      const theme = this.getAttribute("theme") ?? "auto";
      const text = getComputedStyle(this).color;
      const colours = { text, background: backgroundOf(this, this.#iframe) };
      this.#say("theme", theme === "host" ? { theme, colours } : { theme });
    }

    #sendLocale() { this.#say("locale", { locale: this.getAttribute("locale") }); }

    #onViolation({ blockedURI, disposition, effectiveDirective }) {
      if (disposition === "report" || !/^(frame|child)-src/.test(effectiveDirective)) return;
      if (!`${blockedURI}/`.startsWith(`${CHAT}/`)) return;
      const message = `add "frame-src ${CHAT}" to this page's Content-Security-Policy`;
      console.error(`quart-chat: ${message}`);
      this.#fail("csp", message);
    }

    #onSilence(signal) {
      if (this.#isReady || signal.aborted || !this.#trouble.hidden) return;
      const { src } = this.#iframe;
      const message = `no answer from ${src}: the room's owner must allow this page's origin, ${location.origin}`;
      console.warn(`quart-chat: ${message}`);
      this.#fail("not-ready", message);
    }

    #fail(code, message) {
      this.#trouble.replaceChildren("The chat cannot be shown here. ", make("a", {
        href: `${CHAT}/rooms/${encodeURIComponent(this.#room)}`,
        rel: "noopener",
        target: "_blank",
        textContent: "Open it in a new tab",
      }));
      this.#trouble.hidden = false;
      this.#tell("error", { code, message });
    }
  }

  const first = customElements.get(TAG) ?? QuartChat;
  if (first === QuartChat) customElements.define(TAG, QuartChat);
  else if (first.chat !== CHAT) {
    console.warn(`quart-chat: the script of ${first.chat} was first: ${CHAT} cannot be on this page as well`);
    return;
  }

  // A tag that says the same as another one is the same script loaded twice; one that is run again has new elements.
  function place(tag) {
    const wanted = JSON.stringify(tag.dataset);
    if (!tag.dataset.room || tag.closest(TAG) || first.placed.get(wanted)?.isConnected) return;
    const element = make(TAG);
    for (const name of ATTRIBUTES) if (name in tag.dataset) element.setAttribute(name, tag.dataset[name]);
    first.placed.set(wanted, element);
    if (tag.closest("head")) document.body.append(element);
    else if (!tag.nextElementSibling?.matches(TAG)) tag.after(element); // a page that was kept with its element
  }

  function start() {
    const isOurs = ({ src, type }) => type === "module" && src.replace(/[?#].*/, "") === SOURCE;
    for (const tag of script ? [script] : [...document.scripts].filter(isOurs)) place(tag);
  }

  if (script ? document.body : document.readyState !== "loading") start();
  else addEventListener("DOMContentLoaded", start);
  whenIdle(() => {
    if (!first.isUsed) console.info(`quart-chat: nothing to show: add data-room="…" to the script, or <${TAG} room="…">`);
  });
})();
