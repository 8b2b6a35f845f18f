/** What plays, and how: both sides of a comparison and the loop range, made of what `audition.passage` answers. Pure. */

import { LoopClock } from "./loop_clock.js";
import { LoopReader, factor } from "./loop_reader.js";
import { SideAudio } from "./side_audio.js";

/** Seconds of a passage that are fetched for the side that does not play. */
const LONG = 60;

export class Scene {
  /** passage: the server's answer; chunks: where the sound is kept. */
  constructor(passage, chunks) {
    this.passage = passage;
    for (const name of ["take", "song", "stems", "place", "rate", "channels", "start", "end"]) this[name] = passage[name];
    this.job = passage.job ?? "";
    this.bounded = passage.loops;
    /** Whether some of it is still to be rendered; then it loops up to the last bar line there is, whatever is wanted. */
    this.grows = (passage.ready ?? null) !== null;
    this.loopEnd = this.grows ? passage.ready : this.end;
    this.sides = {};
    const described = Object.fromEntries(passage.sides.map((side) => [side.side, side]));
    if (described.original) this.sides.original = new SideAudio(described.original, passage, null, chunks);
    if (described.take) {
      const around = described.take.around === "original" ? this.sides.original ?? null : null;
      this.sides.take = new SideAudio(described.take, passage, around, chunks);
    }
  }

  /** Whether nothing of the take is rendered yet: the bars before it loop meanwhile, or silence where there are none. */
  get waits() {
    return this.grows && this.loopEnd <= Math.max(this.start, this.sides.take.side.start);
  }

  get silent() {
    return this.grows && this.loopEnd <= this.start;
  }

  /** The side that plays when this one is wanted. */
  side(wanted) {
    return this.sides[wanted] ? wanted : Object.keys(this.sides)[0];
  }

  /** The gain that brings a side to the loudness of the others, in dB. */
  matchDb(wanted) {
    return this.sides[this.side(wanted)].side.match_db;
  }

  /** The chunks of both sides in its range, as far as it is not endless. */
  all() {
    const frames = Math.min(this.loopEnd - this.start, LONG * this.rate);
    return Object.values(this.sides).flatMap((audio) => audio.wanted(this.start, frames));
  }

  /** The chunks in its range that are its take's own: with the original's they are all that a switch to it needs. */
  own() {
    const audio = this.sides.take;
    if (!audio) return [];
    const first = Math.max(this.start, audio.side.start);
    return audio.wanted(first, Math.max(0, Math.min(this.end, audio.side.end) - first));
  }

  /**
   * The reader that plays `position` at output frame `frame`.
   * options: {side, loops, match, gain_db}. A position after the loop range plays on to the end of the song.
   */
  reader(options, frame, position) {
    const side = this.side(options.side);
    const audio = this.sides[side];
    const clock = new LoopClock(frame, position, this.start, this.loopEnd, this.grows || (options.loops && this.bounded));
    const last = position >= this.loopEnd ? audio.end : Math.min(this.loopEnd, audio.end);
    const gain = factor(options.gain_db + (options.match ? this.matchDb(side) : 0));
    return new LoopReader(audio, clock, gain, clock.isLooping ? null : last);
  }
}
