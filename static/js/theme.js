// Light or dark, as the page around says, or in its own colours where those can be read.
import { onHost } from "./host.js";

const CONTRAST = 4.5; // https://www.w3.org/TR/WCAG22/#contrast-minimum
const MEDIA = { light: "not all", dark: "all" };
const DARKEST = 0.1;
const LIGHTEST = 0.6;
const READER = "(prefers-color-scheme: dark)";

// How much of the text's colour there is in each, the rest being the background's.
const MIXED = { page: 0, surface: 0, raised: 0.04, hover: 0.05, line: 0.14, "line-strong": 0.3, text: 1 };
const OWN = [...Object.keys(MIXED), "muted", "accent", "on-accent"];

const root = document.documentElement;
const dark = document.getElementById("dark");
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
const context = canvas.getContext("2d", { willReadFrequently: true });

// Any colour of CSS as [red, green, blue], each from 0 to 255; null for anything else, and for what one sees through.
function parse(colour) {
  if (typeof colour !== "string" || !CSS.supports("color", colour)) return null;
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? [red, green, blue] : null;
}

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const mix = (text, background, share) => text.map((part, index) => Math.round(share * part + (1 - share) * background[index]));

// Whether names and warnings, which keep the colours of the light or the dark, can be read on it: on middling ones not.
const suits = (background) => luminance(background) < DARKEST || luminance(background) > LIGHTEST;

function wear(text, background) {
  const put = (name, [red, green, blue]) => root.style.setProperty(`--${name}`, `rgb(${red} ${green} ${blue})`);
  for (const [name, share] of Object.entries(MIXED)) put(name, mix(text, background, share));
  let share = 0.65;
  while (share < 1 && contrast(mix(text, background, share), background) < CONTRAST) share += 0.05;
  put("muted", mix(text, background, Math.min(share, 1)));
  const accent = parse(getComputedStyle(root).getPropertyValue("--accent"));
  if (accent && contrast(accent, background) >= CONTRAST) return;
  put("accent", text);
  put("on-accent", background);
}

function setTheme(theme, colours) {
  for (const name of OWN) root.style.removeProperty(`--${name}`);
  const text = parse(colours?.text);
  const background = parse(colours?.background);
  const shade = theme === "host" && background ? (luminance(background) < 0.18 ? "dark" : "light") : theme;
  root.dataset.theme = theme;
  dark.media = MEDIA[shade] ?? READER;
  if (theme === "host" && text && background && contrast(text, background) >= CONTRAST && suits(background)) wear(text, background);
}

onHost("theme", ({ theme, colours }) => {
  if (["auto", "light", "dark", "host"].includes(theme)) setTheme(theme, colours);
});
