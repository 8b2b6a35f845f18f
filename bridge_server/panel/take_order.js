/** Which takes are listed, in which order, and what they are called. Pure: values in, values out. */

import { quoted } from "./words.js";

export const MAX_STARS = 5;

/** [name, as shown] of each order. */
export const ORDERS = [
  ["newest", "newest first"],
  ["stars", "most stars first"],
  ["likeness", "most like the original first"],
  ["match", "best at following its prompt first"],
  ["name", "by name"],
];

/** Hidden takes are out of sight unless they are in the song: what is heard can be found. */
export const outOfSight = (take) => Boolean(take.hidden) && !take.chosen;

/**
 * The takes in one of the orders; takes that are equal in it stay as they come, newest first. matches: by a take's id, how
 * well it follows its prompt, as far as that was asked.
 */
export function inOrder(takes, order, matches = {}) {
  const match = (take) => matches[take.take] ?? -Infinity;
  const likeness = (take) => take.receipt?.correlation ?? -Infinity; // takes without an original come last
  const compare = {
    stars: (a, b) => (b.stars ?? 0) - (a.stars ?? 0),
    likeness: (a, b) => likeness(b) - likeness(a) || 0, // Infinity - Infinity is no number
    match: (a, b) => match(b) - match(a) || 0,
    name: (a, b) => !a.name - !b.name || (a.name ?? "").localeCompare(b.name ?? "", undefined, { numeric: true }),
  }[order];
  return compare ? [...takes].sort(compare) : takes;
}

/** "Chorus, brighter", else "take 2" or "take 2, vocals": inside a sentence. */
export function nameOf(take) {
  if (take.name) return quoted(take.name);
  return take.stem === "mix" ? `take ${take.number}` : `take ${take.number}, ${take.stem}`;
}

export const starsShown = (take) => "★".repeat(take.stars ?? 0);

export const starsSpoken = (count) => (count === 1 ? "1 star" : `${count || "no"} stars`);
