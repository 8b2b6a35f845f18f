"""A stem that may be mostly something else is named with its figure."""

from __future__ import annotations

from model.stem_notes import LEAST_CLEAR, bleed_notes


def test_only_stems_below_the_limit_are_named() -> None:
    (note,) = bleed_notes({"vocals": LEAST_CLEAR, "drums": 0.9, "bass": 0.0, "other": 0.41})
    assert note.startswith("About 59 % of the other stem or more is bleed")
