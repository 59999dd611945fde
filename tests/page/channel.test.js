// Who hears when: by phases, and not by who came first.
import assert from "node:assert/strict";
import test from "node:test";
import { channel } from "./js/lib/channel.js";

test("listeners hear everything, in the order in which they came", () => {
  const [on, tell] = channel();
  const heard = [];
  on((...news) => heard.push(["one", ...news]));
  on((...news) => heard.push(["two", ...news]));
  tell(1, 2);
  assert.deepEqual(heard, [["one", 1, 2], ["two", 1, 2]]);
});

test("phases come in their order, whoever listens first", () => {
  const [on, tell] = channel("write", "place");
  const heard = [];
  on(() => heard.push("place"), "place");
  on(() => heard.push("write"), "write");
  on(() => heard.push("place again"), "place");
  tell();
  assert.deepEqual(heard, ["write", "place", "place again"]);
});

test("a listener of no phase, or of one that there is not, is refused", () => {
  assert.throws(() => channel("write")[0](() => {}));
  assert.throws(() => channel("write")[0](() => {}, "wrote"));
  assert.throws(() => channel()[0](() => {}, "write"));
});
