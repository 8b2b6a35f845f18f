/** Peaks and samples of stored audio, fetched when they are first needed and kept for a while. */

import { BLOCK, VERSION, block, blocksIn, parsePeaks } from "./peaks.js";

const MAX_PYRAMIDS = 300;
const MAX_BLOCKS = 96;
const AT_ONCE = 4;

/** Keeps the values used last. */
class Recent {
  constructor(most) {
    this.most = most;
    this.entries = new Map();
  }

  get(key) {
    const found = this.entries.get(key);
    if (found !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, found);
    }
    return found;
  }

  set(key, value) {
    this.entries.set(key, value);
    if (this.entries.size > this.most) this.entries.delete(this.entries.keys().next().value);
  }
}

export class Sounds {
  /** locate(path) -> URL; arrived(): called when something new can be drawn. */
  constructor(locate, arrived) {
    this.locate = locate;
    this.arrived = arrived;
    this.pyramids = new Recent(MAX_PYRAMIDS);
    this.blocks = new Recent(MAX_BLOCKS);
    this.failed = new Map();
    this.pending = new Map();
    this.running = 0;
    /** Grows with everything that arrives: what was drawn before may lack it. */
    this.version = 0;
  }

  /** The pyramid of an audio object; null while it is on its way or when there is none (then `failed` has the error). */
  peaks(digest) {
    const found = this.pyramids.get(digest);
    if (found) return found;
    this.#request(`peaks/${digest}?v=${VERSION}`, async (data) => this.pyramids.set(digest, parsePeaks(data)));
    return null;
  }

  /** A block of samples; null while it is on its way. */
  block(digest, channels, number) {
    const key = `${digest}/${number}`;
    const found = this.blocks.get(key);
    if (found) return found;
    this.#request(`samples/${digest}?first=${number * BLOCK}&frames=${BLOCK}`, async (data) =>
      this.blocks.set(key, block(new Float32Array(data), channels)),
    );
    return null;
  }

  /** Asks for the blocks of frames [first, last). */
  prepare(digest, pyramid, first, last) {
    for (const number of blocksIn(first, last, pyramid.frames)) this.block(digest, pyramid.channels, number);
  }

  /** After a reconnection what failed may work again. */
  forgive() {
    this.failed.clear();
    this.arrived();
  }

  #request(path, keep) {
    if (this.pending.has(path) || this.failed.has(path)) return;
    this.pending.set(path, keep);
    this.#next();
  }

  #next() {
    if (this.running >= AT_ONCE || !this.pending.size) return;
    // The newest request first: older ones have often been scrolled away.
    const waiting = [...this.pending].filter(([, keep]) => !keep.fetching);
    const last = waiting.at(-1);
    if (!last) return;
    const [path, keep] = last;
    keep.fetching = true;
    this.running += 1;
    this.#fetch(path, keep).finally(() => {
      this.running -= 1;
      this.pending.delete(path);
      this.#next();
    });
    this.#next();
  }

  async #fetch(path, keep) {
    try {
      const answer = await fetch(this.locate(path));
      if (!answer.ok) throw new Error(await answer.text());
      await keep(await answer.arrayBuffer());
      this.version += 1;
      this.arrived();
    } catch (error) {
      this.failed.set(path, error);
    }
  }
}
