"use strict";

/** Beats and samples. Live counts beats as quarter notes from the start of the Arrangement, as floats. */

/** A render may be this many samples longer or shorter than the tempo says: Live rounds its ends in its own way. */
const ROUNDED = 1;

/** The tempo as it was typed: 127.3 for its 32-bit neighbour 127.30000305 as well. */
function typedTempo(bpm) {
  if (Math.fround(bpm) !== bpm) return bpm;
  for (let digits = 1; digits < 10; digits += 1) {
    const typed = Number(bpm.toPrecision(digits));
    if (Math.fround(typed) === bpm) return typed;
  }
  return bpm;
}

/** The sample nearest to so many beats; halfway between two, the later one, as the server rounds. */
function samplesIn(beats, bpm, rate) {
  return Math.round((beats * 60 * rate) / bpm);
}

/** How many beats so many samples last. */
function beatsIn(samples, bpm, rate) {
  return (samples * bpm) / (60 * rate);
}

/**
 * The tempo of a stretch that was rendered: the set's, or, where the render is longer or shorter than the set's tempo
 * makes it, the mean one it really has. Live shows the tempo at the playhead only; a tempo automation does not show.
 */
function tempoOfRender(beats, frames, bpm, rate) {
  const steady = Math.abs(frames - (beats * 60 * rate) / bpm) <= ROUNDED + 0.5;
  return { steady, bpm: steady ? bpm : (beats * 60 * rate) / frames };
}

/** Beats in a bar of a time signature such as "6/8". */
function beatsInBar(meter) {
  const [numerator, denominator] = meter.split("/").map(Number);
  return (numerator * 4) / denominator;
}

module.exports = { beatsIn, beatsInBar, samplesIn, tempoOfRender, typedTempo };
