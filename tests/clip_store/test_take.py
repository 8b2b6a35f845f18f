from dataclasses import replace

import pytest

from clip_store.take import COLUMNS, Attachment, Take, from_row, to_row
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
    recipe={"seed": 7, "engine": "sketch", "weights": None},
    receipt={"exact": True, "inside_lufs": -14.2},
    attachments=(Attachment("band.mid", "audio/midi", "e" * 64),),
)

LEAST = Take("x", "j", 1, "generate", None, "b" * 64, -5, 0, 1, 44_100, 0.0)


@pytest.mark.parametrize("take", [TAKE, LEAST], ids=["full", "least"])
def test_row_round_trip(take):
    row = to_row(take)
    assert len(row) == len(COLUMNS)
    assert from_row(row) == take


def test_region_and_digests():
    assert TAKE.region == Span(96_000, 144_000)
    assert TAKE.digests == ("a" * 64, "b" * 64, "c" * 64, "e" * 64)
    assert LEAST.digests == ("b" * 64,)
    sung = replace(TAKE, recipe={"reference": {"name": "voice", "digest": "f" * 64}})
    assert sung.digests == ("a" * 64, "b" * 64, "c" * 64, "f" * 64, "e" * 64)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"number": 0}, {"length": 0}, {"rate": 0}])
def test_take_checks_itself(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(TAKE, **wrong)


@pytest.mark.parametrize("name", ["request", "recipe", "receipt"])
def test_infinity_is_no_json(name):
    with pytest.raises(ValueError, match="JSON"):
        to_row(replace(TAKE, **{name: {"gain": float("inf")}}))
