// Copies several messages as lines that can be read: who, when, what. What is selected within one is copied as it is.
import { list } from "./messages.js";

const conversation = list.parentElement; // with what waits to be sent

// What of an element is selected; null where nothing is.
function selectedPart(selection, element) {
  for (let index = 0; index < selection.rangeCount; index += 1) {
    const range = selection.getRangeAt(index);
    if (!range.intersectsNode(element)) continue;
    const part = document.createRange();
    part.selectNodeContents(element);
    if (range.compareBoundaryPoints(Range.START_TO_START, part) > 0) part.setStart(range.startContainer, range.startOffset);
    if (range.compareBoundaryPoints(Range.END_TO_END, part) < 0) part.setEnd(range.endContainer, range.endOffset);
    if (part.toString().trim()) return part;
  }
  return null;
}

const said = (message, name) => message.querySelector(name)?.textContent ?? "";

function paragraph(...parts) {
  const element = document.createElement("p");
  element.style.whiteSpace = "pre-wrap";
  element.append(...parts);
  return element;
}

// Its content with its line breaks as elements: not everything that it is pasted into keeps others.
function contentOf(part) {
  const content = part.cloneContents();
  const walker = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    text.replaceWith(...text.data.split("\n").flatMap((line, index) => (index ? [document.createElement("br"), line] : [line])));
  }
  return content;
}

function bold(text) {
  const element = document.createElement("b");
  element.append(text);
  return element;
}

// As text and as HTML.
function lineOf(message, part) {
  const author = said(message, ".message-author");
  const tag = said(message, ".message-tag");
  const rest = `${tag && ` (${tag})`} ${said(message, "time")}: `;
  if (!author) return [part.toString(), paragraph(contentOf(part))]; // it is not sent yet
  return [author + rest + part.toString(), paragraph(bold(author), rest, contentOf(part))];
}

function copyLines(event) {
  const selection = getSelection();
  if (event.target.closest?.("input, textarea") || selection.isCollapsed) return;
  const lines = [];
  let messages = 0;
  for (const element of conversation.querySelectorAll(".day, .message")) {
    const isDay = element.matches(".day");
    const part = selectedPart(selection, isDay ? element : element.querySelector(".message-text"));
    if (!part) continue;
    if (isDay) lines.push([`\n${element.textContent}`, paragraph(bold(element.textContent))]);
    else lines.push(lineOf(element, part));
    messages += !isDay;
  }
  if (messages < 2) return;
  event.preventDefault();
  event.clipboardData.setData("text/plain", lines.map(([text]) => text).join("\n").trim());
  const holder = document.createElement("div");
  holder.append(...lines.map(([, element]) => element));
  event.clipboardData.setData("text/html", holder.innerHTML);
}

document.addEventListener("copy", copyLines);
