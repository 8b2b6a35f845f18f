"use strict";

/**
 * Whether this Live does what the extension relies on: known audio on a track of its own, rendered, sent, rendered by
 * the server, placed and compared sample for sample. Each check is a line of a report to paste; the track is removed.
 */

const { fileName, readRendered, remove, writeScratch } = require("./folders.js");
const { render } = require("./job.js");
const placement = require("./placement.js");
const { Cancelled } = require("./refused.js");
const { key, meter, tempo } = require("./selection.js");
const { Server } = require("./server.js");
const { samplesIn, tempoOfRender } = require("./song_time.js");
const wav = require("./wav.js");

/** Where the known audio goes, in beats, and how long it is: eight bars of 4/4 after a bar of silence. */
const FIRST = 4;
const BEATS = 32;
/** The region of it that the server renders; the sketch engine wants four bars around it. */
const REGION = [12, 16];
/** What a 32-bit float may lose on its way through Live; half the step of 16 bits. */
const CLOSE = 2 ** -16;

class SelfTest {
  constructor(live, settings) {
    this.live = live;
    this.settings = settings;
    this.lines = [];
    this.tracks = [];
  }

  /** Runs all checks; returns the report, which is also kept in the extension's folder. */
  async run(show, abort) {
    this.show = show;
    this.abort = abort;
    const { language, storageDirectory, tempDirectory } = this.live.environment;
    const { platform = "", version = "" } = globalThis.process ?? {};
    this.line("NOTE", `Takebridge self-test, ${new Date().toISOString().slice(0, 10)}, ${platform}, node ${version}`);
    const folders = `storage ${storageDirectory ? "given" : "missing"}, temp ${tempDirectory ? "given" : "missing"}`;
    this.line("NOTE", `language ${language ?? "unknown"}; folders: ${folders}`);
    try {
      await this.check("the set can be read", () => this.readSet());
      await this.check("a track can be made", () => this.makeTrack());
      await this.check("Live renders known audio sample for sample", () => this.compareRender());
      await this.check("the server renders", () => this.askServer());
      await this.check("a take plays on its sample", () => this.compareTake());
      await this.check("a take lane takes a clip", () => this.fillLane());
    } finally {
      await this.check("the test's tracks are removed", () => this.cleanUp());
    }
    const text = `${this.lines.join("\n")}\n`;
    await this.keep(text);
    return text;
  }

  line(mark, text) {
    this.lines.push(`${mark.padEnd(7)} ${text}`);
  }

  truth(what, holds, found) {
    this.line(holds ? "OK" : "WRONG", holds ? what : `${what}: ${found}`);
  }

  /** Runs a check; an error in it is a line of the report, and the next check runs all the same. */
  async check(what, action) {
    this.show(what, Math.min(99, this.lines.length * 5));
    try {
      await action();
    } catch (error) {
      this.line(error instanceof Cancelled ? "SKIPPED" : "WRONG", `${what}: ${error?.message ?? error}`);
    }
  }

  async readSet() {
    this.bpm = tempo(this.live);
    this.line("NOTE", `tempo ${this.bpm}, key ${key(this.live) || "none"}, time signature ${meter(this.live) || "not shown"}`);
  }

  async makeTrack() {
    const [track] = await Promise.all(this.live.transaction(() => [this.live.create("songCreateAudioTrack", this.live.song)]));
    this.tracks.push(track);
    this.truth("a new track is an audio track", this.live.is(track, "AudioTrack"), "it is not");
    const empty = await this.rendered(track, 0, BEATS);
    this.rate = empty.rate;
    const wanted = samplesIn(BEATS, this.bpm, this.rate);
    const { steady, bpm } = tempoOfRender(BEATS, empty.frames, this.bpm, this.rate);
    this.line("NOTE", `renders: ${empty.rate} Hz, ${empty.channels} channels, ${empty.bits} bits, format ${empty.code}`);
    this.truth(`${BEATS} beats render to ${wanted} samples`, empty.frames === wanted, `${empty.frames} samples`);
    this.truth("the tempo is the same all the way", steady, `${bpm.toFixed(3)} on average`);
    this.audio = known(samplesIn(BEATS, this.bpm, this.rate), this.bpm, this.rate);
    this.known = await this.place(track, this.audio, "Takebridge self-test", FIRST, FIRST + BEATS);
  }

  async compareRender() {
    const [track] = this.tracks;
    const found = await this.rendered(track, 0, FIRST + BEATS);
    const lead = samplesIn(FIRST, this.bpm, this.rate);
    this.compare("an unwarped clip on a beat renders as its file", found.samples, this.audio, lead);
    const inside = await this.rendered(track, FIRST + 1, FIRST + 3);
    const from = samplesIn(FIRST + 1, this.bpm, this.rate) - lead;
    const wanted = this.audio.subarray(from, from + inside.frames);
    this.compare("a stretch inside a clip begins on its sample", inside.samples, wanted, 0);
    this.song = found;
  }

