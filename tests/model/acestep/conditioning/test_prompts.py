"""Prompts against the exact stored strings; metas from the host."""

from __future__ import annotations

from typing import Any

import pytest

from model.acestep.conditioning import prompts
from model.acestep.conditioning.prompts import Metas, metas_from_host, metas_from_mapping, spelled_key
from model.acestep.weights.capabilities import ModelTask
from tests.model.acestep.golden_data import table

GOLDEN = table("prompts")


@pytest.mark.parametrize("case", GOLDEN["dit"], ids=lambda case: case["instruction"])
def test_prompts_of_the_reference(case: dict[str, Any]) -> None:
    tracks = case["track_classes"] or ([case["track"]] if case["track"] else [])
    wording = prompts.instruction(ModelTask(case["task"]), tracks)
    known = case["metadata"] or {}
    caption, language = known.get("caption", case["caption"]), known.get("language", case["vocal_language"])
    assert wording == case["instruction"]
    assert prompts.text_prompt(wording, caption, metas_from_mapping(known)) == case["text_prompt"]
    assert prompts.lyric_prompt(case["lyrics"], language) == case["lyric_prompt"]


@pytest.mark.parametrize("case", GOLDEN["build_metadata_dict"])
def test_metadata_dictionaries_of_the_reference(case: dict[str, Any]) -> None:
    bpm, key, meter, seconds = case["input"]
    from_values = metas_from_mapping(
        {"bpm": bpm, "keyscale": key, "timesignature": meter, "duration": seconds}
    )
    text = prompts.text_prompt("Do:", "x", from_values)
    for field in ("bpm", "keyscale", "timesignature"):
        assert f"- {field}: {case['output'][field]}\n" in text
    assert f"- duration: {case['output'].get('duration', '30 seconds')}\n" in text


def test_codes_take_the_instruction_of_a_cover() -> None:
    with_codes = prompts.instruction(ModelTask.TEXT2MUSIC, has_codes=True)
    assert with_codes == prompts.instruction(ModelTask.COVER)


def test_metas_from_the_host() -> None:
    metas, notes = metas_from_host(119.6, 3, 4, "f♯ minor", 12.9)
    assert metas == Metas(120, "3", "F# minor", 12.9)
    assert notes == ()


def test_what_the_prompt_cannot_say_is_noted_not_bent() -> None:
    metas, notes = metas_from_host(420.0, 7, 8, "H dur", 12.0)
    assert metas == Metas(None, None, None, 12.0)
    assert len(notes) == 3
    assert "420" in notes[0]
    assert "7/8" in notes[1]
    assert "H dur" in notes[2]


@pytest.mark.parametrize(
    ("bpm", "spoken"), [(29.4, None), (29.5, 30), (120.5, 121), (300.4, 300), (300.5, None), (None, None)]
)
def test_tempo_is_rounded_half_up_within_the_known_range(bpm: float | None, spoken: int | None) -> None:
    assert metas_from_host(bpm, None, 4, None, 1.0)[0].bpm == spoken


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("C major", "C major"),
        ("c", "C major"),
        ("Am", "A minor"),
        ("bb minor", "Bb minor"),
        ("B♭ major", "Bb major"),
        ("F sharp minor", "F# minor"),
        ("Gmin", "G minor"),
        ("A flat major", "Ab major"),
        ("Dmaj", "D major"),
        ("CM", "C major"),
        ("H minor", None),
        ("C dorian", None),
        ("", None),
    ],
)
def test_keys(written: str, spelled: str | None) -> None:
    assert spelled_key(written) == spelled


@pytest.mark.parametrize(("explicit", "said"), [(True, "true"), (False, "false")])
def test_the_captions_of_stem_fine_tunes(explicit: bool, said: str) -> None:
    caption = prompts.stem_caption("a slow waltz", "strings", explicit_mask=explicit)
    assert caption == f"Global: a slow waltz\nLocal: strings\nMask Control: {said}"


def test_languages() -> None:
    assert len(prompts.LANGUAGES) == 51
    assert prompts.UNKNOWN_LANGUAGE in prompts.LANGUAGES
