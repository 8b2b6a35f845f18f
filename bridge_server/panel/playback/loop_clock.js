/**
 * Which sample of the timeline plays at which frame of the output: a playhead that runs and loops on the bar line.
 * Pure, and the same as bridge_server/audition/loop_clock.py where output and song have one rate.
 */

export class LoopClock {
  /** Output frame `anchor` plays `position`; at `end` playback continues at `start`, if it loops. All whole numbers. */
  constructor(anchor, position, start, end, loops) {
    Object.assign(this, { anchor, position, start, end, loops });
  }

  get isLooping() {
    return this.loops && this.end > this.start && this.position < this.end;
  }

  /** When a first lap would have begun. */
  get #began() {
    return this.anchor - (this.position - this.start);
  }

  /** The sample that plays at an output frame, which may be before the anchor. */
  positionAt(frame) {
    const began = this.#began;
    if (!this.isLooping || frame < began) return this.position + frame - this.anchor;
    return this.start + ((frame - began) % (this.end - this.start));
  }

  /**
   * The contiguous parts that play in [frame, frame + frames): {offset, position, frames, lapEnd, lap}, lapEnd being the
   * sample at which this lap ends, or null where it does not.
   */
  runs(frame, frames) {
    if (!this.isLooping) return [{ offset: 0, position: this.positionAt(frame), frames, lapEnd: null, lap: 0 }];
    const lap = this.end - this.start;
    const found = [];
    for (let offset = 0; offset < frames; ) {
      const here = frame + offset;
      const since = Math.max(0, here - this.#began);
      const left = this.#began + since - (since % lap) + lap - here;
      const count = Math.min(frames - offset, left);
      found.push({ offset, position: this.positionAt(here), frames: count, lapEnd: this.end, lap });
      offset += count;
    }
    return found;
  }
}
