/**
 * The output mix on an audio context: blocks of samples that begin at exact frames, some seconds ahead of what sounds.
 *
 * A switch does not wait until the scheduled blocks have played: they are cut at a frame just ahead, and other blocks
 * follow. Blocks hold every sample as it is to sound (fades, gain and loop are in them), so nothing depends on how a
 * browser ramps gains or interpolates loops. An AudioWorklet would do with less, but browsers offer none to pages that
 * come over plain HTTP from another machine, as on a tablet.
 */

import { OutputMix } from "./output_mix.js";

export const BLOCK = 16384;

/**
 * Added to each start, in frames. A start that lies a rounding error before its frame is interpolated by Chromium; one
 * that lies so little after it is not.
 */
const LATER = 1e-6;

export class WebOutput {
  /** context: at the rate of what is played. channels: of the readers. */
  constructor(context, channels) {
    this.context = context;
    this.channels = channels;
    this.mix = new OutputMix(context.sampleRate, channels);
    this.blocks = [];
    /** The frame up to which blocks are scheduled. */
    this.filled = 0;
  }

  /** The frame the context plays next. */
  get now() {
    return Math.ceil(this.context.currentTime * this.context.sampleRate - 1e-3);
  }

  get reader() {
    return this.mix.reader;
  }

  /** Plays another reader from `frame` on, or nothing. */
  switch(frame, reader) {
    const dry = frame > this.filled;
    for (const block of this.blocks) {
      if (block.start >= frame) block.source.disconnect();
      else if (block.end > frame) {
        block.source.stop(this.#time(frame)); // once: a later switch would let it play on
        block.end = frame;
      }
    }
    this.blocks = this.blocks.filter((block) => block.start < frame);
    this.mix.switch(frame, reader, dry);
    this.filled = frame;
  }

  /** Schedules what there is up to `frame`; returns what has to be fetched first, or nothing. */
  fill(frame) {
    this.blocks = this.blocks.filter((block) => block.end > this.now);
    while (this.filled < frame) {
      const missing = this.reader?.missing(this.filled, BLOCK) ?? [];
      if (missing.length) return missing;
      this.#schedule(this.mix.read(this.filled, BLOCK));
    }
    return [];
  }

  #schedule(samples) {
    const { context } = this;
    const buffer = context.createBuffer(this.channels, BLOCK, context.sampleRate);
    samples.forEach((block, channel) => buffer.copyToChannel(block, channel));
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start(this.#time(this.filled));
    this.blocks.push({ source, start: this.filled, end: this.filled + BLOCK });
    this.filled += BLOCK;
  }

  #time(frame) {
    return (frame + LATER) / this.context.sampleRate;
  }
}
