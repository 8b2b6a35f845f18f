/** What a render hears: the song as it stands, with what is accepted elsewhere in it, or the original. */

import { make } from "./dom.js";
import { quoted } from "./words.js";

/** Tasks whose takes take the song's place, and those whose takes play along with it. */
const REPLACING = ["repaint", "complete", "cover"];
const BACKING = ["accompany", "lego"];

export function hearsField() {
  const choice = make("select", { id: "f-hears", name: "hears" },
    make("option", { value: "accepted" }, "the song as it stands"),
    make("option", { value: "original" }, "the original"));
  choice.title = "The song as it stands has what you accepted elsewhere: the new take fits it at its edges.";
  return make("div", { class: "hears", "data-field": "hears" }, make("label", { class: "label", for: choice.id }, "Hears"), choice);
}

/**
 * Whether the two differ for a task in a region: something is accepted that the new takes would not take the place of.
 * accepted: rows of what it is in the song, its first sample and the first after it, counted from the song's `first`.
 */
export function hearsMore(task, accepted, region, first) {
  if (BACKING.includes(task)) return accepted.length > 0;
  if (!REPLACING.includes(task)) return false;
  const inside = (start, end) => Boolean(region) && start + first >= region.start && end + first <= region.end;
  return accepted.some(([kind, start, end]) => kind === "stem" || (kind === "song" && !inside(start, end)));
}

/** What a take was made for, in a sentence; "" where that was the original. takes: where names are found. */
export function madeFor(take, takes = []) {
  const heard = take.heard?.length ?? 0;
  if (!heard) return "";
  const gone = take.heard_before?.length ?? 0;
  const names = takes.filter((one) => one.name && take.heard.includes(one.take)).map((one) => quoted(one.name));
  const others = heard - names.length;
  const more = others === 1 ? `${names.length ? "another" : "an"} accepted take` : `${others} ${names.length ? "other " : ""}accepted takes`;
  const all = others ? [...names, more] : names;
  const made = `Made for the song with ${[all.slice(0, -1).join(", "), all.at(-1)].filter(Boolean).join(" and ")} in it.`;
  if (!gone) return made;
  const which = heard === 1 ? "It" : gone === heard ? "They" : `${gone} of them`;
  return `${made} ${which} ${gone === 1 ? "is" : "are"} no longer accepted: listen to this take's edges, or render it again.`;
}
