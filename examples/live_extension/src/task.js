"use strict";

/** One task from the right-click to the takes: render in Live, upload, ask, wait, fetch, place. */

const { fileName, readRendered, remove, writeScratch } = require("./folders.js");
const { render } = require("./job.js");
const placement = require("./placement.js");
const { Cancelled, Refused } = require("./refused.js");
const { requestFor } = require("./request.js");
const { beatsIn } = require("./song_time.js");
const { BESIDE, fileOf, inSamples, stretchFor } = require("./window.js");

const TITLES = { repaint: "Repaint", complete: "Continue", accompany: "Accompany", extract: "Stem" };

/** The parts of the way, in percent of the progress window. */
const UPLOADED = 25;
const MADE = 85;
const FETCHED = 97;

class TaskRun {
  /**
   * live, server; task; selection: from readSelection; values: the settings with what was asked; bpm, key: of the set;
   * show, abort: of the progress window.
   */
  constructor(given) {
    Object.assign(this, given);
    this.notes = [...given.selection.notes];
    this.stretch = stretchFor(this.task, this.selection, this.values, this.bpm);
  }

  /** Does it all; returns what to say about it: {placed, steps, notes}. Throws Refused or Cancelled. */
  async run() {
    const sources = await this.sources();
    const id = `live-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
    const request = requestFor(this.task, sources, this.time, this.values, this.key, id);
    const made = await render(this.server, this.task, request, (text, part) => this.say(text, UPLOADED, MADE, part), this.abort);
    this.notes.push(...made.notes);
    const takes = await this.fetch(made, sources);
    if (!takes.length) throw new Refused("No take can be placed.", this.notes.join(" "));
    this.say("placing", FETCHED, 100, 0);
    const inLanes = this.values.place === "lanes" && !BESIDE.has(this.task);
    const placed = await placement[inLanes ? "intoLanes" : "ontoTracks"](this.live, takes);
    this.notes.push(...(await placement.faults(this.live, placed.clips)));
    return { count: takes.length, inLanes, steps: placed.steps, notes: this.notes };
  }

  /**
   * The selected tracks' audio on the server, in order: {source, name, tracks}. Tracks with the same audio, such as a
   * copy and its original, are one source; its takes go to each of them.
   */
  async sources() {
    const { tracks } = this.selection;
    const found = [];
    for (const [number, track] of tracks.entries()) {
      this.say(`Live renders ${track.name}`, 0, UPLOADED, number / tracks.length);
      const bytes = await this.rendered(track, this.stretch.start, this.stretch.end);
      const file = fileOf(bytes, track.name);
      this.time ??= await inSamples(this.stretch, file, this.bpm, (start, end) => this.measure(tracks[0], start, end));
      this.frames ??= file.frames;
      if (file.rate !== this.time.rate || file.frames !== this.frames) {
        throw new Refused(`Live rendered ${track.name} at another rate or length than the first track.`, "Select one track.");
      }
      this.say(`uploading ${track.name}`, 0, UPLOADED, (number + 0.5) / tracks.length);
      const source = await this.server.upload(`${fileName(track.name)}.wav`, bytes, this.abort);
      const same = found.find((one) => one.source === source);
      if (same) same.tracks.push(track);
      else found.push({ source, name: track.name, tracks: [track] });
    }
    if (this.time.note) this.notes.push(this.time.note);
    return found;
  }

  async rendered(track, start, end) {
    this.stopIfAsked();
    const path = await this.live.render(track.handle, start, end);
    this.stopIfAsked();
    const bytes = await readRendered(path);
    await remove(path);
    return bytes;
  }

  async measure(track, start, end) {
    return fileOf(await this.rendered(track, start, end), track.name).frames;
  }

  /** The takes as files in the set's project, ready to be placed. What fits the selection on no sample is left out. */
  async fetch({ job, takes }, sources) {
    const found = [];
    for (const [number, take] of takes.entries()) {
      const { tracks } = sources[(take.track ?? 1) - 1];
      const name = this.nameOf(take, tracks[0]);
      this.stopIfAsked();
      this.say(`fetching ${name}`, MADE, FETCHED, number / takes.length);
      if (!take.passed) this.notes.push(`${name}: ${take.warning ?? "its receipt has a warning"}`);
      if (!this.fits(take)) {
        this.notes.push(`${name} does not fit the selection and was not placed.`);
        continue;
      }
      const bytes = await this.server.clip(take.take, this.abort);
      for (const track of tracks) found.push(await this.intoProject(take, this.nameOf(take, track), track, bytes, job));
    }
    this.stopIfAsked();
    return found;
  }

  async intoProject(take, name, track, bytes, job) {
    const scratch = await writeScratch(this.live.environment, `${fileName(`${name} ${job.slice(-4)}`)}.wav`, bytes);
    const path = await this.live.importFile(scratch);
    if (path !== scratch) await remove(scratch);
    return this.placeable(take, name, track, path);
  }

  /** Whether a take lies where it was asked for, on the sample. */
  fits(take) {
    const { time } = this;
    if (take.rate !== time.rate) return false;
    if (!BESIDE.has(this.task)) return take.position === time.start && take.length === time.length;
    return take.position === time.position && take.length <= this.frames + time.rate * 60;
  }

  placeable(take, name, track, path) {
    const start = this.stretch.first;
    const whole = !BESIDE.has(this.task) || take.length === this.frames;
    const end = whole ? this.stretch.last : start + beatsIn(take.length, this.time.bpm, take.rate);
    // An accompaniment plays with the song, and its first take does so at once; what stands for the song waits.
    const mute = this.task !== "accompany" || take.number > 1;
    return { track: track.handle, path, name, start, end, mute, rate: take.rate, bpm: this.time.bpm, steady: this.time.steady };
  }

  /** Such as "Band Repaint 2" or "Band Stem drums". */
  nameOf(take, track) {
    const stem = take.stem === "mix" ? "" : take.stem;
    const counted = this.task === "extract" ? "" : String(take.number);
    return [track.name, TITLES[this.task], counted, stem].filter(Boolean).join(" ");
  }

  /** Shows a part of the way, from and to in percent. */
  say(text, from, to, part) {
    this.show(text, from + (to - from) * part);
  }

  stopIfAsked() {
    if (this.abort.aborted) throw new Cancelled();
  }
}

module.exports = { TaskRun };
