"use strict";

/**
 * Takes into the set. What was there stays as it was: clips are made on lanes and tracks where nothing lies, and no
 * clip is cut, moved or muted.
 *
 * Live's API uses nothing in the transaction that creates it. So lanes and tracks are one undo step, and what is put
 * into them, all of it, is another. Lanes of ours that are free are used again: then it is one step.
 */

const { pause } = require("./live.js");
const { beatsIn } = require("./song_time.js");

const LANE = /^Takebridge (\d+)$/;
const LOOKS = 10; // Live may show a new clip's length a moment later only
const MOMENT = 50; // milliseconds between two looks

/**
 * One clip to place: {track, path, name, start, end, rate, bpm, mute}. start, end: in beats; track: a handle, and for
 * new tracks null.
 */

/** Into take lanes of their tracks. Returns {steps, clips: [{clip, take}]}. */
async function intoLanes(live, takes) {
  const { lanes, missing } = findLanes(live, takes);
  if (missing.length) {
    const made = await Promise.all(
      live.transaction(() => missing.map((take) => live.create("trackCreateTakeLane", take.track))),
    );
    made.forEach((lane, number) => lanes.set(missing[number], { lane, isNew: true }));
  }
  const numbers = freeNumbers(live, takes);
  const clips = await Promise.all(
    live.transaction(() =>
      takes.map((take) => {
        const { lane, isNew } = lanes.get(take);
        if (isNew) live.model.takelaneSetName(lane, `Takebridge ${numbers.get(take.track.id).shift()}`);
        return live.create("takelaneCreateAudioClip", lane, clipOf(take));
      }),
    ),
  );
  return { steps: missing.length ? 2 : 1, clips: clips.map((clip, number) => ({ clip, take: takes[number] })) };
}

/** For each take a lane of ours with nothing in its stretch, as far as there are any. */
function findLanes(live, takes) {
  const used = new Set();
  const lanes = new Map();
  const missing = [];
  for (const take of takes) {
    const lane = live.model.trackGetTakeLanes(take.track).find(
      (found) =>
        !used.has(found.id) && LANE.test(live.model.takelaneGetName(found)) && isFree(live, found, take.start, take.end),
    );
    if (lane) {
      used.add(lane.id);
      lanes.set(take, { lane, isNew: false });
    } else {
      missing.push(take);
    }
  }
  return { lanes, missing };
}

function isFree(live, lane, start, end) {
  return live.model
    .takelaneGetClips(lane)
    .every((clip) => live.model.clipGetEndTime(clip) <= start || live.model.clipGetStartTime(clip) >= end);
}

/** For each track, numbers that none of its lanes has. */
function freeNumbers(live, takes) {
  const found = new Map();
  for (const { track } of takes) {
    if (found.has(track.id)) continue;
    const taken = live.model
      .trackGetTakeLanes(track)
      .map((lane) => Number(LANE.exec(live.model.takelaneGetName(lane))?.[1] ?? 0));
    const count = taken.length + takes.length;
    found.set(track.id, Array.from({ length: count }, (_, n) => n + 1).filter((number) => !taken.includes(number)));
  }
  return found;
}

/** Onto new tracks, one each. */
async function ontoTracks(live, takes) {
  const tracks = await Promise.all(
    live.transaction(() => takes.map(() => live.create("songCreateAudioTrack", live.song))),
  );
  const clips = await Promise.all(
    live.transaction(() =>
      takes.map((take, number) => {
        live.model.trackSetName(tracks[number], take.name);
        if (take.mute) live.model.trackSetMute(tracks[number], true);
        return live.create("trackCreateAudioClip", tracks[number], clipOf(take));
      }),
    ),
  );
  return { steps: 2, tracks, clips: clips.map((clip, number) => ({ clip, take: takes[number] })) };
}

/** Unwarped, or Live would stretch it; no loop, which would warp it again. Values that are not set may not be null. */
function clipOf(take) {
  return {
    filePath: take.path,
    startTime: take.start,
    duration: take.end - take.start,
    isWarped: false,
    loopSettings: undefined,
  };
}

/** What is wrong with placed clips, a sentence each; Live gets a moment to show what it has made. */
async function faults(live, placed) {
  let found = [];
  for (let look = 0; look < LOOKS; look += 1) {
    found = placed.flatMap(({ clip, take }) => faultsOf(live, clip, take));
    if (!found.length) return found;
    await pause(MOMENT);
  }
  return found;
}

function faultsOf(live, clip, take) {
  const sample = beatsIn(1, take.bpm, take.rate);
  const start = live.model.clipGetStartTime(clip);
  const length = live.model.clipGetEndTime(clip) - start;
  const found = [];
  if (live.model.audioclipGetWarping(clip)) found.push(`${take.name} is warped: switch its Warp off by hand.`);
  if (Math.abs(start - take.start) > sample / 2) {
    found.push(`${take.name} starts at beat ${start.toFixed(4)} in Live instead of ${take.start.toFixed(4)}: move it.`);
  }
  if (take.steady && Math.abs(length - (take.end - take.start)) > 2 * sample) {
    const wanted = (take.end - take.start).toFixed(4);
    found.push(`${take.name} lasts ${length.toFixed(4)} beats in Live instead of ${wanted}: switch its Warp off by hand.`);
  }
  return found;
}

module.exports = { faults, intoLanes, ontoTracks };
