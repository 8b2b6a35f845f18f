"""Lines and their times against the official application's, and the checks that hide times nobody should see."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip(
    "tokenizers", reason="the stored tokenizer needs tokenizers: pip install takebridge[acestep]"
)

from tokenizers import Tokenizer

from model.acestep.lyrics.timed_lines import (
    NOT_CLEAR,
    NOT_IN_ORDER,
    NOT_SUNG,
    Token,
    timed_words,
    within_region,
)
from tests.model.acestep.golden_data import table, tensors
from tests.model.acestep.lyrics.test_alignment import heads_of
from tests.places import TINY_PLANNER

LYRICS: str = table("lyric_times")["lyrics"]


@pytest.fixture(scope="module")
def tokens() -> list[Token]:
    """As the stored cases have them."""
    read = Tokenizer.from_file(str(TINY_PLANNER / "tokenizer.json")).encode(LYRICS, add_special_tokens=False)
    assert read.ids == tensors("lyric_times")["clean.lyric_ids"].tolist()
    return list(read.offsets)


@pytest.mark.parametrize("case", ["clean", "late", "noisy", "some_heads_missing"])
def test_lines_begin_where_the_official_programs_do(tokens: list[Token], case: str) -> None:
    about = table("lyric_times")[case]
    found = timed_words(LYRICS, tokens, heads_of(case), about["duration"])
    assert found.timed
    assert [line.text for line in found.lines] == LYRICS.split("\n")
    official = {one["text"]: one for one in about["sentences"]}
    sung = [line for line in found.lines if line.start is not None]
    assert [line.text for line in sung] == [
        text for text in official if not text.endswith("1]") and text != "[Chorus]"
    ]
    for line in sung:
        assert line.start == pytest.approx(official[line.text]["start"], abs=1e-3)
        assert line.end is not None
        assert line.end > line.start
    everything = list(official.values())
    # Each ends where the next line, or tag, begins: the official ends are those of the last token's first frame.
    for one, other in pairwise(everything):
        if (line := next((line for line in sung if line.text == one["text"]), None)) is not None:
            assert line.end == pytest.approx(other["start"], abs=1e-3)
    assert found.score is not None
    assert found.score.score == pytest.approx(about["score"], abs=1e-4)


def test_attention_to_nothing_and_lines_at_one_moment_are_not_shown(tokens: list[Token]) -> None:
    flat = np.full((len(tokens), 110), 0.01, np.float32)
    assert timed_words(LYRICS, tokens, [flat], 8.8).notes == (NOT_CLEAR,)
    # The whole route on an untrained transformer: the official text has lines at 0.00 and 1.65 twice.
    golden, about = tensors("lyric_times"), table("lyric_times")["dit"]
    attention = golden["dit.attention"].numpy()
    rows = slice(about["header_tokens"], about["header_tokens"] + len(tokens))
    heads = [
        np.ascontiguousarray(attention[int(layer), head].T[rows])
        for layer, named in about["heads"].items()
        for head in named
    ]
    found = timed_words(LYRICS, tokens, heads, about["duration"])
    assert (found.timed, found.notes) == (False, (NOT_IN_ORDER,))
    assert all(line.start is None for line in found.lines)


def test_lines_that_were_not_read_or_do_not_stand_out_are_told(tokens: list[Token]) -> None:
    heads = heads_of("clean")
    cut = LYRICS.index("[Chorus]")
    read = [token for token in tokens if token[1] <= cut]
    found = timed_words(LYRICS, read, [head[: len(read)] for head in heads], 8.8)
    assert found.notes == ("Lines behind the last that the model read have no times: 2.",)
    first, end = LYRICS.index("ça va"), LYRICS.index("\n\n")
    blind = [head.copy() for head in heads]
    for head in blind:
        head[[index for index, (start, _) in enumerate(tokens) if first <= start < end]] = 0
    (note,) = timed_words(LYRICS, tokens, blind, 8.8).notes
    assert note.startswith("Of 4 timed lines, 1 did not stand out")


def test_tags_alone_have_no_times() -> None:
    found = timed_words("[Verse]", [(0, 7)], [np.eye(1, 9, dtype=np.float32)], 1.0)
    assert (found.timed, found.notes) == (False, (NOT_SUNG,))


def test_only_lines_in_the_region_have_times(tokens: list[Token]) -> None:
    found = timed_words(LYRICS, tokens, heads_of("clean"), 8.8)
    placed = within_region(found, 100.0, 102.0, 106.5)
    assert [(line.text, line.start, line.end) for line in placed.lines if line.start is not None] == [
        ("ça va, über héllo", 103.04, 105.2),
        ("la la la [whisper] la", 106.0, 106.5),
    ]
    assert placed.notes == ("Lines outside the region have no times: 2.",)
    assert not within_region(found, 0.0, 50.0, 60.0).timed
