"""Takes into the Live Set, in one undo step; what was there before stays as it was.

lanes:  a take lane of the same track for each take. They are silent until the producer picks one, as takes are.
tracks: a copy of the track for each take, emptied, with the take alone in it; the first sounds, the original track is
        muted. Same devices, same routing, and switching between them is switching mutes.
slots:  free Session slots of the track, for Session clips and for Lives that can do no more.

A clip is only ever made where nothing lies: where Live makes one over another, that one ends and its rest is gone.
"""

import os
import re
import shutil

from .messages import Refused

# Alongside the region, not instead of it: each of these becomes a new track.
ALONGSIDE = ("accompany", "extract", "lego")
FOLDER = os.path.join("Samples", "Takebridge")
LATEST_BEAT = 1576800.0
LENGTH_TOLERANCE = 0.01  # beats: far below a wrong length, far above what floats lose
TOO_OLD = (
    "Scripts cannot create audio clips in this version of Live.",
    "Update to Live 12.0.5 or newer, or drag the take in by hand: %s",
)


class Take:
    """One clip to place. beats, length: where it starts, and how long it is; the bridge's path and what to call it."""

    def __init__(self, path, name, beats, length, gain, stem, number):
        self.path = path
        self.name = name
        self.beats = beats
        self.length = length
        self.gain = gain
        self.stem = stem
        self.number = number


class Placed:
    """Where takes went.

    how:         in words.
    clips:       the new clips with their takes, in order.
    original:    the track they came from, where they sound instead of it; else None.
    take_tracks: tracks to switch between.
    lane_clips:  clips in take lanes, which cannot be switched; step() copies one of them to where it can be heard.
    """

    def __init__(self, how, clips, original=None, take_tracks=(), lane_clips=()):
        self.how = how
        self.clips = list(clips)
        self.original = original
        self.take_tracks = list(take_tracks)
        self.lane_clips = list(lane_clips)
        self.number = -1  # of the lane clip that sounds


def place(song, task, track, takes, in_arrangement, way):
    """Places takes and returns Placed. way: as `place` in settings. Raises Refused; what was placed can be undone."""
    song.begin_undo_step()
    try:
        return _place(song, task, track, takes, in_arrangement, way)
    except (RuntimeError, ValueError) as error:
        # Live says with a RuntimeError what it will not do: a limit of tracks, a recording; with a ValueError that it
        # cannot read the file.
        raise Refused(
            f"Live refused to place the takes: {error}", "Edit > Undo removes what was placed."
        ) from error
    finally:
        song.end_undo_step()


def _place(song, task, track, takes, in_arrangement, way):
    if not in_arrangement or way == "slots":
        return _into_slots(song, track, takes)
    if not hasattr(track, "create_audio_clip"):
        if not _has_slots(track):
            raise Refused(TOO_OLD[0], TOO_OLD[1] % takes[0].path)
        return _into_slots(song, track, takes)
    for take in takes:
        if not 0 <= take.beats <= LATEST_BEAT:
            raise Refused(
                f"The Arrangement has no beat {take.beats:.3f}.", "The takes are in the Takebridge store."
            )
    if task in ALONGSIDE:
        return _alongside(song, track, takes)
    if way != "tracks" and hasattr(track, "create_take_lane") and not track.is_frozen:
        return _into_lanes(track, takes)
    if way == "lanes":
        raise Refused(
            "The track is frozen."
            if track.is_frozen
            else "Scripts cannot use take lanes in this version of Live.",
            "Unfreeze it, or set place to tracks in settings.json.",
        )
    if track.is_frozen:
        raise Refused("The track is frozen, so a copy would be too.", "Unfreeze it, then send /ace/place.")
    return _onto_copies(song, track, takes)


def _into_lanes(track, takes):
    pairs = []
    for take in takes:
        lane = track.create_take_lane()
        lane.name = take.name
        pairs.append((_create(lane, take), take))
    how = f"in take lanes of {track.name}; right-click the track header and choose Show Take Lanes"
    return Placed(how, pairs, track, (), [clip for clip, _ in pairs])


def _empty_copy(song, track, name):
    """A copy of a track with its devices and routing and without its clips, right below it."""
    index = list(song.tracks).index(track)
    song.duplicate_track(index)
    copy = song.tracks[index + 1]
    copy.name = name
    for clip in list(copy.arrangement_clips):
        copy.delete_clip(clip)
    return copy


