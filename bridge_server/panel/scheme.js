/** Dark or light: dark, as studios are, until light is chosen; the browser remembers it. */

const KEPT = "takebridge.scheme";
/** Sent to the window when the colours have changed: what is drawn on canvases must be drawn again. */
export const CHANGED = "schemechange";

export function scheme() {
  return document.documentElement.dataset.scheme;
}

export function applyScheme(name = localStorage.getItem(KEPT)) {
  document.documentElement.dataset.scheme = name === "light" ? "light" : "dark";
  window.dispatchEvent(new Event(CHANGED));
}

export function switchScheme() {
  const other = scheme() === "light" ? "dark" : "light";
  localStorage.setItem(KEPT, other);
  applyScheme(other);
}
