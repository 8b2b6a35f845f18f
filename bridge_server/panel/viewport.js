/**
 * The stretch of the timeline that is on the screen: {first: sample at the left edge, scale: samples a CSS pixel}.
 * Pure; every function gives a new one.
 */

/** Samples a pixel at the closest: forty pixels a sample. */
const CLOSEST = 1 / 40;

export const xOf = (view, sample) => (sample - view.first) / view.scale;
export const sampleAt = (view, x) => view.first + x * view.scale;

/** The view kept inside `limits` {first, last}, for a canvas `width` pixels wide. */
export function clamped(view, limits, width) {
  const whole = Math.max(1, limits.last - limits.first);
  const scale = Math.min(Math.max(view.scale, CLOSEST), whole / width);
  const most = limits.last - scale * width;
  return { first: Math.min(Math.max(view.first, limits.first), Math.max(limits.first, most)), scale };
}

/** Zoomed by `factor` (above 1: closer); the sample under x stays there. */
export function zoomed(view, factor, x, limits, width) {
  const whole = Math.max(1, limits.last - limits.first);
  const scale = Math.min(Math.max(view.scale / factor, CLOSEST), whole / width);
  return clamped({ first: sampleAt(view, x) - x * scale, scale }, limits, width);
}

export function panned(view, pixels, limits, width) {
  return clamped({ ...view, first: view.first + pixels * view.scale }, limits, width);
}

/** A region with some of its surroundings: `share` of the width on either side. */
export function fitted(region, share, limits, width) {
  const scale = (region.end - region.start) / (width * (1 - 2 * share));
  return clamped({ first: region.start - share * width * scale, scale }, limits, width);
}

/** A step for labels: the smallest of 1, 2, 4, 8, ... that are at least `pixels` apart. */
export function barStep(pixelsPerBar, pixels) {
  let step = 1;
  while (step * pixelsPerBar < pixels) step *= 2;
  return step;
}

/** Seconds between labels on a ruler without bars, at least `pixels` apart. */
export function secondStep(pixelsPerSecond, pixels) {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];
  return steps.find((step) => step * pixelsPerSecond >= pixels) ?? 3600;
}
