/** One side of a comparison, readable anywhere: its own sound, which comes in chunks, and the original around it. */

/** Frames in one chunk. Half a megabyte in stereo: a second and a half, so that the first sound does not wait long. */
export const CHUNK = 65536;

export class SideAudio {
  /**
   * side: as `audition.passage` describes it; origin: the song's first sample on the timeline; around: the side that
   * plays before and after, null for silence; chunks: {get(key)} gives [Float32Array] a channel, or null.
   */
  constructor(side, { origin, rate, channels, ready = null }, around, chunks) {
    Object.assign(this, { side, origin, rate, channels, around, chunks });
    this.grows = ready !== null && side.side === "take";
  }

  /** The end of the last sample there is, on the timeline. */
  get end() {
    return Math.max(this.side.end, this.around?.end ?? -Infinity);
  }

  /** A new array a channel from `first` on, which may lie outside the song; silence where a chunk is missing. */
  read(first, frames) {
    const found = this.around?.read(first, frames) ?? Array.from({ length: this.channels }, () => new Float32Array(frames));
    for (const { key, begin, end } of this.#within(first, first + frames)) {
      const chunk = this.chunks.get(key);
      const from = Math.max(first, begin);
      const to = Math.min(first + frames, end);
      found.forEach((block, channel) => {
        // One channel plays on both.
        const samples = chunk?.[Math.min(channel, chunk.length - 1)];
        if (samples) block.set(samples.subarray(from - begin, to - begin), from - first);
        else block.fill(0, from - first, to - first);
      });
    }
    return found;
  }

  /** The chunks to fetch before these frames can be read: [{key, address, bytes}], the first of them first. */
  missing(first, frames) {
    return this.wanted(first, frames).filter(({ key }) => !this.chunks.get(key));
  }

  /** The chunks that these frames lie in. */
  wanted(first, frames) {
    const end = first + frames;
    const { side } = this;
    const own = this.#within(first, end);
    if (!this.around) return own;
    // Of the original only what lies outside.
    const before = first < side.start ? this.around.wanted(first, Math.min(end, side.start) - first) : [];
    const after = end > side.end ? this.around.wanted(Math.max(first, side.end), end - Math.max(first, side.end)) : [];
    return [...before, ...own, ...after];
  }

  /** Own chunks that reach into [first, end), with their place on the timeline. */
  #within(first, end) {
    const { start, end: last, sound, url } = this.side;
    const found = [];
    const from = Math.max(0, Math.floor((first - start) / CHUNK));
    const to = Math.ceil((Math.min(end, last) - start) / CHUNK);
    for (let number = from; number < to; number += 1) {
      const begin = start + number * CHUNK;
      const frames = Math.min(CHUNK, last - begin);
      found.push({
        // A render in progress ends in a chunk that grows.
        key: this.grows && frames < CHUNK ? `${sound}/${number}/${frames}` : `${sound}/${number}`, begin, end: begin + frames, bytes: frames * this.channels * 4,
        address: `${url.replace(/^\//, "")}&first=${begin - this.origin}&frames=${frames}`,
      });
    }
    return found;
  }
}
