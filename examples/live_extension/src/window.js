"use strict";

/** The stretch a task hears, and where its takes go: in beats before the render, in samples after it. */

const { Refused } = require("./refused.js");
const { beatsInBar, samplesIn, tempoOfRender } = require("./song_time.js");
const wav = require("./wav.js");

/** Parts may differ from their whole by so many samples: each is rounded. */
const ADDING_UP = 4;
const CHANGING = "The tempo changes around the selection, so its length was measured; the request gives the mean tempo, MEAN BPM.";
const LONGER = "Live's render is not as long as the tempo makes it; the takes follow the tempo.";

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
 * The same in samples of the render: {rate, bpm, position, start, length, note}. position: where the render's first
 * sample lies on the timeline; start and length: the region, on the timeline; note: what to say about it, or "".
 *
 * Where a render is not as long as the tempo says, either the tempo changes on the way, and beats say nothing about
 * samples, or Live adds something at the end. Renders of the parts tell: parts that add up to the whole are as long as
 * they are. measure(start, end) makes such a render and gives its frames.
 */
async function inSamples(stretch, file, bpm, measure) {
  const { rate } = file;
  const found = tempoOfRender(stretch.end - stretch.start, file.frames, bpm, rate);
  if (found.steady) return byTempo(stretch, file, bpm, "");
  const inside = Math.min(stretch.last, stretch.end);
  const parts = [[stretch.start, stretch.first], [stretch.first, inside], [inside, stretch.end]];
  const frames = [];
  for (const [start, end] of parts) frames.push(end > start ? await measure(start, end) : 0);
  if (Math.abs(frames[0] + frames[1] + frames[2] - file.frames) > ADDING_UP) return byTempo(stretch, file, bpm, LONGER);
  const beyond = samplesIn(stretch.last - inside, found.bpm, rate);
  const note = CHANGING.replace("MEAN", found.bpm.toFixed(2));
  return { rate, bpm: found.bpm, steady: false, position: 0, start: frames[0], length: frames[1] + beyond, note };
}

/** Where one tempo holds. */
function byTempo(stretch, file, bpm, note) {
  const { rate } = file;
  const position = samplesIn(stretch.start, bpm, rate);
  const start = samplesIn(stretch.first, bpm, rate);
  const end = samplesIn(stretch.last, bpm, rate);
  const most = stretch.last > stretch.end ? Infinity : position + file.frames;
  return { rate, bpm, steady: true, position, start, length: Math.min(end, most) - start, note };
}

/** What Live rendered. Throws Refused where it is not what was asked for. */
function fileOf(bytes, track) {
  const file = wav.header(bytes);
  if (!file.frames || !file.rate) throw new Refused(`Live's render of ${track} is empty.`, "Select a longer stretch.");
  return file;
}

module.exports = { BESIDE, fileOf, inSamples, stretchFor };
