/** Waveforms, rulers and regions on canvases, in device pixels. Knows no server and no events. */

import { lastNotAbove } from "./grid.js";
import { columnsOf, columnsOfBlocks } from "./peaks.js";
import { barStep, sampleAt, secondStep, xOf } from "./viewport.js";
import { clock } from "./words.js";

/** The colours of the style sheet; read again when the scheme changes. */
export function readColors() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "lane", "line", "line-strong", "ink", "dim", "original", "original-dim", "take", "take-dim",
    "chosen", "region", "region-fill", "warning", "seam"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** A canvas made as large as its box in device pixels; returns its context and sizes, or null when it has no size. */
export function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const columns = Math.round(width * ratio);
  const rows = Math.round(height * ratio);
  if (columns < 1 || rows < 1) return null;
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  const context = canvas.getContext("2d", { alpha: true });
  context.clearRect(0, 0, columns, rows);
  return { context, columns, rows, ratio, width, height };
}

/** How much of its colour the range of the peaks has around the RMS, which has all of it. */
const PEAKS = 0.5;
const DENSE = 32; // samples a column from which on the RMS is drawn

let figures = [new Float32Array(0), new Float32Array(0), new Float32Array(0)];

function scratch(count) {
  if (figures[0].length < count) figures = figures.map(() => new Float32Array(count * 2));
  return figures.map((each) => each.subarray(0, count));
}

/**
 * A sound's waveform, kept as a picture while the view only scrolls: then just the columns that come into sight are
 * drawn. One for each canvas that shows a waveform.
 */
export class Strip {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.key = "";
    this.base = 0;
  }

  /**
   * Draws the sound on a surface. sound: {digest, position (timeline sample of its first frame)}; options: color;
   * from, to: device columns it may be drawn in; split: channels one under the other; top, height: device rows;
   * full: the sample value that fills the height.
   */
  draw(surface, sounds, view, timelineRate, sound, options) {
    const pyramid = sounds.peaks(sound.digest);
    if (!pyramid) return;
    const { context, columns, ratio } = surface;
    const perColumn = (view.scale / ratio) * (pyramid.rate / timelineRate);
    const start = (view.first - sound.position) * (pyramid.rate / timelineRate);
    const from = Math.max(0, options.from ?? 0, Math.floor(-start / perColumn));
    const to = Math.min(columns, options.to ?? columns, Math.ceil((pyramid.frames - start) / perColumn));
    if (to <= from) return;
    if (perColumn < 1) {
      for (const { channel, top, height } of bands(pyramid, options)) {
        drawCurve(surface, sounds, pyramid, sound, start, perColumn, channel, { ...options, from, to, top, height });
      }
      return;
    }
    this.#update(columns, sounds, pyramid, sound, start, perColumn, { ...options, top: 0 });
    const { top, height } = options;
    context.drawImage(this.canvas, from, 0, to - from, height, from, top, to - from, height);
  }

  /** Brings the picture up to date. Columns keep their frames while the view moves: else the waveform would shimmer. */
  #update(columns, sounds, pyramid, sound, start, perColumn, options) {
    const { canvas } = this;
    const height = Math.round(options.height);
    const base = Math.floor(start / perColumn);
    const key = [sound.digest, perColumn, columns, height, options.color, options.full, options.split, sounds.version].join(" ");
    const moved = base - this.base;
    let range = [0, columns];
    const context = canvas.getContext("2d");
    if (key !== this.key || Math.abs(moved) >= columns) {
      if (canvas.width !== columns || canvas.height !== height) {
        canvas.width = columns;
        canvas.height = height;
      } else context.clearRect(0, 0, columns, height);
    } else if (moved === 0) return;
    else {
      context.globalCompositeOperation = "copy";
      context.drawImage(canvas, -moved, 0);
      context.globalCompositeOperation = "source-over";
      range = moved > 0 ? [columns - moved, columns] : [0, -moved];
    }
    this.key = key;
    this.base = base;
    context.fillStyle = options.color;
    for (const { channel, top, height: rows } of bands(pyramid, { ...options, height })) {
      drawColumns(context, sounds, pyramid, sound, base, perColumn, channel, { from: range[0], to: range[1], top, height: rows, full: options.full });
    }
  }
}

/** The channels a waveform is drawn in, and their rows. */
function bands(pyramid, options) {
  const count = options.split ? pyramid.channels : 1;
  const height = options.height / count;
  return Array.from({ length: count }, (_, band) => ({ channel: options.split ? band : -1, top: options.top + band * height, height }));
}

