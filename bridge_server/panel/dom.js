/** Elements from code. Text always goes in as text: a title can never become markup. */

import { englishOf } from "./language.js";
import { unbroken } from "./unbroken.js";

const SVG = "http://www.w3.org/2000/svg";

/** Puts the icons into the page, once: used from another file they would be fetched again at each change. */
export async function loadIcons() {
  const text = await (await fetch("panel/icons.svg")).text();
  const sprite = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  sprite.setAttribute("class", "visually-hidden");
  sprite.setAttribute("aria-hidden", "true");
  document.body.append(sprite);
}

/** An element with properties, attributes (`aria-...`, `data-...`, `role`, `for`) and children (nodes or text). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === "string" ? unbroken(child) : child)));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button with an icon, a text, or both. */
export function button(label, { picture, text, ...properties } = {}) {
  const shown = text ?? (picture ? "" : label);
  const named = shown === label ? {} : { "aria-label": label, title: properties.title ?? label };
  const { title, ...rest } = properties;
  return make(
    "button",
    { type: "button", ...named, ...(title ? { title } : {}), ...rest },
    picture ? icon(picture) : null,
    shown ? make("span", {}, shown) : null,
  );
}

export const byId = (id) => document.getElementById(id);

/** Sets text only where it changed: a live region is read out again at every change. */
export function setText(element, text) {
  if (englishOf(element) !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Whether keys that are typed belong to this element. */
export function isField(element) {
  return (
    element instanceof HTMLElement &&
    (element.isContentEditable ||
      element.tagName === "TEXTAREA" ||
      element.tagName === "SELECT" ||
      (element.tagName === "INPUT" && !["checkbox", "radio", "button", "range", "file"].includes(element.type)))
  );
}

/** A button that carries out work(lasting), and cancels it once it has taken so long that lasting(cancel) is called. */
export function cancellable(element, words, work) {
  const label = element.querySelector("span");
  const [text, name] = [label.textContent, element.getAttribute("aria-label")];
  let cancel = null;
  const shown = (now, called) => {
    setText(label, now);
    if (name) element.setAttribute("aria-label", called);
    element.disabled = false;
  };
  element.addEventListener("click", async () => {
    element.disabled = true;
    if (cancel) {
      cancel();
      return;
    }
    await work((stop) => {
      cancel = stop;
      shown(words, words);
    });
    cancel = null;
    shown(text, name);
  });
  return element;
}
