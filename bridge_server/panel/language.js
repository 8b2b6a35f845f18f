/**
 * The language of the page. The panel's modules say everything in English; what they put on the page is translated here,
 * before it is painted, whichever module it came from. A producer's own words are left alone: they stand in elements
 * with `dir="auto"` or `translate="no"`.
 *
 * The server decides the language from the browser's, its own `--language`, or the address (`?language=ko`), and says so
 * in the page's `lang`.
 */

import { Catalogue } from "./catalogue.js";
import { partsOf, SENTENCE } from "./unbroken.js";

export const language = document.documentElement.lang;

const ATTRIBUTES = ["title", "aria-label", "aria-valuetext", "aria-description", "placeholder", "alt"];
const OWN_WORDS = '[dir="auto"], [translate="no"], kbd, code, textarea, .own-words';
const OBSERVED = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES };

/** What was put into a text or an attribute, and what it has become, and sentences of several parts: none is translated again. */
const texts = new WeakMap();
const attributes = new WeakMap();
const sentences = new WeakSet();

let catalogue = null;

/** A text for what is no element: a notification of the system. */
export const translated = (text) => catalogue?.translate(text) ?? text;

/** The English a text of the page was made from. */
export function englishOf(element) {
  if (!catalogue) return element.textContent;
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let english = "";
  while (walker.nextNode()) english += texts.get(walker.currentNode)?.english ?? walker.currentNode.data;
  return english;
}

function sayText(node) {
  const known = texts.get(node);
  if (known?.shown === node.data || !/[A-Za-z]/.test(node.data) || node.parentElement?.closest(OWN_WORDS)) return;
  const shown = catalogue.translate(node.data);
  texts.set(node, { english: node.data, shown });
  if (shown !== node.data) node.data = shown;
}

/** A sentence of several parts is looked up as a whole, and divided anew where its translation has its options. */
function saySentence(element) {
  if (sentences.has(element) || element.closest(OWN_WORDS)) return;
  sentences.add(element);
  let english = element.textContent;
  element.replaceChildren(...partsOf(catalogue.translate(english)));
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    texts.set(walker.currentNode, { english, shown: walker.currentNode.data });
    english = ""; // all of it is the first part's
  }
}

function sayAttribute(element, name) {
  const given = element.getAttribute(name);
  const known = attributes.get(element) ?? new Map();
  if (!given || known.get(name) === given) return;
  const shown = catalogue.translate(given);
  attributes.set(element, known.set(name, shown));
  if (shown !== given) element.setAttribute(name, shown);
}

function sayAll(root) {
  if (root.nodeType === Node.TEXT_NODE) return sayText(root);
  if (root.nodeType !== Node.ELEMENT_NODE) return undefined;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = root; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      sayText(node);
      continue;
    }
    if (node.classList.contains(SENTENCE)) saySentence(node);
    for (const name of ATTRIBUTES) if (node.hasAttribute(name)) sayAttribute(node, name);
  }
  return undefined;
}

function changed(records) {
  for (const { type, target, attributeName, addedNodes } of records) {
    if (type === "attributes") sayAttribute(target, attributeName);
    else if (type === "characterData") sayText(target);
    else addedNodes.forEach(sayAll);
  }
}

if (language !== "en") {
  try {
    const { vocabulary, system, sentences, panel } = await (await fetch(`panel/languages/${language}.json`)).json();
    catalogue = new Catalogue({ ...vocabulary, ...system, ...sentences, ...panel });
    sayAll(document.documentElement);
    new MutationObserver(changed).observe(document.documentElement, OBSERVED);
  } catch {
    document.documentElement.lang = "en"; // without the table the page is in English
  }
}
