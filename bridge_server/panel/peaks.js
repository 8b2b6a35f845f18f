/**
 * Waveforms as lowest sample, highest sample and RMS of each pixel column, from the server's peak pyramid or from samples.
 * Pure; the format is described in clip_store/peaks.py.
 */

const MAGIC = 0x50454341; // "ACEP", little endian
const FULL = 32767;
/** Of the format; part of the address, since browsers keep what they once fetched. */
export const VERSION = 2;
const EACH = 3; // figures of a peak

/** The pyramid: {rate, channels, frames, levels: [{size, count, data: Int16Array [peak][channel][min, max, RMS]}]}. */
export function parsePeaks(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 28 || view.getUint32(0, true) !== MAGIC) throw new Error("This is not a peak file.");
  if (view.getUint32(4, true) !== VERSION) throw new Error("This peak file has another version; reload the page.");
  const channels = view.getUint32(12, true);
  const frames = Number(view.getBigUint64(16, true));
  const count = view.getUint32(24, true);
  let at = 28 + 8 * count;
  at += (4 - (at % 4)) % 4;
  const levels = [];
  for (let level = 0; level < count; level += 1) {
    const size = view.getUint32(28 + 8 * level, true);
    const peaks = view.getUint32(32 + 8 * level, true);
    levels.push({ size, count: peaks, data: new Int16Array(buffer, at, peaks * channels * EACH) });
    at += peaks * channels * EACH * 2;
  }
  return { rate: view.getUint32(8, true), channels, frames, levels };
}

/** The coarsest level that is still as fine as the columns; the finest one when none is. */
export function levelFor(pyramid, framesPerColumn) {
  let best = pyramid.levels[0];
  for (const level of pyramid.levels) if (level.size <= framesPerColumn) best = level;
  return best;
}

/**
 * Fills low[i], high[i] (-1..1) for columns of `step` frames from frame `first` on; an empty column has low > high.
 * channel: which one, or -1 for all together; rms: filled as well if it is given.
 */
export function columnsOf(pyramid, first, step, low, high, channel = -1, rms = null) {
  const level = levelFor(pyramid, step);
  const { size, count, data } = level;
  const channels = pyramid.channels;
  const from = channel < 0 ? 0 : channel;
  const to = channel < 0 ? channels : channel + 1;
  for (let column = 0; column < low.length; column += 1) {
    const a = first + column * step;
    const b = a + step;
    let least = 2;
    let most = -2;
    let power = 0;
    let counted = 0;
    if (b > 0 && a < pyramid.frames) {
      const begin = Math.max(0, Math.floor(a / size));
      const end = Math.min(count, Math.max(begin + 1, Math.ceil(b / size)));
      for (let peak = begin; peak < end; peak += 1) {
        for (let each = from; each < to; each += 1) {
          const place = (peak * channels + each) * EACH;
          power += (data[place + 2] / FULL) ** 2;
          counted += 1;
          const bottom = data[place] / FULL;
          const top = data[place + 1] / FULL;
          if (bottom < least) least = bottom;
          if (top > most) most = top;
        }
      }
    }
    low[column] = least;
    high[column] = most;
    if (rms) rms[column] = counted ? Math.sqrt(power / counted) : 0;
  }
}

/** Frames in one block of samples that is fetched at once. */
export const BLOCK = 32768;
/** Frames a peak of the extra level that is made of each block. */
const FINE = 16;

/** A block of samples with its own fine peaks. data: Float32Array, interleaved. */
export function block(data, channels) {
  const frames = Math.floor(data.length / channels);
  const count = Math.ceil(frames / FINE);
  const fine = new Float32Array(count * channels * EACH);
  for (let peak = 0; peak < count; peak += 1) {
    const end = Math.min(frames, (peak + 1) * FINE);
    for (let channel = 0; channel < channels; channel += 1) {
      let least = 2;
      let most = -2;
      let power = 0;
      for (let frame = peak * FINE; frame < end; frame += 1) {
        const sample = data[frame * channels + channel];
        power += sample * sample;
        if (sample < least) least = sample;
        if (sample > most) most = sample;
      }
      const place = (peak * channels + channel) * EACH;
      fine[place] = least;
      fine[place + 1] = most;
      fine[place + 2] = Math.sqrt(power / (end - peak * FINE));
    }
  }
  return { data, channels, frames, fine };
}

/**
 * As columnsOf, from blocks: blockAt(number) gives one or null. Columns whose block is missing are left alone. A column of
 * a few samples has no RMS that means anything: it is 0.
 */
export function columnsOfBlocks(blockAt, frames, channels, first, step, low, high, channel = -1, rms = null) {
  const from = channel < 0 ? 0 : channel;
  const to = channel < 0 ? channels : channel + 1;
  for (let column = 0; column < low.length; column += 1) {
    let frame = Math.floor(first + column * step);
    const end = Math.min(frames, Math.max(frame + 1, Math.ceil(first + (column + 1) * step)));
    frame = Math.max(0, frame);
    let least = 2;
    let most = -2;
    let missing = false;
    let power = 0;
    let counted = 0;
    while (frame < end) {
      const number = Math.floor(frame / BLOCK);
      const found = blockAt(number);
      const offset = frame - number * BLOCK;
      if (!found || offset >= found.frames) {
        missing = true;
        break;
      }
      const stop = Math.min(end - number * BLOCK, found.frames);
      if (step >= 2 * FINE) {
        for (let peak = Math.floor(offset / FINE); peak < Math.ceil(stop / FINE); peak += 1) {
          for (let each = from; each < to; each += 1) {
            const place = (peak * channels + each) * EACH;
            power += found.fine[place + 2] ** 2;
            counted += 1;
            if (found.fine[place] < least) least = found.fine[place];
            if (found.fine[place + 1] > most) most = found.fine[place + 1];
          }
        }
      } else {
        for (let inside = offset; inside < stop; inside += 1) {
          for (let each = from; each < to; each += 1) {
            const sample = found.data[inside * channels + each];
            if (sample < least) least = sample;
            if (sample > most) most = sample;
          }
        }
      }
      frame = number * BLOCK + stop;
    }
    if (!missing) {
      low[column] = least;
      high[column] = most;
      if (rms) rms[column] = counted ? Math.sqrt(power / counted) : 0;
    }
  }
}

/** Numbers of the blocks that frames [first, last) lie in. */
export function blocksIn(first, last, frames) {
  const found = [];
  const from = Math.max(0, Math.floor(first / BLOCK));
  const to = Math.min(Math.ceil(frames / BLOCK), Math.ceil(last / BLOCK));
  for (let number = from; number < to; number += 1) found.push(number);
  return found;
}
