import json
from dataclasses import replace
from math import inf

import pytest

from clip_store.take import COLUMNS, Attachment, Take, from_row, to_row, unmeasured
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import Recipe, ReferenceAudio
from daw_protocol.timeline.span import Span

TAKE = Take(
    id="1a2b3c4d5e6f",
    job="job-1",
    number=2,
    task="repaint",
    parent="a" * 64,
    audio="b" * 64,
    position=384_000,
    start=96_000,
    length=48_000,
    rate=48_000,
    created=1_770_000_000.25,
    title="Größe",
    handles="c" * 64,
    result="d" * 64,
    origin="0f0f0f0f",
    request={"bars": [17, 20], "caption": "曲"},
    recipe=Recipe(seed=7, engine="sketch", figures={"chords": ["Am", "F"]}, notes=("曲",)),
    receipt=Receipt(position=384_000, length=48_000, rate=48_000, exact=True, loudness_lufs=-14.2),
    attachments=(Attachment("band.mid", "audio/midi", "e" * 64),),
)

LEAST = Take(
    "x", "j", 1, "generate", None, "b" * 64, -5, 0, 1, 44_100, 0.0, receipt=unmeasured(-5, 1, 44_100)
)


@pytest.mark.parametrize("take", [TAKE, LEAST], ids=["full", "least"])
def test_row_round_trip(take):
    row = to_row(take)
    assert len(row) == len(COLUMNS)
    assert from_row(row) == take


def test_region_and_digests():
    assert TAKE.region == Span(96_000, 144_000)
    assert TAKE.digests == ("a" * 64, "b" * 64, "c" * 64, "e" * 64)
    assert LEAST.digests == ("b" * 64,)
    sung = replace(TAKE, recipe=Recipe(reference=ReferenceAudio(name="voice", digest="f" * 64)))
    assert sung.digests == ("a" * 64, "b" * 64, "c" * 64, "f" * 64, "e" * 64)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"number": 0}, {"length": 0}, {"rate": 0}])
def test_take_checks_itself(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(TAKE, **wrong)


@pytest.mark.parametrize("change", [{"request": {"gain": inf}}, {"recipe": Recipe(figures={"gain": inf})}])
def test_infinity_is_no_json(change):
    with pytest.raises(ValueError, match="JSON"):
        to_row(replace(TAKE, **change))


def stored(**columns):
    """TAKE's row with other JSON in these columns."""
    values = dict(zip(COLUMNS, to_row(TAKE), strict=True))
    return tuple(json.dumps(columns[name]) if name in columns else values[name] for name in COLUMNS)


def test_the_json_of_a_row_has_every_key_of_the_recipe_and_of_the_receipt_what_applies():
    row = dict(zip(COLUMNS, to_row(TAKE), strict=True))
    assert json.loads(row["recipe"]) == {
        "made_by": "", "engine": "sketch", "engine_label": "", "neural": False, "weights": "", "licence": "",
        "source_type": "", "seed": 7, "take": 0,
        "method": "", "figures": {"chords": ["Am", "F"]}, "notes": ["曲"], "gain_db": 0.0,
        "rendered_on": "",
    }  # fmt: skip
    assert json.loads(row["receipt"]) == {
        "position": 384_000, "length": 48_000, "rate": 48_000, "exact": True, "loudness_lufs": -14.2
    }  # fmt: skip


def test_takes_of_other_versions_load():
    """Keys that are missing, null or not known yet."""
    recipe = {"seed": 9, "weights": None, "later": {"a": 1}, "reference": {"digest": "f" * 64, "later": 1}}
    receipt = {**TAKE.receipt.to_fields(), "later": [1]}
    found = from_row(stored(recipe=recipe, receipt=receipt))
    assert found.recipe == Recipe(seed=9, reference=ReferenceAudio(digest="f" * 64))
    assert found.receipt == TAKE.receipt


@pytest.mark.parametrize("receipt", [{}, {"peak_db": -3.0}])
def test_a_take_without_a_receipt_says_so(receipt):
    found = from_row(stored(receipt=receipt)).receipt
    assert (found.position, found.length, found.rate, found.exact) == (384_000, 48_000, 48_000, False)
    assert not found.passed


def test_what_a_receipt_lacks_of_the_takes_place_is_the_takes():
    found = from_row(stored(receipt={"exact": True, "peak_db": -3.0})).receipt
    assert found == Receipt(position=384_000, length=48_000, rate=48_000, exact=True, peak_db=-3.0)
