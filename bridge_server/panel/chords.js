/** The chords over the bars: those of the selected backing, else those that an analysis found in the song. */

import { xOf } from "./viewport.js";

/** [[sample of the timeline, name]] of chords whose times count in seconds from the song's first sample. */
export function placedChords(chords, song) {
  return (chords ?? []).map(({ time, name }) => [song.position + Math.round(time * song.rate), name]);
}

export class SongChords {
  /** Keeps `chords` of the store up to date. */
  constructor(store, bridge) {
    this.store = store;
    this.bridge = bridge;
    this.shown = "";
    store.watch(["selected", "takes", "focus", "lastEnded", "connection"], () => this.#changed());
  }

  async #changed() {
    const { selected, takes, focus, lastEnded, connection } = this.store.values;
    const song = focus?.song;
    const take = takes.find((one) => one.take === selected && one.task === "accompany");
    const key = song && connection === "open" ? [take?.take ?? lastEnded?.job ?? "", song.digest, song.position].join(" ") : "";
    if (key === this.shown) return;
    this.shown = key;
    const found = key ? await this.#found(take, focus) : null;
    if (key === this.shown) this.store.set({ chords: song ? placedChords(found, song) : [] });
  }

  async #found(take, focus) {
    const ask = (method, given) => this.bridge.connection.call(method, given).catch(() => null);
    if (take) return (await ask("takes.show", { take: take.take }))?.recipe?.blueprint?.chords;
    const source = focus.request?.source;
    return source ? (await ask("songs.tempo", { source }))?.analysis?.chords : null;
  }
}

/** Names at their beats, in a line under the ruler; those that would overlap the one before are left out. */
export function drawChords(surface, view, chords, colors) {
  const { context, columns, ratio } = surface;
  context.font = `600 ${12 * ratio}px system-ui, "Segoe UI", sans-serif`;
  context.textBaseline = "alphabetic";
  let end = -Infinity;
  chords.forEach(([sample, name], at) => {
    const left = Math.round(xOf(view, sample) * ratio);
    const until = at + 1 < chords.length ? xOf(view, chords[at + 1][0]) * ratio : Infinity;
    // The chord that began before the edge is named at the edge, as long as it lasts.
    const x = left < 0 && until > 24 * ratio ? 0 : left;
    if (x < 0 || x > columns || x < end) return;
    const width = context.measureText(name).width;
    context.fillStyle = colors.ground;
    context.fillRect(x, 20 * ratio, width + 8 * ratio, 17 * ratio);
    context.fillStyle = colors.ink;
    context.fillText(name, x + 4 * ratio, 33 * ratio);
    end = x + width + 10 * ratio;
  });
}
