/** Scenes on the browser's own sound output: opens it, changes what plays, says what is audible. Knows no server. */

import { SWITCH_SECONDS } from "./output_mix.js";
import { WebOutput } from "./web_output.js";

/** Seconds that are scheduled ahead: a page in the background is only woken once a second. */
const AHEAD = 2.5;
/** Seconds of audio that must be there before something begins to play. */
const READY = 0.8;
/** Seconds from a command to the first changed sample: the browser needs some to take it. */
const LEAD = 0.05;
/** Seconds of the present passage that are fetched before they are scheduled. */
const FETCHED = 12;
const TICK = 100; // milliseconds
const HELD = 5; // ticks after which a browser that lets nothing sound is one that waits for a gesture
const RELEASE = 600; // milliseconds from the end of playback until the output is put to sleep

export class Player {
  /**
   * chunks: where audio comes from; open(rate): a running or suspended AudioContext at that rate.
   * heard: {began(), ended(), failed(error), blocked(on)}: what happens by itself. failed: what was to begin cannot, or what
   * plays cannot go on. blocked: whether the browser waits for a gesture before it lets anything sound.
   */
  constructor(chunks, open, heard) {
    Object.assign(this, { chunks, open, heard });
    this.context = null;
    this.output = null;
    this.scene = null;
    this.options = null;
    this.pending = null;
    this.dry = false;
    this.held = 0; // ticks that the browser has not let anything sound
    this.underruns = 0;
    this.resting = 0;
    /** Chunks that other takes will need, the most likely first. */
    this.also = [];
  }

  /** Opens the output, in the gesture that allows it. Throws an Error in words where the browser cannot. */
  unlock(rate) {
    clearTimeout(this.release);
    if (this.context && (this.context.sampleRate !== rate || this.context.state === "closed")) this.#close();
    this.context ??= this.open(rate);
    if (this.context.state !== "running") this.context.resume().catch(() => undefined);
  }

  /** Plays a scene from a position on the timeline; null: from the audible one. Resolves when its first sound is set. */
  show(scene, options, position = null) {
    this.pending?.resolve(false);
    this.chunks.forgive();
    this.unlock(scene.rate);
    if (!this.output) this.underruns = 0;
    return new Promise((resolve) => {
      this.pending = { scene, options, position: position ?? (this.output ? null : scene.start), resolve };
      this.timer ??= setInterval(() => this.tick(), TICK);
      this.tick();
    });
  }

  /** Fades out. */
  stop() {
    this.resting = this.position;
    this.#drop();
    this.#fadeOut();
    this.output = null;
    this.scene = null;
    const { context } = this;
    this.release = setTimeout(() => context?.state === "running" && context.suspend(), RELEASE);
  }

  /** Whether something sounds, or would if the browser let it. */
  get playing() {
    return this.output !== null;
  }