function drawColumns(context, sounds, pyramid, sound, base, perColumn, channel, place) {
  const count = place.to - place.from;
  const [bottoms, tops, rms] = scratch(count);
  const first = (base + place.from) * perColumn;
  columnsOf(pyramid, first, perColumn, bottoms, tops, channel, rms);
  if (perColumn < pyramid.levels[0].size) {
    sounds.prepare(sound.digest, pyramid, first, first + count * perColumn);
    const blockAt = (number) => sounds.block(sound.digest, pyramid.channels, number);
    columnsOfBlocks(blockAt, pyramid.frames, pyramid.channels, first, perColumn, bottoms, tops, channel, rms);
  }
  const middle = place.top + place.height / 2;
  const reach = (place.height / 2 - 1) / place.full;
  const limit = place.height / 2;
  const bars = (above, below) => {
    context.beginPath();
    for (let column = 0; column < count; column += 1) {
      if (tops[column] < bottoms[column]) continue;
      const up = Math.round(middle - Math.min(limit, above(column) * reach));
      const down = Math.round(middle - Math.max(-limit, below(column) * reach));
      context.rect(place.from + column, up, 1, Math.max(1, down - up));
    }
    context.fill();
  };
  // Where single samples are not far apart there is no RMS: the peaks are the sound, in full colour.
  const dense = perColumn >= DENSE;
  context.globalAlpha = dense ? PEAKS : 1;
  bars((column) => tops[column], (column) => bottoms[column]);
  context.globalAlpha = 1;
  // Inside the peaks, which need not lie around zero.
  if (dense) bars((column) => Math.min(rms[column], Math.max(0, tops[column])), (column) => Math.max(-rms[column], Math.min(0, bottoms[column])));
}

function drawCurve({ context, ratio }, sounds, pyramid, sound, start, perColumn, channel, place) {
  const first = Math.max(0, Math.floor(start + place.from * perColumn) - 1);
  const last = Math.min(pyramid.frames, Math.ceil(start + place.to * perColumn) + 2);
  sounds.prepare(sound.digest, pyramid, first, last);
  const middle = place.top + place.height / 2;
  const reach = (place.height / 2 - 1) / place.full;
  const dots = perColumn * ratio < 1 / 6;
  const each = channel < 0 ? 0 : channel;
  const size = Math.max(2, Math.round(1.5 * ratio));
  context.lineWidth = Math.max(1, ratio);
  context.beginPath();
  let begun = false;
  const points = [];
  context.fillStyle = place.color;
  context.strokeStyle = place.color;
  for (let frame = first; frame < last; frame += 1) {
    const number = Math.floor(frame / 32768);
    const found = sounds.block(sound.digest, pyramid.channels, number);
    if (!found) {
      begun = false;
      continue;
    }
    const sample = found.data[(frame - number * 32768) * pyramid.channels + each];
    if (sample === undefined) continue;
    const x = (frame - start) / perColumn;
    const y = middle - sample * reach;
    if (begun) context.lineTo(x, y);
    else context.moveTo(x, y);
    begun = true;
    if (dots) points.push(x, y);
  }
  context.stroke();
  for (let at = 0; at < points.length; at += 2) {
    context.fillRect(Math.round(points[at] - size / 2), Math.round(points[at + 1] - size / 2), size, size);
  }
}

/** Lines of bars (and beats, when there is room) over the whole height of a lane. */
export function drawGrid(surface, view, grid, colors) {
  const { context, columns, rows, ratio, width } = surface;
  if (!grid) return;
  const last = sampleAt(view, width);
  const pixelsPerBar = grid.barLength(sampleAt(view, width / 2)) / view.scale;
  if (pixelsPerBar > 140) lines(grid.beats, 1, 0, colors.line);
  const step = barStep(pixelsPerBar, 14);
  lines(grid.bars, step, grid.numbers[0] - 1, colors["line-strong"]);

  function lines(samples, each, offset, color) {
    context.fillStyle = color;
    for (let at = Math.max(0, lastNotAbove(samples, view.first)); at < samples.length && samples[at] <= last; at += 1) {
      if ((at + offset) % each) continue;
      const x = Math.round(xOf(view, samples[at]) * ratio);
      if (x >= 0 && x < columns) context.fillRect(x, 0, 1, rows);
    }
  }
}

