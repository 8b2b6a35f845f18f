"""A blueprint fills a request, and what contradicts it is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from bridge_server.rendering.planned_requests import read_blueprint, refuse_empty_locks, with_blueprint
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord, LyricRecord
from daw_protocol.requests import Generate, Plan
from daw_protocol.timeline import Meter, TempoMap

FOUND = BlueprintRecord(
    tempo=96.0, meter="3/4", key="C minor", caption="slow waltz", seconds=45.0, language="fr", codes=tuple(range(225)),
    lyrics=(LyricRecord(text="[Verse]"), LyricRecord(text="la la")),
)  # fmt: skip
MAP = TempoMap.constant(96, Meter(3, 4)).to_json()


def test_the_blueprint_says_what_the_request_leaves_open() -> None:
    found = with_blueprint(Generate(title="Waltz"), FOUND)
    assert (found.prompt, found.lyrics, found.language) == ("slow waltz", "[Verse]\nla la", "fr")
    assert (found.bpm, str(found.meter), str(found.key), str(found.length)) == (96, "3/4", "C minor", "45s")
    assert found.blueprint == FOUND.to_fields()
    assert with_blueprint(found, FOUND) == found, "a request that was completed is complete"


@pytest.mark.parametrize(
    "agrees",
    [
        {"bpm": 96},
        {"bpm": 96, "meter": "3/4", "key": "C minor"},
        {"tempo_map": MAP},
        {"prompt": "slow waltz"},
        {"start": 0, "end": 45 * 48000},
    ],
)
def test_what_agrees_is_taken(agrees: dict[str, Any]) -> None:
    assert with_blueprint(Generate(**agrees), FOUND).lyrics


@pytest.mark.parametrize(
    ("field", "differs", "words"),
    [
        ("prompt", {"prompt": "fast waltz"}, "its own caption"),
        ("lyrics", {"lyrics": "ho"}, "its own lyrics"),
        ("language", {"language": "en"}, "its own language"),
        ("key", {"key": "D minor"}, "in C minor, the request in D minor"),
        ("bpm", {"bpm": 120, "meter": "3/4"}, "planned at 96 BPM, and the DAW is at 120"),
        ("meter", {"bpm": 96, "meter": "4/4"}, "planned in 3/4, and the DAW is in 4/4"),
        ("bpm", {"tempo_map": TempoMap.constant(97, Meter(3, 4)).to_json()}, "the DAW is at 97"),
        ("length", {"length": "8s"}, "45.0 s long, and the region has 8.0 s"),
        ("length", {"bars": "5-8"}, "45.0 s long"),
    ],
)
def test_what_contradicts_it_is_refused(field: str, differs: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words) as refused:
        with_blueprint(Generate(**differs), FOUND)
    assert (refused.value.code, refused.value.field) == (ErrorCode.CANNOT_RENDER, field)
    assert "Plan the song again" in refused.value.remedy


def test_a_selection_says_where_the_song_begins_and_not_how_long_it_is() -> None:
    found = with_blueprint(Generate(start=96000, end=144000), FOUND, selected=True)
    assert (str(found.start), found.end, str(found.length)) == ("AtSample(sample=96000)", None, "45s")


def test_a_blueprint_of_words_alone() -> None:
    found = with_blueprint(Generate(length="8 bars", bpm=100), BlueprintRecord(caption="slow waltz"))
    assert (found.prompt, found.bpm, str(found.length)) == ("slow waltz", 100, "8 bars")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tempo": "fast"},
        {"capton": "x"},
        {"key": "H sharp"},
        {"meter": "4"},
        {"codes": [-1]},
        {"sections": [{"name": "a"}]},
    ],
)
def test_a_wrong_blueprint_is_refused_as_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match=r"^.*blueprint: ") as refused:
        read_blueprint(wrong)
    assert refused.value.field == "blueprint"
    assert refused.value.remedy


def test_only_what_was_sent_can_be_locked() -> None:
    refuse_empty_locks(Plan(prompt="x", key="C", bpm=90, lock="prompt,key,tempo"))
    for name, advice in (("lyrics", "instrumental"), ("tempo", "bpm or a tempo map"), ("key", "Send key")):
        with pytest.raises(ProtocolError, match=f"nothing to keep as {name}") as refused:
            refuse_empty_locks(Plan(prompt="x", lock=name))
        assert advice in refused.value.remedy
