/**
 * The output, frame by frame: the current loop reader, faded in from the previous one. Pure, and sample for sample what
 * bridge_server/audition/output_mix.py plays.
 */

import { rising, rounded } from "./loop_reader.js";

const { fround } = Math;

/** Long enough to hide any step, short enough not to blend: two takes of a drum hit stay two. */
export const SWITCH_SECONDS = 0.01;

export class OutputMix {
  /** Counts frames from 0. Silent without a reader. */
  constructor(rate, channels) {
    this.channels = channels;
    this.fade = rounded(SWITCH_SECONDS * rate);
    this.switched = 0;
    this.before = null;
    this.reader = null;
    this.begun = false;
  }

  /** Plays another reader from `frame` on, faded in from what would have played there. silent: which was nothing. */
  switch(frame, reader, silent = false) {
    const before = this.begun ? this.read(frame, this.fade) : null; // the first sound of all begins as it is
    if (silent && before) for (const block of before) block.fill(0);
    this.before = before;
    this.switched = frame;
    this.reader = reader;
    this.begun = true;
  }

  /** Frames [frame, frame + frames), none of them before the last switch: a new array a channel. */
  read(frame, frames) {
    const found = this.reader
      ? this.reader.read(frame, frames)
      : Array.from({ length: this.channels }, () => new Float32Array(frames));
    const done = frame - this.switched;
    const fading = this.before ? Math.max(0, Math.min(this.fade - done, frames)) : 0;
    found.forEach((block, channel) => {
      for (let at = 0; at < fading; at += 1) {
        const tail = this.before[channel][done + at];
        block[at] = fround(tail + fround(fround(block[at] - tail) * rising(done + at, this.fade)));
      }
    });
    return found;
  }
}