  /** The audible position, in samples of the timeline. */
  get position() {
    if (!this.output?.reader) return this.pending?.position ?? this.resting;
    return this.output.reader.clock.positionAt(Math.min(this.#audible(), this.output.filled));
  }

  get latency() {
    return (this.context?.outputLatency ?? 0) + (this.context?.baseLatency ?? 0);
  }

  /** Keeps audio scheduled ahead and wanted chunks on their way. */
  tick() {
    if (this.pending) this.#start();
    if (this.output) this.#fill();
    this.#want();
    this.#watchState();
  }

  #frames(seconds) {
    return Math.round(seconds * this.context.sampleRate);
  }

  #fadeOut() {
    if (!this.output) return;
    this.output.switch(this.output.now + this.#frames(LEAD), null);
    this.output.fill(this.output.filled + this.#frames(SWITCH_SECONDS));
  }

  /** What is pending begins when its first audio is there; what plays goes on until then. */
  #start() {
    const { scene, options, position, resolve } = this.pending;
    const output = this.output?.channels === scene.channels ? this.output : new WebOutput(this.context, scene.channels);
    const reader = this.#reader(scene, options, output, position, LEAD);
    const missing = reader.missing(reader.clock.anchor, this.#frames(READY));
    if (missing.length) {
      const error = this.#failure(missing);
      if (error) this.#giveUp(error);
      return;
    }
    this.pending = null;
    const here = position ?? reader.clock.positionAt(reader.clock.anchor);
    if (this.output !== output) this.#fadeOut();
    this.output = output;
    this.scene = scene;
    this.options = options;
    this.#place(reader, (lead) => this.#reader(scene, options, output, output.reader ? position : here, lead));
    resolve(true);
    this.heard.began();
  }

  #reader(scene, options, output, position, lead) {
    const frame = output.now + this.#frames(lead);
    const here = position ?? this.output?.reader?.clock.positionAt(Math.min(frame, this.#resumed(frame))) ?? scene.start;
    return scene.reader(options, frame, here);
  }

  /** The frame whose position comes next: after a gap the song continues where it was. */
  #resumed(frame) {
    return this.output.filled < this.output.now ? this.output.filled : frame;
  }

  /** Switches to a reader; to one further ahead where the page was too slow and its frame has passed. */
  #place(reader, again) {
    let next = reader;
    for (let lead = LEAD * 2; lead < 1; lead *= 2) {
      this.output.switch(next.clock.anchor, next);
      this.output.fill(next.clock.anchor + this.#frames(0.3));
      if (this.context.state !== "running" || this.output.now <= next.clock.anchor) return;
      next = again(lead);
    }
  }

  #fill() {
    const { output } = this;
    if (this.#ended()) return;
    if (output.filled < output.now && output.reader) {
      if (!this.dry) this.underruns += 1;
      this.dry = true;
      const { scene, options } = this;
      const again = (lead) => this.#reader(scene, options, output, null, lead);
      const reader = again(LEAD);
      const missing = reader.missing(reader.clock.anchor, this.#frames(READY));
      if (missing.length) {
        this.#endFor(missing);
        return;
      }
      this.#place(reader, again);
      this.dry = false;
    }
    const missing = output.fill(output.now + this.#frames(AHEAD));
    if (output.filled <= output.now + this.#frames(LEAD)) this.#endFor(missing);
  }

  /** Whether playback has come to the end of a range that does not loop, which ends it. */
  #ended() {
    const { reader } = this.output;
    if (!reader || reader.until === null || this.position < reader.until) return false;
    this.stop();
    this.heard.ended();
    return true;
  }

  /** Why one of these chunks cannot be had. */
  #failure(missing) {
    return missing.map(({ key }) => this.chunks.failure(key)).find(Boolean);
  }

  /** What cannot begin is given up; what plays goes on. */
  #giveUp(error) {
    this.pending.resolve(false);
    this.pending = null;
    this.chunks.forgive();
    if (!this.output) this.#drop();
    this.heard.failed(error);
  }

  /** What cannot go on ends. */
  #endFor(missing) {
    const error = this.#failure(missing);
    if (!error) return;
    this.stop();
    this.chunks.forgive();
    this.heard.failed(error);
  }

  #want() {
    if (!this.context) return;
    const wanted = [];
    if (this.pending) {
      const { scene, options, position } = this.pending;
      const output = this.output ?? { now: 0, filled: 0 };
      const reader = this.#reader(scene, options, output, position, LEAD);
      wanted.push(...reader.missing(reader.clock.anchor, this.#frames(READY)));
    }
    if (this.output?.reader) wanted.push(...this.#coming(this.output.reader, Math.max(this.output.filled, this.output.now)));
    if (this.output || this.pending) wanted.push(...this.also);
    this.chunks.want(wanted);
  }

  /** Chunks of what comes next, around the loop. */
  #coming(reader, frame) {
    const { clock } = reader;
    const { audio } = reader;
    const first = clock.positionAt(frame);
    const frames = this.#frames(FETCHED);
    if (!clock.isLooping) return audio.wanted(first, Math.min(frames, Math.max(0, (reader.until ?? audio.end) - first)));
    return [...audio.wanted(first, Math.min(frames, clock.end - first)), ...audio.wanted(clock.start, Math.min(frames, clock.end - clock.start))];
  }

  #watchState() {
    const before = this.held;
    this.held = this.output && this.context.state !== "running" ? before + 1 : 0;
    if (this.held === HELD) this.heard.blocked(true);
    if (!this.held && before >= HELD) this.heard.blocked(false);
  }

  #drop() {
    clearInterval(this.timer);
    this.timer = null;
    this.pending?.resolve(false);
    this.pending = null;
    this.dry = false;
    this.held = 0;
    this.also = [];
  }

  #close() {
    this.output = null;
    if (this.context.state !== "closed") this.context.close().catch(() => undefined);
    this.context = null;
  }

  /** The frame that is audible now. */
  #audible() {
    const { context } = this;
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp?.() ?? {};
    const passed = (performance.now() - performanceTime) / 1000;
    const reported = contextTime > 0 && performanceTime > 0 && passed < 1 ? contextTime + passed : context.currentTime - this.latency;
    const time = Math.min(context.currentTime, Math.max(context.currentTime - 1, reported));
    return Math.floor(time * context.sampleRate);
  }
}