/** The ruler: bar numbers and ticks below, tempo and time signatures above; seconds where there are no bars. */
export function drawRuler(surface, view, grid, rate, colors) {
  const { context, rows, ratio, width } = surface;
  const font = (weight, size) => `${weight} ${size * ratio}px system-ui, "Segoe UI", sans-serif`;
  const base = rows - Math.round(4 * ratio);
  context.textBaseline = "alphabetic";
  if (!grid) {
    const perSecond = rate / view.scale;
    const step = secondStep(perSecond, 76);
    const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const first = Math.floor(view.first / rate / step);
    const last = sampleAt(view, width) / rate / step;
    for (let mark = first; mark <= last; mark += 1) {
      const x = Math.round(xOf(view, mark * step * rate) * ratio);
      context.fillStyle = colors["line-strong"];
      context.fillRect(x, rows - Math.round(8 * ratio), 1, Math.round(8 * ratio));
      context.fillStyle = colors.dim;
      context.font = font(400, 11);
      context.fillText(clock(mark * step, digits), x + 4 * ratio, base);
    }
    return;
  }
  const last = sampleAt(view, width);
  const pixelsPerBar = grid.barLength(sampleAt(view, width / 2)) / view.scale;
  const step = barStep(pixelsPerBar, 40);
  const ticks = barStep(pixelsPerBar, 9);
  const offset = grid.numbers[0] - 1;
  for (let at = Math.max(0, lastNotAbove(grid.bars, view.first)); at < grid.bars.length; at += 1) {
    const sample = grid.bars[at];
    if (sample > last) break;
    const x = Math.round(xOf(view, sample) * ratio);
    if ((at + offset) % ticks === 0) {
      context.fillStyle = colors["line-strong"];
      const tall = (at + offset) % step === 0;
      context.fillRect(x, rows - Math.round((tall ? 14 : 5) * ratio), 1, rows);
    }
    if ((at + offset) % step === 0) {
      context.fillStyle = colors.ink;
      context.font = font(600, 11);
      context.fillText(String(grid.numbers[at]), x + 4 * ratio, base);
    }
  }
  if (pixelsPerBar > 180) beatNames();
  changes();

  function beatNames() {
    context.fillStyle = colors.dim;
    context.font = font(400, 10);
    for (let at = Math.max(0, lastNotAbove(grid.beats, view.first)); at < grid.beats.length; at += 1) {
      const sample = grid.beats[at];
      if (sample > last) break;
      if (grid.isBar(sample)) continue;
      const x = Math.round(xOf(view, sample) * ratio);
      const { bar, beat } = grid.place(sample);
      context.fillRect(x, rows - Math.round(6 * ratio), 1, Math.round(6 * ratio));
      context.fillText(`${bar}|${beat}`, x + 4 * ratio, base);
    }
  }

  function changes() {
    const marks = [
      ...grid.meters.map(([sample, meter]) => ({ sample, text: meter })),
      ...grid.tempi.map(([sample, bpm, ramp]) => ({
        sample, text: `♩ = ${Math.round(Number(bpm) * 100) / 100}${Number(ramp) ? " ⤳" : ""}`,
      })),
    ].sort((a, b) => a.sample - b.sample);
    context.font = font(500, 10.5);
    let end = -Infinity;
    let held = null; // the tempo and time signature in force are shown at the left edge, as in a score
    const put = (text, x, mark) => {
      if (x < end) return;
      context.fillStyle = mark ? colors.region : colors.dim;
      if (mark) context.fillRect(Math.round(x), Math.round(3 * ratio), Math.max(1, Math.round(ratio)), Math.round(11 * ratio));
      context.fillText(text, x + 4 * ratio, Math.round(12 * ratio));
      end = x + context.measureText(text).width + 12 * ratio;
    };
    const bySample = new Map();
    for (const { sample, text } of marks) bySample.set(sample, [...(bySample.get(sample) ?? []), text]);
    const places = [...bySample];
    const inView = places.filter(([sample]) => sample > view.first && sample <= last);
    const before = { meter: null, tempo: null };
    for (const { sample, text } of marks) {
      if (sample > view.first) break;
      if (text.startsWith("♩")) before.tempo = text;
      else before.meter = text;
    }
    held = [before.meter, before.tempo].filter(Boolean).join("  ");
    const firstX = inView.length ? xOf(view, inView[0][0]) * ratio : Infinity;
    if (held && context.measureText(held).width + 16 * ratio < firstX) put(held, 0, false);
    for (const [sample, texts] of inView) put(texts.join("  "), xOf(view, sample) * ratio, true);
  }
}

/** The selected region over a lane: a veil inside, a dashed line at each seam. */
export function drawRegion(surface, view, region, colors) {
  if (!region) return;
  const { context, columns, rows, ratio } = surface;
  const left = Math.round(xOf(view, region.start) * ratio);
  const right = Math.round(xOf(view, region.end) * ratio);
  if (right < 0 || left > columns) return;
  context.fillStyle = colors["region-fill"];
  context.fillRect(Math.max(0, left), 0, Math.min(columns, right) - Math.max(0, left), rows);
  context.fillStyle = colors.region;
  for (const x of [left, right - 1]) {
    for (let y = 0; y < rows; y += 7 * ratio) context.fillRect(x, y, Math.max(1, Math.round(ratio)), 4 * ratio);
  }
}

/** The seams of a take in its lane: thin lines with a foot, and the crossfades as wedges. */
export function drawSeams(surface, view, take, colors) {
  const { context, columns, rows, ratio } = surface;
  const line = Math.max(1, Math.round(ratio));
  context.fillStyle = colors.seam;
  const edges = [[take.position, 1, take.receipt?.crossfade_in], [take.position + take.length, -1, take.receipt?.crossfade_out]];
  for (const [sample, side, fade] of edges) {
    const x = Math.round(xOf(view, sample) * ratio);
    if (x < -20 * ratio || x > columns + 20 * ratio) continue;
    context.fillRect(side > 0 ? x : x - line, 0, line, rows);
    const long = Math.max(4 * ratio, ((fade ?? 0) / view.scale) * ratio) * side;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x + long, 0);
    context.lineTo(x, 7 * ratio);
    context.fill();
  }
}
