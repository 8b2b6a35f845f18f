/**
 * The song's bars and beats, as the server placed them, and what is done with them: naming and snapping.
 * Pure. Positions are samples of the timeline; a region is half-open {start, end}.
 */

/** Index of the last entry of an ascending array that is not above `value`; -1 when all are. */
export function lastNotAbove(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The entry of an ascending array that lies nearest to `value`; null when it is empty. */
export function nearest(values, value) {
  if (!values.length) return null;
  const at = lastNotAbove(values, value);
  if (at < 0) return values[0];
  if (at === values.length - 1) return values[at];
  return value - values[at] < values[at + 1] - value ? values[at] : values[at + 1];
}

export class Grid {
  /** json: `grid` of focus.show: bars [[number, sample]], beats [sample], tempi [[sample, bpm, ramp]], meters. */
  constructor(json) {
    this.bars = json.bars.map(([, sample]) => sample);
    this.numbers = json.bars.map(([number]) => number);
    this.beats = json.beats;
    this.tempi = json.tempi ?? [];
    this.meters = json.meters ?? [];
  }

  static from(json) {
    return json && json.bars?.length > 1 ? new Grid(json) : null;
  }

  /** The nearest bar line or beat. */
  snapped(sample, toBeats) {
    return nearest(toBeats && this.beats.length ? this.beats : this.bars, sample);
  }

  /** Length of the bar a sample lies in; the first or last known one outside. */
  barLength(sample) {
    const at = Math.min(Math.max(lastNotAbove(this.bars, sample), 0), this.bars.length - 2);
    return this.bars[at + 1] - this.bars[at];
  }

  /** {bar, beat, exact} a sample lies in, beat counted from 1; exact: it is the first sample of that beat. */
  place(sample) {
    const at = lastNotAbove(this.bars, sample);
    if (at < 0) return { bar: this.numbers[0] - 1, beat: 1, exact: false };
    const first = lastNotAbove(this.beats, this.bars[at]);
    const beat = lastNotAbove(this.beats, sample);
    return { bar: this.numbers[at], beat: Math.max(1, beat - first + 1), exact: this.beats[beat] === sample };
  }

  isBar(sample) {
    return this.bars[lastNotAbove(this.bars, sample)] === sample;
  }

  /** A sample moved by whole bars: from line to line when it lies on one, else by the length of its bar. */
  movedBy(sample, bars) {
    const at = lastNotAbove(this.bars, sample);
    const to = at + bars;
    if (this.isBar(sample) && to >= 0 && to < this.bars.length) return this.bars[to];
    return sample + bars * this.barLength(sample);
  }

  /** The region moved by whole bars; it keeps its length in bars where it lies on bar lines. */
  moved(region, bars) {
    const start = this.movedBy(region.start, bars);
    const onBars = this.isBar(region.start) && this.isBar(region.end);
    return { start, end: onBars ? this.movedBy(region.end, bars) : start + region.end - region.start };
  }

  /** The region with its end moved by whole bars; never shorter than a bar. */
  resized(region, bars) {
    const end = this.movedBy(region.end, bars);
    return { start: region.start, end: Math.max(end, region.start + this.barLength(region.start)) };
  }

  /** The whole bars around two samples that a drag went over, or beats; at least one. */
  around(a, b, toBeats) {
    let start = this.snapped(Math.min(a, b), toBeats);
    let end = this.snapped(Math.max(a, b), toBeats);
    if (end <= start) {
      const lines = toBeats && this.beats.length ? this.beats : this.bars;
      const at = Math.min(Math.max(lastNotAbove(lines, Math.min(a, b)), 0), lines.length - 2);
      start = lines[at];
      end = lines[at + 1];
    }
    return { start, end };
  }
}

/** The region inside the limits, as long as it was where that is possible. */
export function within(region, first, last) {
  const length = Math.min(region.end - region.start, last - first);
  const start = Math.min(Math.max(region.start, first), last - length);
  return { start, end: start + length };
}

/** Parses "17-20" or "17"; null when it is neither. */
export function barsNamed(text, grid) {
  const found = /^\s*(-?\d+)\s*(?:-\s*(-?\d+))?\s*$/.exec(text ?? "");
  if (!found || !grid) return null;
  const first = grid.numbers.indexOf(Number(found[1]));
  const last = grid.numbers.indexOf(Number(found[2] ?? found[1]));
  if (first < 0 || last < first || last + 1 >= grid.bars.length) return null;
  return { start: grid.bars[first], end: grid.bars[last + 1] };
}
