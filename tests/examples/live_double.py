"""A strict double of the part of Ableton Live's Python API that the Remote Script uses.

Every property and method is in a table, with its types and whether it may be written, as Live 12.4's own introspection
lists them. Whatever is not in a table does not exist; what is read-only cannot be written; everything must be touched
on the main thread; and each change is an undo step of its own unless it lies between begin_undo_step and end_undo_step.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import soundfile

from tests.places import EXAMPLES

ZERO_DB = 0.4  # Live's own scale of gain
AUDIO, MIDI = "audio", "midi"


class ArgumentError(TypeError):
    """What Boost.Python raises when a call does not fit the C++ signature."""


@dataclass
class Member:
    """One entry of a table. kinds: what Python types it takes; written: whether it may be set."""

    kinds: tuple[type, ...]
    written: bool = False


def r(*kinds: type) -> Member:
    return Member(kinds)


def rw(*kinds: type) -> Member:
    return Member(kinds, True)


class World:
    """What all objects of one Live Set share: its thread, its undo history and which version of Live it is."""

    def __init__(self, version: tuple[int, int, int]) -> None:
        self.version = version
        self.main_thread = threading.get_ident()
        self.hidden: set[str] = set()  # properties of the song that this Live does not have
        self.objects: list[LiveObject] = []
        self.undo_steps: list[list[tuple[LiveObject, dict[str, Any]]]] = []
        self.depth = 0
        self.ticks = 0

    def snapshot(self) -> list[tuple[LiveObject, dict[str, Any]]]:
        return [
            (
                one,
                {
                    name: list(value) if isinstance(value, list) else value
                    for name, value in values(one).items()
                },
            )
            for one in self.objects
        ]

    @contextmanager
    def change(self) -> Iterator[None]:
        if self.depth == 0:
            self.undo_steps.append(self.snapshot())
        yield

    def check_thread(self) -> None:
        if threading.get_ident() != self.main_thread:
            raise AssertionError("Live's API was touched outside the main thread")


def values(one: LiveObject) -> dict[str, Any]:
    found: dict[str, Any] = object.__getattribute__(one, "_values")
    return found


class LiveObject:
    """Base of all: `properties` and `methods` are the tables, `_values` the state."""

    properties: ClassVar[dict[str, Member]] = {}
    methods: ClassVar[dict[str, tuple[tuple[type, ...], ...]]] = {}

    def __init__(self, world: World, **state: Any) -> None:
        object.__setattr__(self, "_world", world)
        object.__setattr__(self, "_values", state)
        world.objects.append(self)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name in ("properties", "methods", "audio_only"):
            return object.__getattribute__(self, name)
        world: World = object.__getattribute__(self, "_world")
        world.check_thread()
        if name in type(self).properties and self._exists(name):
            return self._read(name)
        if name in type(self).methods and self._exists(name):
            return self._bound(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._world.check_thread()
        member = type(self).properties.get(name)
        if member is None or not self._exists(name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if not member.written:
            raise AttributeError("can't set attribute")
        check_kind(name, value, member.kinds)
        with self._world.change():
            self._write(name, value)

    def _exists(self, name: str) -> bool:
        """Whether this version of Live has it."""
        return True

    def _read(self, name: str) -> Any:
        value = self._values[name]
        # Live hands out vectors that cannot be changed.
        return tuple(value) if isinstance(value, list) else value

    def _write(self, name: str, value: Any) -> None:
        self._values[name] = value

    def _bound(self, name: str) -> Any:
        kinds = type(self).methods[name]

        def call(*arguments: Any) -> Any:
            self._world.check_thread()
            if len(arguments) != len(kinds):
                raise ArgumentError(f"{name} takes {len(kinds)} arguments, got {len(arguments)}")
            for number, (argument, allowed) in enumerate(zip(arguments, kinds, strict=True)):
                check_kind(f"{name} argument {number + 1}", argument, allowed)
            return getattr(self, f"_{name}")(*arguments)

        return call


def check_kind(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    """As Boost.Python converts: an int passes for a float, a bool for an int; nothing else is converted."""
    if isinstance(value, kinds) or (float in kinds and isinstance(value, int)):
        return
    raise ArgumentError(f"{name} did not match C++ signature: got {type(value).__name__}")


class Parameter(LiveObject):
    properties: ClassVar = {"automation_state": r(int), "value": rw(float)}


class MixerDevice(LiveObject):
    properties: ClassVar = {"song_tempo": r(object), "volume": r(object)}


class MainTrack(LiveObject):
    properties: ClassVar = {"mixer_device": r(object), "name": rw(str)}


class WarpMarker(LiveObject):
    properties: ClassVar = {"beat_time": r(float), "sample_time": r(float)}


class Clip(LiveObject):
    """Markers are beats while it is warped and seconds while it is not; an unwarped clip lasts as long as its file."""

    properties: ClassVar = {
        "canonical_parent": r(object), "end_marker": rw(float), "end_time": r(float), "file_path": r(str),
        "gain": rw(float), "gain_display_string": r(str), "is_arrangement_clip": r(bool), "is_audio_clip": r(bool),
        "is_midi_clip": r(bool), "is_recording": r(bool), "is_session_clip": r(bool), "is_take_lane_clip": r(bool),
        "loop_end": rw(float), "loop_start": rw(float), "looping": rw(bool), "muted": rw(bool), "name": rw(str),
        "pitch_coarse": rw(int), "pitch_fine": rw(float), "sample_length": r(int), "sample_rate": r(float),
        "start_marker": rw(float), "start_time": r(float), "warp_markers": r(tuple), "warping": rw(bool),
    }  # fmt: skip
    audio_only: ClassVar = {
        "file_path", "gain", "gain_display_string", "pitch_coarse", "pitch_fine", "sample_length", "sample_rate",
        "warp_markers", "warping",
    }  # fmt: skip

    def _read(self, name: str) -> Any:
        state = self._values
        if name in self.audio_only and state["kind"] is MIDI:
            raise RuntimeError("Only audio clips have this")
        if name in ("is_audio_clip", "is_midi_clip"):
            return name == f"is_{state['kind']}_clip"
        if name == "is_arrangement_clip":
            return state["arrangement"]
        if name == "is_session_clip":
            return not state["arrangement"]
        if name == "is_take_lane_clip":
            return isinstance(state["canonical_parent"], TakeLane)
        if name == "gain_display_string":
            return {ZERO_DB: "0.0 dB", 0.5: "3.0 dB", 0.2: "-6.0 dB"}[state["gain"]]
        if name == "end_time" and state["stale"][0] == self._world.ticks:
            return state["stale"][1]
        if name == "end_time" and state["length_beats"] is None:
            # It lasts as long as the stretch of its file does at the set's tempo.
            seconds = state["loop_end"] - state["loop_start"]
            return state["start_time"] + seconds * state["song"]._values["tempo"] / 60
        if name == "end_time":
            return state["start_time"] + state["length_beats"]
        return super()._read(name)

    def _write(self, name: str, value: Any) -> None:
        state = self._values
        if name == "warping" and not value and state["warping"]:
            # Only the next tick knows how long it is now.
            state["stale"] = (self._world.ticks, self._read("end_time"))
            seconds = state["sample_length"] / state["sample_rate"]
            state.update(loop_start=0.0, loop_end=seconds, start_marker=0.0, end_marker=seconds)
            state.update(looping=False, length_beats=None)
        super()._write(name, value)


def audio_clip(world: World, song: Song, parent: LiveObject, path: str, start_time: float | None) -> Clip:
    """What Live makes of an imported file: warped, to a tempo it has guessed. Raises ValueError."""
    try:
        about = soundfile.info(path)
    except Exception as error:
        raise ValueError("Invalid path") from error
    guessed = about.frames / about.samplerate * 97.0 / 60
    return Clip(
        world, kind=AUDIO, song=song, canonical_parent=parent, arrangement=start_time is not None, file_path=path,
        sample_length=about.frames, sample_rate=float(about.samplerate), name=Path(path).stem, gain=ZERO_DB,
        start_time=0.0 if start_time is None else float(start_time), length_beats=guessed, loop_start=0.0,
        loop_end=guessed, start_marker=0.0, end_marker=guessed, looping=False, warping=True, muted=False,
        pitch_coarse=0, pitch_fine=0.0, is_recording=False, stale=(-1, 0.0),
        warp_markers=[
            WarpMarker(world, beat_time=0.0, sample_time=0.0), WarpMarker(world, beat_time=97.0, sample_time=60.0),
        ],
    )  # fmt: skip


def midi_clip(world: World, song: Song, parent: LiveObject, start_time: float, beats: float) -> Clip:
    return Clip(
        world, kind=MIDI, song=song, canonical_parent=parent, arrangement=True, name="notes", start_time=start_time,
        length_beats=beats, loop_start=0.0, loop_end=beats, start_marker=0.0, end_marker=beats, looping=False,
        muted=False, is_recording=False, stale=(-1, 0.0),
    )  # fmt: skip


# Which version brought take lanes to scripts is not documented; the double draws the line somewhere.
NEW_IN_12_0_5 = ("create_audio_clip",)
NEW_IN_12_2 = ("create_take_lane", "take_lanes")


class Versioned(LiveObject):
    def _exists(self, name: str) -> bool:
        if name in NEW_IN_12_2:
            return self._world.version >= (12, 2, 0)
        return name not in NEW_IN_12_0_5 or self._world.version >= (12, 0, 5)


class TakeLane(Versioned):
    properties: ClassVar = {"arrangement_clips": r(tuple), "canonical_parent": r(object), "name": rw(str)}
    methods: ClassVar = {"create_audio_clip": ((str,), (float,))}

    def _create_audio_clip(self, path: str, start_time: float) -> Clip:
        check_place(self._values["canonical_parent"], start_time)
        song = self._values["canonical_parent"]._values["song"]
        with self._world.change():
            clip = audio_clip(self._world, song, self, path, start_time)
            put_over(self, clip)
        return clip


class ClipSlot(Versioned):
    properties: ClassVar = {"canonical_parent": r(object), "clip": r(object), "has_clip": r(bool)}
    methods: ClassVar = {"create_audio_clip": ((str,),)}

    def _read(self, name: str) -> Any:
        return self._values["clip"] is not None if name == "has_clip" else super()._read(name)

    def _create_audio_clip(self, path: str) -> Clip:
        track = self._values["canonical_parent"]
        if self._values["clip"] is not None or track._values["is_frozen"] or not track._values["audio"]:
            raise RuntimeError("The slot cannot take an audio clip")
        with self._world.change():
            self._values["clip"] = audio_clip(self._world, track._values["song"], self, path, None)
        clip: Clip = self._values["clip"]
        return clip


class Track(Versioned):
    properties: ClassVar = {
        "arrangement_clips": r(tuple), "canonical_parent": r(object), "clip_slots": r(tuple), "is_frozen": r(bool),
        "mute": rw(bool), "name": rw(str), "take_lanes": r(tuple),
    }  # fmt: skip
    methods: ClassVar = {
        "create_audio_clip": ((str,), (float,)), "create_take_lane": (), "delete_clip": ((Clip,),),
        "duplicate_clip_to_arrangement": ((Clip,), (float,)),
    }  # fmt: skip

    def _create_audio_clip(self, path: str, position: float) -> Clip:
        check_place(self, position)
        with self._world.change():
            clip = audio_clip(self._world, self._values["song"], self, path, position)
            put_over(self, clip)
        return clip

    def _delete_clip(self, clip: Clip) -> None:
        if clip not in self._values["arrangement_clips"]:
            raise RuntimeError("The clip is not on this track")
        with self._world.change():
            self._values["arrangement_clips"].remove(clip)

    def _duplicate_clip_to_arrangement(self, clip: Clip, position: float) -> Clip:
        check_place(self, position)
        with self._world.change():
            twin = Clip(self._world, **clip._values)
            twin._values.update(canonical_parent=self, start_time=position, arrangement=True)
            put_over(self, twin)
        return twin

    def _create_take_lane(self) -> TakeLane:
        with self._world.change():
            lane = TakeLane(self._world, canonical_parent=self, arrangement_clips=[], name="Take")
            self._values["take_lanes"].append(lane)
        return lane


def put_over(parent: LiveObject, clip: Clip) -> None:
    """A new clip among those of a track or lane. One it overlaps ends where the new one begins; the rest is gone."""
    clips = parent._values["arrangement_clips"]
    start, end = clip._read("start_time"), clip._read("end_time")
    for other in list(clips):
        first = other._read("start_time")
        if first < end and other._read("end_time") > start:
            if first >= start:
                clips.remove(other)
            else:
                other._values["length_beats"] = start - first
    clips.append(clip)


def check_place(track: LiveObject, position: float) -> None:
    state = track._values
    if not state["audio"] or state["is_frozen"] or not 0.0 <= position <= 1576800.0:
        raise RuntimeError("An audio clip cannot be created here")


class SongView(LiveObject):
    properties: ClassVar = {"detail_clip": rw(Clip, type(None)), "selected_track": rw(Track)}


class ApplicationView(LiveObject):
    properties: ClassVar = {"focused_document_view": r(str)}


class Application(LiveObject):
    properties: ClassVar = {"view": r(object)}
    methods: ClassVar = {"get_bugfix_version": (), "get_major_version": (), "get_minor_version": ()}

    def _get_major_version(self) -> int:
        return self._world.version[0]

    def _get_minor_version(self) -> int:
        return self._world.version[1]

    def _get_bugfix_version(self) -> int:
        return self._world.version[2]


class Song(LiveObject):
    properties: ClassVar = {
        "can_undo": r(bool), "file_path": r(str), "loop": rw(bool), "loop_length": rw(float), "loop_start": rw(float),
        "master_track": r(object), "root_note": rw(int), "scale_mode": rw(bool), "scale_name": rw(str),
        "scenes": r(tuple), "signature_denominator": rw(int), "signature_numerator": rw(int), "tempo": rw(float),
        "tracks": r(tuple), "view": r(object),
    }  # fmt: skip
    methods: ClassVar = {
        "begin_undo_step": (), "end_undo_step": (), "create_audio_track": ((int,),), "create_scene": ((int,),),
        "duplicate_track": ((int,),), "undo": (),
    }  # fmt: skip

    def _exists(self, name: str) -> bool:
        return name not in self._world.hidden

    def _begin_undo_step(self) -> None:
        assert self._world.depth == 0, "an undo step was begun inside another"
        self._world.undo_steps.append(self._world.snapshot())
        self._world.depth = 1

    def _end_undo_step(self) -> None:
        assert self._world.depth == 1, "an undo step was ended that was never begun"
        self._world.depth = 0

    def _undo(self) -> str:
        for one, state in self._world.undo_steps.pop():
            object.__setattr__(one, "_values", state)
        return ""

    def _create_audio_track(self, index: int) -> Track:
        if not -1 <= index <= len(self._values["tracks"]):
            raise RuntimeError("Invalid index")
        with self._world.change():
            track = new_track(self._world, self, "Audio")
            self._values["tracks"].insert(len(self._values["tracks"]) if index == -1 else index, track)
        return track

    def _create_scene(self, index: int) -> None:
        with self._world.change():
            self._values["scenes"].append("scene")
            for track in self._values["tracks"]:
                slot = ClipSlot(self._world, canonical_parent=track, clip=None)
                track._values["clip_slots"].append(slot)

    def _duplicate_track(self, index: int) -> None:
        original = self._values["tracks"][index]
        with self._world.change():
            copy = new_track(self._world, self, original._values["name"])
            copy._values.update(mute=original._values["mute"])
            for clip in original._values["arrangement_clips"]:
                twin = Clip(self._world, **clip._values)
                twin._values["canonical_parent"] = copy
                copy._values["arrangement_clips"].append(twin)
            self._values["tracks"].insert(index + 1, copy)


def new_track(world: World, song: Song, name: str, audio: bool = True, slots: int = 2) -> Track:
    track = Track(
        world, song=song, canonical_parent=song, name=name, audio=audio, mute=False, is_frozen=False,
        arrangement_clips=[], take_lanes=[], clip_slots=[],
    )  # fmt: skip
    track._values["clip_slots"] = [ClipSlot(world, canonical_parent=track, clip=None) for _ in range(slots)]
    return track


@dataclass
class LiveInstance:
    """`c_instance`: Live's side of a Remote Script. messages: what the status line showed, in order."""

    live_song: Song
    world: World
    application: Application
    messages: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    forwarded: list[tuple[int, int]] = field(default_factory=list)

    def song(self) -> Song:
        self.world.check_thread()
        return self.live_song

    def show_message(self, message: str) -> None:
        self.world.check_thread()
        check_kind("show_message", message, (str,))
        self.messages.append(message)

    def log_message(self, message: str) -> None:
        check_kind("log_message", message, (str,))
        self.log.append(message)

    def handle(self) -> int:
        return 4711

    def request_rebuild_midi_map(self) -> None:
        self.world.check_thread()


