/**
 * Mute and solo of the stems of one separation. Once one of them is touched, playing any stem of it plays all that are
 * left; before that, a stem plays alone. This tab remembers it.
 */

const KEPT = "takebridge.stems";
const SILENCE = "none";

/** Whether a take is one of the stems a song was separated into. */
export const isStem = (take) => take.task === "extract" && take.stem !== "mix";

const groupOf = (take) => `${take.job} ${take.number}`;

export class StemMix {
  constructor(store) {
    this.store = store;
    store.set({ stemMix: JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") });
  }

  isMuted(take) {
    return this.#of(take)?.muted.includes(take.stem) ?? false;
  }

  isSolo(take) {
    return this.#of(take)?.solo.includes(take.stem) ?? false;
  }

  /** Whether a stem is left after mute and solo. */
  isLeft(take) {
    const mix = this.#of(take);
    return !mix || (mix.solo.length ? mix.solo.includes(take.stem) : !mix.muted.includes(take.stem));
  }

  /** Switches "muted" or "solo" of a stem. Solo is stronger than mute, as on a mixer. */
  toggle(take, which) {
    const mix = this.#of(take) ?? { muted: [], solo: [] };
    const names = mix[which].includes(take.stem) ? mix[which].filter((name) => name !== take.stem) : [...mix[which], take.stem];
    const stemMix = { ...this.store.get("stemMix"), [groupOf(take)]: { ...mix, [which]: names } };
    sessionStorage.setItem(KEPT, JSON.stringify(stemMix));
    this.store.set({ stemMix });
  }

  /** The `stems` of a request to play this take: what is left of its separation; empty where it plays alone. */
  heard(id) {
    const takes = this.store.get("takes");
    const take = takes.find((entry) => entry.take === id);
    if (!take || !isStem(take) || !this.#of(take)) return [];
    const left = takes.filter((entry) => isStem(entry) && groupOf(entry) === groupOf(take) && this.isLeft(entry));
    return left.length ? left.map((entry) => entry.stem) : [SILENCE];
  }

  /** Whether both are stems of one separation. */
  together(take, other) {
    return isStem(take) && isStem(other) && groupOf(take) === groupOf(other);
  }

  #of(take) {
    return this.store.get("stemMix")[groupOf(take)] ?? null;
  }
}
