"use strict";

/** The stretch a task hears, and where its takes go: in beats before the render, in samples after it. */

const { Refused } = require("./refused.js");
const { beatsInBar, samplesIn, tempoOfRender } = require("./song_time.js");
const wav = require("./wav.js");

/** Takes of these are placed on new tracks and play beside the song; the others stand for a part of it. */
const BESIDE = new Set(["accompany", "extract"]);

/**
 * The stretch to render, {start, end} in beats, and the region in it. A repaint hears whole bars around the selection;
 * a continuation hears what comes before it; the others hear the selection alone.
 */
function stretchFor(task, selection, values, bpm) {
  const bar = beatsInBar(values.meter);
  const context = (values.context * bpm) / 60;
  const before = Math.max(0, Math.floor((selection.start - context) / bar) * bar);
  if (task === "repaint") {
    const after = Math.ceil((selection.end + context) / bar) * bar;
    return { start: before, end: after, first: selection.start, last: selection.end };
  }
  if (task === "complete") {
    const last = selection.end + values.bars * bar;
    return { start: before, end: selection.end, first: selection.end, last };
  }
  return { start: selection.start, end: selection.end, first: selection.start, last: selection.end };
}

/**
 * The same in samples of the render: {rate, bpm, steady, position, start, length}. position: where the render's first
 * sample lies on the timeline; start and length: the region, on the timeline.
 *
 * Where the tempo changes on the way, beats say nothing about samples; then two more renders, of what lies before the
 * region and of the region, are as long as those are. measure(start, end) makes one and gives its frames.
 */
async function inSamples(stretch, file, bpm, measure) {
  const { rate } = file;
  const found = tempoOfRender(stretch.end - stretch.start, file.frames, bpm, rate);
  const at = (beats) => samplesIn(beats, found.bpm, rate);
  if (found.steady) {
    const position = at(stretch.start);
    const start = Math.min(at(stretch.first), position + file.frames);
    const end = stretch.last > stretch.end ? at(stretch.last) : Math.min(at(stretch.last), position + file.frames);
    return { rate, bpm, steady: true, position, start, length: end - start };
  }
  const lead = stretch.first > stretch.start ? await measure(stretch.start, stretch.first) : 0;
  const length = stretch.last > stretch.end ? at(stretch.last - stretch.end) : await measure(stretch.first, stretch.last);
  return { rate, bpm: found.bpm, steady: false, position: 0, start: lead, length };
}

/** What Live rendered. Throws Refused where it is not what was asked for. */
function fileOf(bytes, track) {
  const file = wav.header(bytes);
  if (!file.frames || !file.rate) throw new Refused(`Live's render of ${track} is empty.`, "Select a longer stretch.");
  return file;
}

module.exports = { BESIDE, fileOf, inSamples, stretchFor };
