"""Messages of every type at random, for the tests that must hold for all of them: one strategy for each kind."""

from __future__ import annotations

import dataclasses
import string
from fractions import Fraction

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from daw_protocol import fields as kinds
from daw_protocol import part_fields, requests, result_fields
from daw_protocol import timeline_fields as timeline_kinds
from daw_protocol.blueprint_field import LOOK, BlueprintKind
from daw_protocol.message import Message
from daw_protocol.requests.export import LEDGER_FORMAT, MIX_FORMATS, NOTES_FORMAT, STEMS_FORMAT
from daw_protocol.requests.presets import RENDERS
from daw_protocol.requests.regions import Region, RegionsKind
from daw_protocol.requests.song_tempo import SETTERS
from daw_protocol.requests.tracks import Track, TracksKind
from daw_protocol.seed import Seed
from daw_protocol.timeline import (
    MODES,
    AtBbt,
    AtQuarters,
    AtSample,
    AtSeconds,
    AtTimecode,
    Bbt,
    Key,
    Meter,
    MeterChange,
    TempoMap,
    TempoPoint,
)
from daw_protocol.timeline.chord_progression import ChordProgression
from daw_protocol.timeline.duration import Duration, DurationUnit

# Few examples of each of many types; no deadline, for a busy machine is no fault of the code.
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters=sorted(kinds.CONTROL_CHARACTERS))
NAMES = st.text(string.ascii_lowercase + " _-'\"[]éß日", min_size=1, max_size=12).filter(
    lambda name: name.strip()
)


def fractions(low: int, high: int) -> st.SearchStrategy[Fraction]:
    return st.fractions(low, high, max_denominator=960)


def meters() -> st.SearchStrategy[Meter]:
    return st.builds(Meter, st.integers(1, 64), st.sampled_from((1, 2, 4, 8, 16, 32)))


def positions() -> st.SearchStrategy[object]:
    return st.one_of(
        st.builds(AtSample, st.integers(-(2**40), 2**40)),
        st.builds(AtSeconds, fractions(-1000, 1_000_000)),
        st.builds(AtQuarters, fractions(-1000, 10_000)),
        st.builds(AtBbt, st.builds(Bbt, st.integers(-9, 9999), st.integers(1, 64), fractions(0, 3839))),
        st.sampled_from(("00:01:02:12@25", "10:00:00;02@29.97")).map(AtTimecode.parse),
    )


def durations() -> st.SearchStrategy[Duration]:
    decimals = st.decimals("0.001", 80_000, places=12, allow_nan=False).map(Fraction)
    return st.one_of(
        st.builds(Duration, st.integers(1, 10**9).map(Fraction), st.just(DurationUnit.SAMPLES)),
        st.builds(Duration, st.integers(1, 1000).map(Fraction), st.just(DurationUnit.BARS)),
        st.builds(Duration, decimals, st.sampled_from((DurationUnit.SECONDS, DurationUnit.QUARTERS))),
    )


@st.composite
def tempo_maps(draw: st.DrawFn) -> TempoMap:
    quarters = sorted(draw(st.sets(fractions(0, 500), min_size=1, max_size=4)))
    tempo = fractions(20, 300)
    points = tuple(TempoPoint(quarter, draw(tempo), draw(st.booleans())) for quarter in quarters)
    meter = (MeterChange(Fraction(0), draw(meters())),)
    return TempoMap(points, meter, draw(fractions(-10, 10)), draw(st.integers(-4, 4)))


def parts() -> st.SearchStrategy[tuple[str, int, int]]:
    samples = st.integers(-(2**40), 2**40)
    return st.builds(
        lambda take, start, length: (take, start, start + length),
        st.text(LETTERS, max_size=9),
        samples,
        st.integers(1, 2**30),
    )


def switches(most: int) -> st.SearchStrategy[dict[str, object]]:
    plain = st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(LETTERS, max_size=9),
    )
    return st.dictionaries(st.text(LETTERS, min_size=1, max_size=9), plain, max_size=most)


def values(kind: kinds.Kind) -> st.SearchStrategy[object]:
    """Right values of a kind, as they stand in a message."""
    match kind:
        case kinds.Text():
            return st.text(LETTERS, min_size=kind.min_length, max_size=min(kind.max_length, 80))
        case kinds.Whole():
            return st.integers(kind.low, kind.high)
        case Seed():
            return st.integers(-(2**70), 2**70)
        case kinds.Real():
            # 32 bits wide: what OSC carries without changing it.
            wide = kind.low == -1.001
            return st.floats(kind.low, kind.high, width=64 if wide else 32)
        case kinds.Flag():
            return st.booleans()
        case kinds.Choice():
            return st.sampled_from(kind.words)
        case kinds.Names():
            return st.lists(NAMES, max_size=min(kind.max_count, 4), unique_by=str.strip).map(tuple)
        case kinds.Texts():
            return st.lists(st.text(LETTERS, max_size=20), max_size=min(kind.max_count, 4)).map(tuple)
        case timeline_kinds.PositionKind():
            return positions()
        case timeline_kinds.DurationKind():
            return durations()
        case timeline_kinds.BarsKind():
            return st.sampled_from(("17", "17-20", "-1 - 3", "bars 5 to 6"))
        case timeline_kinds.KeyKind():
            letter, sign = st.sampled_from("ABCDEFG"), st.sampled_from(("", "#", "b"))
            return st.builds(Key, st.builds(str.__add__, letter, sign), st.sampled_from(sorted(MODES)))
        case timeline_kinds.ChordsKind():
            chosen = ("Am F C G", "Am F | C % | N.C.", "1|1 Am 1|3 F/C 3|1 G7", "-1|2.5 Ebmaj7 2|1 %")
            return st.sampled_from(chosen).map(ChordProgression.parse)
        case timeline_kinds.MeterKind():
            return meters()
        case timeline_kinds.TempoMapKind():
            return tempo_maps()
        case result_fields.AnyText():
            return st.text(LETTERS, max_size=20)
        case result_fields.JsonObject():
            return st.dictionaries(st.text(LETTERS, max_size=9), st.integers() | st.none(), max_size=3)
        case result_fields.Nullable():
            return st.none() | values(kind.kind)
        case result_fields.Record():
            return messages(kind.message)
        case result_fields.ListOf():
            return st.lists(values(kind.kind), max_size=3).map(tuple)
        case result_fields.Row():
            return st.tuples(*(values(one) for one in kind.kinds))
        case result_fields.TableOf():
            return st.dictionaries(st.text(LETTERS, max_size=9), values(kind.kind), max_size=3)
        case BlueprintKind():
            return st.sampled_from((LOOK, f"{LOOK}:2")) | st.fixed_dictionaries({"caption": st.text("abc")})
        case part_fields.PartsKind():
            return st.lists(parts(), max_size=3).map(tuple)
        case kinds.Switches():
            return switches(min(kind.max_count, 4))
        case RegionsKind():
            return st.lists(messages(Region), min_size=1, max_size=2).map(tuple)
        case TracksKind():
            found = st.lists(messages(Track), min_size=1, max_size=2, unique_by=lambda track: track.source)
            return found.map(tuple)
    raise AssertionError(f"no strategy for {kind}")