  async askServer() {
    const { address, token } = this.settings.values;
    const server = new Server(address, token);
    const status = await server.call("status", {});
    this.line("NOTE", `server: ${status.text ?? JSON.stringify(status).slice(0, 200)}`);
    const source = await server.upload("takebridge-selftest.wav", this.song.bytes, this.abort);
    const start = samplesIn(REGION[0], this.bpm, this.rate);
    const length = samplesIn(REGION[1], this.bpm, this.rate) - start;
    const id = `live-selftest-${Date.now().toString(36)}`;
    const region = { source, source_position: 0, start, length, rate: this.rate };
    const request = { id, ...region, bpm: this.bpm, meter: "4/4", takes: 1, seed: 1, title: "Self-test" };
    const { takes } = await render(server, "repaint", request, (text) => this.show(text, 50), this.abort);
    const [take] = takes;
    const fits = take.length === length && take.position === start;
    this.truth("a take is as long as its region", fits, `${take.length} samples at ${take.position}`);
    this.truth("a take has the set's rate", take.rate === this.rate, `${take.rate} Hz`);
    this.take = await server.clip(take.take, this.abort);
  }

  async compareTake() {
    if (!this.take) return this.line("SKIPPED", "a take plays on its sample: there is none");
    const [track] = await Promise.all(this.live.transaction(() => [this.live.create("songCreateAudioTrack", this.live.song)]));
    this.tracks.push(track);
    const wanted = wav.samples(this.take);
    await this.place(track, this.take, "Takebridge self-test take", REGION[0], REGION[1]);
    const found = await this.rendered(track, 0, REGION[1]);
    this.compare("a placed take plays on its sample", found.samples, wanted, samplesIn(REGION[0], this.bpm, this.rate));
  }

  async fillLane() {
    const [track] = this.tracks;
    const end = FIRST + BEATS;
    const take = { ...this.known, track, name: "Self-test lane" };
    const before = this.live.model.trackGetArrangementClips(track).length;
    const placed = await placement.intoLanes(this.live, [take]);
    const wrong = await placement.faults(this.live, placed.clips);
    this.truth("a clip in a take lane is where it was put, and not warped", !wrong.length, wrong.join(" "));
    const after = this.live.model.trackGetArrangementClips(track).length;
    this.truth("a clip in a take lane changes nothing on the track", after === before, `${after} clips instead of ${before}`);
    await placement.intoLanes(this.live, [{ ...take, start: end, end: end + BEATS }]);
    const lanes = this.live.model.trackGetTakeLanes(track).length;
    this.truth("a free lane is used again", lanes === 1, `${lanes} lanes`);
  }

  /** Puts audio (samples, or a WAV file's bytes) onto a track; returns what it placed. */
  async place(track, audio, name, start, end) {
    const bytes = Buffer.isBuffer(audio) ? audio : wav.encode(audio, this.rate);
    const scratch = await writeScratch(this.live.environment, `${fileName(name)}.wav`, bytes);
    const path = await this.live.importFile(scratch);
    const take = { path, name, start, end, rate: this.rate, bpm: this.bpm, steady: true };
    const args = { filePath: path, startTime: start, duration: end - start, isWarped: false, loopSettings: undefined };
    const [clip] = await Promise.all(this.live.transaction(() => [this.live.create("trackCreateAudioClip", track, args)]));
    const wrong = await placement.faults(this.live, [{ clip, take }]);
    this.truth(`${name}: a clip is where it was put, and not warped`, !wrong.length, wrong.join(" "));
    this.line("NOTE", `the clip is called ${this.live.model.clipGetName(clip)}`);
    return take;
  }

  async rendered(track, start, end) {
    if (this.abort.aborted) throw new Cancelled();
    const path = await this.live.render(track, start, end);
    const bytes = await readRendered(path);
    await remove(path);
    return { bytes, ...wav.header(bytes), samples: wav.samples(bytes) };
  }

  /** Says OK, or WRONG with where the samples part, and whether the audio lies elsewhere. */
  compare(what, found, wanted, lead) {
    const at = (offset) => wanted.findIndex((value, frame) => Math.abs((found[lead + offset + frame] ?? 0) - value) > CLOSE);
    const parted = at(0);
    if (parted < 0) return this.line("OK", what);
    for (let offset = -200; offset <= 200; offset += 1) {
      const side = offset < 0 ? "early" : "late";
      if (at(offset) < 0) return this.line("WRONG", `${what}: it is ${Math.abs(offset)} samples ${side}`);
    }
    const value = found[lead + parted] ?? 0;
    return this.line("WRONG", `${what}: sample ${parted} is ${value.toFixed(6)}, expected ${wanted[parted].toFixed(6)}`);
  }

  async cleanUp() {
    for (const track of this.tracks) {
      await Promise.all(this.live.transaction(() => [this.live.create("songDeleteTrack", this.live.song, track)]));
    }
    this.line("NOTE", `Undo brings the test's ${this.tracks.length} tracks back, and further Undos remove them again`);
  }

  async keep(text) {
    try {
      const { storageDirectory } = this.live.environment;
      const path = await writeScratch({ tempDirectory: storageDirectory }, "selftest.txt", Buffer.from(text));
      console.log(`[takebridge] the report is in ${path}`);
    } catch (error) {
      console.warn(`[takebridge] the report is not kept: ${error.message}`);
    }
  }
}

/** A tone on each beat that dies away, a bar's first one louder: something to hear, and found at one place only. */
function known(frames, bpm, rate) {
  const beat = samplesIn(1, bpm, rate);
  return Float64Array.from({ length: frames }, (_, frame) => {
    const number = Math.floor(frame / beat);
    const seconds = (frame - number * beat) / rate;
    const hertz = 110 * 2 ** (((number * 7) % 12) / 12);
    return Math.fround((number % 4 ? 0.3 : 0.5) * Math.exp(-6 * seconds) * Math.sin(2 * Math.PI * hertz * seconds));
  });
}

module.exports = { SelfTest };
