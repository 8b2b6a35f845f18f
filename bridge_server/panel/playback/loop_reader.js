/**
 * One playback source: audio read through a loop clock, with gain. Pure, and sample for sample what
 * bridge_server/audition/loop_reader.py plays: every sum and product is rounded to 32 bits as numpy rounds it.
 */

const { fround } = Math;

/** The end of a lap fades into what lies before the loop's start, so that the first beat itself is untouched. */
const WRAP_SECONDS = 0.005;

/** To the nearest whole number, halves to the even one, as Python rounds: fades are equally long on both sides. */
export function rounded(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return Math.round(value);
}

/** A linear ramp from 0 to 1 over `fade` frames, at one of them; 1 after its end. With its mirror image it sums to 1. */
export function rising(frame, fade) {
  if (fade === 0) return 1;
  return Math.min(1, Math.max(0, fround(fround(frame + 0.5) / fround(fade))));
}

/** Fades `block` into `other` in place, from frame `begin` of the block on; `first` frames of the fade are over there. */
export function fadeInto(block, begin, other, first, fade) {
  for (let at = begin; at < block.length; at += 1) {
    const target = other ? other[at - begin] : 0;
    block[at] = fround(block[at] + fround(fround(target - block[at]) * rising(first + at - begin, fade)));
  }
}

/** A gain in dB as a factor; exactly 1 for 0 dB, so that samples pass unchanged. */
export const factor = (db) => (db === 0 ? 1 : fround(10 ** (db / 20)));

export class LoopReader {
  /**
   * audio: {channels, rate, end, read(first, frames), missing(first, frames)}, in samples of the timeline.
   * until: the sample at which a range that does not loop ends; null: it plays on.
   */
  constructor(audio, clock, gain = 1, until = null) {
    Object.assign(this, { audio, clock, gain, until });
  }

  /** Frames [frame, frame + frames) of the output: a new array a channel. */
  read(frame, frames) {
    const found = Array.from({ length: this.audio.channels }, () => new Float32Array(frames));
    for (const run of this.clock.runs(frame, frames)) {
      this.#run(run).forEach((block, channel) => found[channel].set(block, run.offset));
    }
    if (this.gain !== 1) for (const block of found) for (let at = 0; at < frames; at += 1) block[at] = fround(block[at] * this.gain);
    return found;
  }

  /** What has to be fetched before these frames can be read, the first of them first. */
  missing(frame, frames) {
    return this.clock.runs(frame, frames).flatMap((run) => {
      const wanted = this.audio.missing(run.position, run.frames);
      const { begin, other } = this.#wrap(run);
      return other === null ? wanted : [...wanted, ...this.audio.missing(other, run.frames - begin)];
    });
  }

  /** Where in a run the end of its lap fades, over how many frames, and into what. other: null where nothing does. */
  #wrap({ position, frames, lapEnd, lap }) {
    const fade = lapEnd === null ? 0 : Math.min(rounded(WRAP_SECONDS * this.audio.rate), Math.floor(lap / 2));
    const begin = lapEnd === null ? frames : Math.max(0, lapEnd - fade - position);
    return { begin, fade, other: begin < frames ? position + begin - lap : null };
  }

  #run(run) {
    const block = this.audio.read(run.position, run.frames);
    const { begin, fade, other } = this.#wrap(run);
    if (other !== null) {
      const into = this.audio.read(other, run.frames - begin);
      block.forEach((samples, channel) => fadeInto(samples, begin, into[channel], run.position + begin - (run.lapEnd - fade), fade));
    } else if (this.until !== null) this.#end(block, run);
    return block;
  }

  /** A range that ends inside the song fades out; at the song's own end there is nothing to fade. */
  #end(block, { position, frames }) {
    const fade = this.until < this.audio.end ? rounded(WRAP_SECONDS * this.audio.rate) : 0;
    const begin = Math.max(0, this.until - fade - position);
    if (begin < frames) for (const samples of block) fadeInto(samples, begin, null, position + begin - (this.until - fade), fade);
  }
}
