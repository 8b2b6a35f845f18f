/** What sets a take apart from the others of its region: only what differs. Pure: values in, text out. */

import { decibels, taskName } from "./words.js";

const LIKENESS = 0.02; // smaller differences are no reason to choose a take
const LOUDNESS = 0.5; // LU
const MOST_WORDS = 4;

/** The other takes of the same region and stem. */
export function siblingsOf(take, takes) {
  return takes.filter((other) => other !== take && other.take !== take.take && other.position === take.position && other.length === take.length && other.stem === take.stem && other.song === take.song);
}

/** Short phrases, the most telling first; empty where nothing differs or there is nothing to compare with. */
export function differences(take, siblings) {
  if (!siblings.length) return [];
  const differs = (value) => siblings.some((other) => value(other) !== value(take));
  const found = [];
  if (differs((one) => one.engine ?? "")) found.push(take.engine || "default engine");
  if (differs((one) => one.task)) found.push(taskName(take.task));
  found.push(...promptDifference(take, siblings));
  if (typeof take.strength === "number" && differs((one) => one.strength)) found.push(`strength ${Math.round(take.strength * 100)} %`);
  const likeness = (one) => one.receipt?.correlation;
  if (spread([take, ...siblings].map(likeness)) >= LIKENESS && isNumber(likeness(take))) found.push(`likeness ${likeness(take).toFixed(2)}`);
  const louder = loudnessDifference(take, siblings);
  if (Math.abs(louder) >= LOUDNESS) found.push(`${decibels(louder)} ${louder > 0 ? "louder" : "quieter"}`.replace(/^[+−]/, ""));
  if (isSet(take.seed) && differs((one) => String(one.seed))) found.push(`seed ${take.seed}`);
  return found;
}

/** Words of the prompt that not every other take has, or those that it lacks. */
function promptDifference(take, siblings) {
  const own = wordsOf(take.prompt);
  const others = siblings.map((other) => new Set(wordsOf(other.prompt)));
  const common = (word) => others.every((words) => words.has(word));
  const extra = own.filter((word) => !common(word));
  if (extra.length) return [`“${shortened(extra)}”`];
  const lacking = [...(others[0] ?? [])].filter((word) => common(word) && !own.includes(word));
  if (!lacking.length) return [];
  return [own.length ? `without “${shortened(lacking)}”` : "no prompt"];
}

const wordsOf = (prompt) => [...new Set((prompt ?? "").toLowerCase().split(/[\s,.;:!?]+/u).filter(Boolean))];

const shortened = (words) => words.slice(0, MOST_WORDS).join(" ") + (words.length > MOST_WORDS ? " …" : "");

/** How much louder a take is than the middle of the others, in dB; 0 where that is not known. */
function loudnessDifference(take, siblings) {
  const own = take.receipt?.loudness_lufs;
  const others = siblings.map((other) => other.receipt?.loudness_lufs).filter(isNumber).sort((a, b) => a - b);
  if (!isNumber(own) || !others.length) return 0;
  const middle = (others[Math.floor((others.length - 1) / 2)] + others[Math.ceil((others.length - 1) / 2)]) / 2;
  return own - middle;
}

function spread(values) {
  const numbers = values.filter(isNumber);
  return numbers.length < 2 ? 0 : Math.max(...numbers) - Math.min(...numbers);
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isSet = (value) => value !== undefined && value !== null;
