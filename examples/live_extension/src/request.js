"use strict";

/** What is asked of the server: one request for all selected tracks. */

const { BESIDE } = require("./window.js");

/**
 * The values of a request.
 *
 * sources: {source, name} of each track, in order; time: from `inSamples`; values: what the producer chose.
 */
function requestFor(task, sources, time, values, key, id) {
  const several = sources.length > 1;
  const request = {
    id,
    rate: time.rate,
    bpm: time.bpm,
    meter: values.meter,
    takes: task === "extract" ? 1 : values.takes,
    prompt: values.prompt,
    ...(key ? { key } : {}),
    ...(task === "extract" ? {} : { strength: values.strength }),
    ...(task === "extract" && values.stems.trim() ? { stems: values.stems } : {}),
    ...(BESIDE.has(task) ? {} : { start: time.start, length: time.length }),
  };
  if (!several) {
    const [{ source, name }] = sources;
    return { ...request, source, source_position: time.position, title: named(name), track: named(name) };
  }
  return {
    ...request,
    mode: task === "repaint" ? values.mode : "each",
    tracks: sources.map(({ source, name }) => ({
      source,
      source_position: time.position,
      title: named(name),
      track: named(name),
    })),
  };
}

/** A track's name within the server's limit. */
function named(name) {
  return [...name].slice(0, 128).join("");
}

module.exports = { requestFor };
