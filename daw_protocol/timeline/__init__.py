"""Time on a DAW's timeline: samples, seconds, quarters, bars, keys and positions. Pure and exact."""

from daw_protocol.timeline.bar_grid import MeterChange
from daw_protocol.timeline.bbt import TICKS_PER_QUARTER, Bbt
from daw_protocol.timeline.key import MODES, Key
from daw_protocol.timeline.meter import Meter
from daw_protocol.timeline.midi_file import MidiFileError, read_midi_events
from daw_protocol.timeline.midi_map import SONG_MAP_KINDS, SongMap, read_song_map, song_map_events
from daw_protocol.timeline.position import (
    AtBbt,
    AtQuarters,
    AtSample,
    AtSeconds,
    Position,
    format_position,
    parse_bars,
    parse_position,
)
from daw_protocol.timeline.span import Span
from daw_protocol.timeline.tempo_map import Beat, TempoMap
from daw_protocol.timeline.tempo_point import TempoPoint
from daw_protocol.timeline.timecode import AtTimecode

__all__ = [
    "MODES",
    "SONG_MAP_KINDS",
    "TICKS_PER_QUARTER",
    "AtBbt",
    "AtQuarters",
    "AtSample",
    "AtSeconds",
    "AtTimecode",
    "Bbt",
    "Beat",
    "Key",
    "Meter",
    "MeterChange",
    "MidiFileError",
    "Position",
    "SongMap",
    "Span",
    "TempoMap",
    "TempoPoint",
    "format_position",
    "parse_bars",
    "parse_position",
    "read_midi_events",
    "read_song_map",
    "song_map_events",
]