@st.composite
def messages(draw: st.DrawFn, message: type[Message]) -> Message:
    """A right message of this type, with any of its optional values."""
    fields = {}
    for entry in dataclasses.fields(message):
        optional = (
            entry.default is not dataclasses.MISSING or entry.default_factory is not dataclasses.MISSING
        )
        if not optional or draw(st.booleans()):
            fields[entry.name] = draw(values(entry.metadata["kind"]))
    return message(**_without_contradictions(draw, message, fields))


def _without_contradictions(
    draw: st.DrawFn, message: type[Message], fields: dict[str, object]
) -> dict[str, object]:
    """The fields, less those that may not stand beside each other."""
    if issubclass(message, requests.Render):
        if "rate" in fields:
            fields["rate"] = draw(st.sampled_from(requests.PROJECT_RATES))
        exclusive = {
            "regions": ("start", "end", "bars", "length"), "tracks": ("source", "source_position"),
            "bars": ("start", "end", "length"), "end": ("length",), "tempo_map": ("bpm", "meter"),
        }  # fmt: skip
        for name, others in exclusive.items():
            if name in fields:
                fields = {key: given for key, given in fields.items() if key not in others}
        if message is not requests.Repaint:
            fields.pop("mode", None)
        if not message.spec().hears_accepted:
            fields.pop("hears", None)
        if message in (requests.Generate, requests.Plan, requests.Rewrite):
            fields = {key: given for key, given in fields.items() if key not in ("regions", "tracks")}
        if "lock" in fields:
            fields["lock"] = draw(st.lists(st.sampled_from(requests.LOCKABLE), unique=True))
        if fields.get("lyrics"):
            fields.pop("instrumental", None)
    if message is requests.Analyse:
        region = ("start", "end", "bars", "length", "takes", "regions", "tracks")
        fields = {key: given for key, given in fields.items() if key not in region}
    if issubclass(message, requests.PresetValues):
        known = {entry.name for entry in dataclasses.fields(RENDERS[str(fields["task"])])}
        kept = {entry.name for entry in dataclasses.fields(requests.PresetValues)} - known - {"task"}
        fields = {key: given for key, given in fields.items() if key not in kept} | {"name": draw(NAMES)}
    if message is Region:
        place = draw(
            st.sampled_from((("bars",), ("start",), ("start", "end"), ("start", "length"), ("length",)))
        )
        kept = {
            entry.name: entry.metadata["kind"] for entry in dataclasses.fields(Region) if entry.name in place
        }
        seed = {name: given for name, given in fields.items() if name == "seed"}
        fields = seed | {name: draw(values(kind)) for name, kind in kept.items()}
    if message is requests.SetSongTempo:
        setters = [name for name in SETTERS if name in fields]
        fields = {key: given for key, given in fields.items() if key not in setters[1:]}
    if message is requests.SetTempo:
        chosen = draw(st.sampled_from(("bpm", "tempo_map")))
        kind = {entry.name: entry.metadata["kind"] for entry in dataclasses.fields(message)}[chosen]
        fields = {key: given for key, given in fields.items() if key not in ("bpm", "tempo_map")}
        fields[chosen] = draw(values(kind))
    if message in (requests.PlayAudition, requests.ShowPassage):
        kept = draw(st.sampled_from(("take", "job", "source")))
        others = {"take", "job", "source"} - {kept}
        fields = {key: given for key, given in fields.items() if key not in others}
    if message is requests.ShowPassage and not fields.get("job"):
        fields.pop("number", None)
    if message in (requests.PlayAudition, requests.ShowPassage) and not fields.get("take"):
        fields.pop("stems", None)
    if message is requests.Export and fields.get("format") in (*MIX_FORMATS, LEDGER_FORMAT):
        fields["what"] = "song"
    if message is requests.Export and fields.get("format") in (STEMS_FORMAT, NOTES_FORMAT):
        fields["what"] = "take"
    if message is requests.BeginUpload:
        fields["sha256"] = draw(st.text("0123456789abcdefABCDEF", min_size=64, max_size=64))
    return fields
