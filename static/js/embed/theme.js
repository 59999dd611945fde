// Light or dark, as the page around says, or in its own colours where those can be read.
import { onHost } from "./host.js";

const CONTRAST = 4.5; // https://www.w3.org/TR/WCAG22/#contrast-minimum
const OF_BORDERS = 3; // https://www.w3.org/TR/WCAG22/#non-text-contrast
const MEDIA = { light: "not all", dark: "all" };
const READER = "(prefers-color-scheme: dark)";

// How much of the text's colour there is in each, the rest being the background's.
const MIXED = { page: 0, surface: 0, raised: 0.04, hover: 0.05, line: 0.14, text: 1 };
const SIGNALS = ["accent", "danger", "live", "wait"];
const OWN = [...Object.keys(MIXED), ...SIGNALS, "muted", "line-strong", "on-accent", "author-text"];
const HUES = [5, 28, 48, 85, 140, 170, 195, 215, 240, 270, 300, 335]; // of authors, as in colours.css

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

// Whether it can be read wherever text stands: of the surfaces, the one most like the text is the worst.
const isReadable = (colour, text, background, least = CONTRAST) => contrast(colour, mix(text, background, MIXED.hover)) >= least;

// The text's colour with as much of the background's as leaves a contrast, at most all but `share`.
function faded(text, background, share, least) {
  while (share < 1 && !isReadable(mix(text, background, share), text, background, least)) share += 0.05;
  return mix(text, background, Math.min(share, 1));
}

// Takes over the two colours. Of the others, those that cannot be read on them give way to that of the text.
function wear(text, background) {
  const put = (name, [red, green, blue]) => root.style.setProperty(`--${name}`, `rgb(${red} ${green} ${blue})`);
  const fits = (colour) => colour !== null && isReadable(colour, text, background);
  const current = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  for (const [name, share] of Object.entries(MIXED)) put(name, mix(text, background, share));
  put("muted", faded(text, background, 0.65, CONTRAST));
  put("line-strong", faded(text, background, 0.3, OF_BORDERS));
  for (const name of SIGNALS) {
    if (fits(parse(current(name)))) continue;
    put(name, text);
    if (name === "accent") put("on-accent", background);
  }
  root.style.setProperty("--author-text", authorText(current("author-text"), luminance(text) > luminance(background), fits));
}

// Saturation and lightness for the names of authors: those they have, moved as far towards white or black as needed.
function authorText(usual, lighter, fits) {
  const [saturation, lightness] = usual.split(" ").map(parseFloat);
  const step = lighter ? 4 : -4;
  for (let light = lightness; light > 0 && light < 100; light += step) {
    if (HUES.every((hue) => fits(parse(`hsl(${hue} ${saturation}% ${light}%)`)))) return `${saturation}% ${light}%`;
  }
  return lighter ? "0% 100%" : "0% 0%";
}

function setTheme(theme, colours) {
  for (const name of OWN) root.style.removeProperty(`--${name}`);
  const text = parse(colours?.text);
  const background = parse(colours?.background);
  const shade = theme === "host" && background ? (luminance(background) < 0.18 ? "dark" : "light") : theme;
  root.dataset.theme = theme;
  dark.media = MEDIA[shade] ?? READER;
  if (theme === "host" && text && background && isReadable(text, text, background)) wear(text, background);
}

onHost("theme", ({ theme, colours }) => {
  if (["auto", "light", "dark", "host"].includes(theme)) setTheme(theme, colours);
});