class ControlSurfaceDouble:
    """_Framework.ControlSurface: what scripts inherit, no more than ours may use."""

    def __init__(self, c_instance: LiveInstance) -> None:
        self._c_instance = c_instance
        self.connected = True

    def song(self) -> Song:
        return self._c_instance.song()

    def application(self) -> Application:
        return self._c_instance.application

    def show_message(self, message: str) -> None:
        self._c_instance.show_message(message)

    def log_message(self, *message: Any) -> None:
        self._c_instance.log_message(f"({type(self).__name__}) {' '.join(map(str, message))}")

    def update_display(self) -> None:
        self._c_instance.world.check_thread()
        self._c_instance.world.ticks += 1

    def build_midi_map(self, midi_map_handle: int) -> None:
        self._c_instance.forwarded.clear()

    def receive_midi(self, midi_bytes: tuple[int, ...]) -> None:
        raise AssertionError("Live's own handling is not part of the double")

    def disconnect(self) -> None:
        self.connected = False


class LiveSet:
    """A set with one audio track, on which a clip lies; what a test changes before it presses a button."""

    def __init__(
        self, folder: Path, sample: Path, *, version: tuple[int, int, int] = (12, 4, 6), tempo: float = 120.0
    ) -> None:
        self.world = world = World(version)
        tempo_parameter = Parameter(world, automation_state=0, value=tempo)
        mixer = MixerDevice(world, song_tempo=tempo_parameter, volume=None)
        main = MainTrack(world, mixer_device=mixer, name="Main")
        self.song = Song(
            world, can_undo=False, file_path=str(folder / "My Set.als"), loop=False, loop_length=4.0, loop_start=0.0,
            master_track=main, root_note=0, scale_mode=False, scale_name="Major", scenes=["1", "2"],
            signature_denominator=4, signature_numerator=4, tempo=tempo, tracks=[], view=None,
        )  # fmt: skip
        self.track = new_track(world, self.song, "Band")
        self.song._values["tracks"] = [self.track, new_track(world, self.song, "Keys", audio=False)]
        self.song._values["view"] = SongView(world, detail_clip=None, selected_track=self.track)
        self.clip = audio_clip(world, self.song, self.track, str(sample), 0.0)
        self.track._values["arrangement_clips"].append(self.clip)
        self.tempo_parameter = tempo_parameter
        self.clip._write("warping", False)
        world.ticks += 1  # it was imported long ago
        self.clip._values["name"] = "band"
        self.select(self.clip)
        application = Application(world, view=ApplicationView(world, focused_document_view="Arranger"))
        self.instance = LiveInstance(self.song, world, application)

    def select(self, clip: Clip | None) -> None:
        self.song._values["view"]._values["detail_clip"] = clip

    def trim(self, beat: float, first: float, last: float) -> None:
        """Shows only these seconds of the sample, from a beat on, as if both edges of the clip had been dragged."""
        self.clip._values.update(start_time=beat, loop_start=first, start_marker=first, loop_end=last)

    def show_session(self) -> None:
        self.instance.application._values["view"]._values["focused_document_view"] = "Session"

    def brace(self, start: float, length: float) -> None:
        self.song._values.update(loop=True, loop_start=start, loop_length=length)

    def warp_straight(self, clip: Clip) -> None:
        """Warped as Live warps what it records: on one line at the set's tempo, with the hidden last marker."""
        beats = float(Fraction(clip._values["sample_length"]) / Fraction(clip._values["sample_rate"])
                      * Fraction(self.song._values["tempo"]) / 60)  # fmt: skip
        seconds = 60.0 / self.song._values["tempo"]
        places = (0.0, beats, beats + 1 / 32)
        clip._values.update(
            warping=True, loop_start=0.0, loop_end=beats, start_marker=0.0, end_marker=beats, length_beats=beats,
            warp_markers=[WarpMarker(self.world, beat_time=at, sample_time=at * seconds) for at in places],
        )  # fmt: skip


