/** Chunks of audio, fetched in the order they are wanted, kept up to a number of bytes, least recently used first out. */

import { parseWave } from "./wave.js";

const AT_ONCE = 4;
const TRIES = 4;
/** Milliseconds before something that failed is tried again; twice as many each time. */
const FIRST_WAIT = 400;

/** The server no longer has the sound under this name: other takes are accepted now. */
export class Outdated extends Error {
  constructor() {
    super("Other takes are accepted now.");
  }
}

export class Chunks {
  /**
   * load(address): resolves with the bytes, rejects with an Error in words or Outdated.
   * arrived(error): called when something was fetched (null), or failed for good.
   */
  constructor(load, most, arrived, wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))) {
    Object.assign(this, { load, most, arrived, wait });
    this.kept = new Map();
    this.bytes = 0;
    this.fetching = new Set();
    this.failures = new Map();
    this.forgiven = 0;
    this.queue = [];
  }

  /** [Float32Array] a channel, or null. */
  get(key) {
    const found = this.kept.get(key);
    if (!found) return null;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.channels;
  }

  /** Why a chunk cannot be had, or null. */
  failure(key) {
    return this.failures.get(key) ?? null;
  }

  /** Everything that is wanted now, the most urgent first: [{key, address, bytes}]. What is not begun is forgotten. */
  want(list) {
    const seen = new Set();
    let bytes = 0;
    this.queue = [];
    for (const one of list) {
      if (seen.has(one.key)) continue;
      seen.add(one.key);
      bytes += one.bytes;
      if (bytes > this.most) break; // more than can be kept would push itself out
      if (!this.get(one.key) && !this.fetching.has(one.key) && !this.failures.has(one.key)) this.queue.push(one);
    }
    this.#next();
  }

  /** What failed may work again, and what fails now may have begun before it could. */
  forgive() {
    this.failures.clear();
    this.forgiven += 1;
  }

  #next() {
    while (this.fetching.size < AT_ONCE && this.queue.length) this.#fetch(this.queue.shift());
  }

  async #fetch({ key, address }) {
    this.fetching.add(key);
    const { forgiven } = this;
    let failure = null;
    try {
      this.#keep(key, parseWave(await this.#patiently(address)));
    } catch (error) {
      failure = error;
      if (forgiven === this.forgiven) this.failures.set(key, error);
    }
    this.fetching.delete(key);
    this.#next();
    this.arrived(failure);
  }

  async #patiently(address) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.load(address);
      } catch (error) {
        if (error instanceof Outdated || tries === TRIES) throw error;
        await this.wait(FIRST_WAIT * 2 ** (tries - 1));
      }
    }
  }

  #keep(key, { channels, frames }) {
    const bytes = frames * channels.length * 4;
    this.kept.set(key, { channels, bytes });
    this.bytes += bytes;
    for (const [old, { bytes: freed }] of this.kept) {
      if (this.bytes <= this.most || old === key) break;
      this.kept.delete(old);
      this.bytes -= freed;
    }
  }
}
