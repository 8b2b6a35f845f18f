"use strict";

/** What the producer selected in the Arrangement: read only, nothing is changed here. */

const { Refused } = require("./refused.js");
const { typedTempo } = require("./song_time.js");

const NOTES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
/** Live's scale names and the server's modes. A key in any other scale is left out rather than sent wrongly. */
const MODES = {
  Major: "major", Minor: "minor", Dorian: "dorian", Phrygian: "phrygian", Lydian: "lydian",
  Mixolydian: "mixolydian", Locrian: "locrian",
};
const DRAG = "Drag over the bars you mean in an audio track of the Arrangement, then right-click there.";

/**
 * The selected stretch, in beats, and its audio tracks, in order. Throws Refused.
 *
 * argument: what Live gives a command of the Arrangement's context menu.
 * Returns {start, end, tracks: [{handle, name}], notes}.
 */
function readSelection(live, argument) {
  const start = argument?.time_selection_start;
  const end = argument?.time_selection_end;
  if (!(end > start) || !Array.isArray(argument?.selected_lanes)) throw new Refused("No time is selected.", DRAG);
  const groups = groupIds(live);
  const tracks = [];
  const left = { midi: [], groups: [], empty: [] };
  for (const lane of argument.selected_lanes) {
    const handle = live.is(lane, "TakeLane") ? live.model.getObjectCanonicalParent(lane) : lane;
    if (!isTrack(live, handle)) continue; // a lane of another kind, such as an automation's
    if (tracks.some((track) => track.handle.id === handle.id)) continue;
    const name = live.model.trackGetName(handle);
    if (live.is(handle, "MidiTrack")) left.midi.push(name);
    else if (groups.has(handle.id)) left.groups.push(name);
    else if (!hasAudio(live, handle, start, end)) left.empty.push(name);
    else tracks.push({ handle, name });
  }
  const notes = whatIsLeftOut(left);
  if (!tracks.length) throw new Refused("No audio is selected.", notes.join(" ") || DRAG);
  return { start, end, tracks, notes };
}

/** Some audio tracks are reported to be called plain tracks by Live. */
function isTrack(live, handle) {
  return ["AudioTrack", "MidiTrack", "Track"].some((name) => live.is(handle, name));
}

/** Group tracks are audio tracks to Live's API, but cannot be rendered; a group is what others call their group. */
function groupIds(live) {
  const found = new Set();
  for (const track of live.model.songGetTracks(live.song)) {
    const group = live.model.trackGetGroupTrack(track);
    if (group) found.add(group.id);
  }
  return found;
}

function hasAudio(live, track, start, end) {
  return live.model.trackGetArrangementClips(track).some(
    (clip) =>
      live.model.clipGetStartTime(clip) < end &&
      live.model.clipGetEndTime(clip) > start &&
      !live.model.clipGetMuted(clip),
  );
}

function whatIsLeftOut({ midi, groups, empty }) {
  const notes = [];
  if (midi.length) notes.push(`Left out, as Live cannot render MIDI (freeze and flatten it first): ${midi.join(", ")}.`);
  if (groups.length) notes.push(`Left out, as Live cannot render groups (select the tracks in them): ${groups.join(", ")}.`);
  if (empty.length) notes.push(`Left out, as nothing plays there: ${empty.join(", ")}.`);
  return notes;
}

/** The tempo at the playhead, in beats a minute. */
function tempo(live) {
  return typedTempo(live.model.songGetTempo(live.song));
}

/** The set's scale as the server writes keys, such as "F# minor"; "" when none is switched on or it has no name. */
function key(live) {
  if (!live.model.songGetScaleMode(live.song)) return "";
  const mode = MODES[live.model.songGetScaleName(live.song)];
  const root = Number(live.model.songGetRootNote(live.song));
  return mode && NOTES[root] ? `${NOTES[root]} ${mode}` : "";
}

/**
 * The time signature, where it can be read: the scenes' own, if they all have the same one. Live shows extensions no
 * other; "" then.
 */
function meter(live) {
  const found = new Set();
  for (const scene of live.model.songGetScenes(live.song)) {
    const numerator = Number(live.model.sceneGetSignatureNumerator(scene));
    const denominator = Number(live.model.sceneGetSignatureDenominator(scene));
    if (numerator > 0 && denominator > 0) found.add(`${numerator}/${denominator}`);
  }
  return found.size === 1 ? [...found][0] : "";
}

module.exports = { key, meter, readSelection, tempo };