def _onto_copies(song, track, takes):
    copies, clips = [], []
    # From the last to the first: each copy appears right below the original, so they end up in order.
    for take in reversed(takes):
        copy = _empty_copy(song, track, f"{track.name} - {take.name}")
        clips.insert(0, (_create(copy, take), take))
        copy.mute = True
        copies.insert(0, copy)
    copies[0].mute = False
    track.mute = True
    return Placed(f"on copies of {track.name}, which is now muted", clips, track, copies)


def step(song, placed):
    """The next take of those in lanes, on a track of its own with the same devices; the original is muted meanwhile.

    One undo step. Returns the clip's name. Raises Refused.
    """
    song.begin_undo_step()
    try:
        if not placed.take_tracks or placed.take_tracks[0] not in list(song.tracks):
            placed.take_tracks = [_empty_copy(song, placed.original, f"{placed.original.name} - takes")]
        stage = placed.take_tracks[0]
        for clip in list(stage.arrangement_clips):
            stage.delete_clip(clip)
        placed.number = (placed.number + 1) % len(placed.lane_clips)
        clip = placed.lane_clips[placed.number]
        stage.duplicate_clip_to_arrangement(clip, clip.start_time)
        stage.mute = False
        placed.original.mute = True
        return clip.name
    except (RuntimeError, ValueError) as error:
        raise Refused(
            f"Live refused to copy the take: {error}", "Pick it in its lane with the mouse."
        ) from error
    finally:
        song.end_undo_step()


def _alongside(song, track, takes):
    index = list(song.tracks).index(track)
    created, clips = [], []
    for place_in_order, take in enumerate(takes):
        new = song.create_audio_track(index + 1 + place_in_order)
        new.name = take.name
        clips.append((_create(new, take), take))
        # Several takes of one part would sound on top of each other.
        new.mute = take.number != takes[0].number
        created.append(new)
    return Placed(f"on {len(created)} new tracks below {track.name}", clips, None, created)


def _has_slots(track):
    return any(hasattr(slot, "create_audio_clip") for slot in list(track.clip_slots)[:1])


def _into_slots(song, track, takes):
    if not _has_slots(track):
        raise Refused(TOO_OLD[0], TOO_OLD[1] % takes[0].path)
    if track.is_frozen:
        raise Refused("The track is frozen.", "Unfreeze it, then send /ace/place.")
    clips = []
    for take in takes:
        free = [slot for slot in track.clip_slots if not slot.has_clip]
        if not free:
            song.create_scene(-1)
            free = [slot for slot in track.clip_slots if not slot.has_clip]
        clips.append((_dress(free[0].create_audio_clip(take.path), take), take))
    return Placed(f"in free Session slots of {track.name}", clips)


def _create(where, take):
    return _dress(where.create_audio_clip(take.path, take.beats), take)


def _dress(clip, take):
    # Live warps what it imports, and would stretch it with the next change of tempo.
    clip.warping = False
    clip.name = take.name
    if take.gain is not None:
        clip.gain = take.gain
    return clip


def wrong_length(clip, take):
    """What to say of a clip that is not as long as its take, or "". Live knows only on the tick after un-warping."""
    try:
        length = clip.end_time - clip.start_time
    except RuntimeError:
        return ""  # the producer has deleted it
    if abs(length - take.length) < LENGTH_TOLERANCE:
        return ""
    return f"{take.name} lasts {length:.2f} beats in Live instead of {take.length:.2f}: switch its Warp off by hand."


def into_project(path, name, set_path):
    """A copy of a take in the set's own folder, under a name of its own; returns its path. Raises OSError."""
    folder = os.path.join(os.path.dirname(set_path), FOLDER)
    os.makedirs(folder, exist_ok=True)
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', " ", name).strip(" .")[:80] or "take"
    number = 1
    while True:
        ending = "" if number == 1 else f" ({number})"
        copy = os.path.join(folder, f"{stem}{ending}.wav")
        try:
            with open(copy, "xb") as new, open(path, "rb") as old:
                shutil.copyfileobj(old, new)
            return copy
        except FileExistsError:
            number += 1