def live_modules() -> dict[str, types.ModuleType]:
    """The modules a Remote Script imports from Live."""
    live = types.ModuleType("Live")
    midi_map = types.ModuleType("Live.MidiMap")

    def forward_midi_note(script: int, handle: LiveInstance, channel: int, note: int) -> bool:
        assert script == 4711
        assert 0 <= channel < 16
        assert 0 <= note < 128
        handle.forwarded.append((channel, note))
        return True

    midi_map.forward_midi_note = forward_midi_note  # type: ignore[attr-defined]
    live.MidiMap = midi_map  # type: ignore[attr-defined]
    framework = types.ModuleType("_Framework")
    surface = types.ModuleType("_Framework.ControlSurface")
    surface.ControlSurface = ControlSurfaceDouble  # type: ignore[attr-defined]
    return {
        "Live": live, "Live.MidiMap": midi_map, "_Framework": framework, "_Framework.ControlSurface": surface,
    }  # fmt: skip


@contextmanager
def script_modules() -> Iterator[None]:
    """Live's modules and the folder of our script, importable as Live imports it: under its own name."""
    folder = str(EXAMPLES / "ableton")
    ours = live_modules()
    sys.modules.update(ours)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in [
            one for one in list(sys.modules) if one.split(".")[0] in ("Takebridge", "Live", "_Framework")
        ]:
            del sys.modules[name]
