"""Songs planned, described and rewritten: what is settled comes back, what is open is written."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="the planner needs transformers: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning import prompts
from model.acestep.conditioning.qwen_text_encoder import load_network, load_tokenizer
from model.acestep.planner import word_tasks
from model.acestep.planner.planner import Planner
from model.acestep.planner.planner_prompts import PlannedSong
from model.acestep.planner.word_tasks import Settled, plan, rewrite, settled, understand
from model.blueprint import OPEN_FIELDS
from model.engine import Grid, Progress, RenderRequest, Song, Task
from model.errors import CannotRender
from model.pace import Pace
from tests.places import TINY_PLANNER

RATE = 48_000
BEATS = np.arange(96)
GRID = Grid(BEATS * 0.5 - 2.0, BEATS % 4, np.full(96, 4), BEATS // 4 + 1, np.full(96, 120.5))
QUICK = {"temperature": 0.0}


@cache
def planner() -> Planner:
    """One that has room for a short answer."""
    return Planner(load_network(TINY_PLANNER, torch.float32, "cpu"), load_tokenizer(TINY_PLANNER), 144)


def asked(task: Task = Task.PLAN, **changed: Any) -> RenderRequest:
    return RenderRequest(task, None, RATE, 2, 0, 12 * RATE, GRID, seed=1, **changed)


def quietly() -> Pace:
    return Pace(lambda _progress: None, lambda: False)


def test_what_the_host_has_settled_is_forced_and_comes_back_exactly() -> None:
    request = asked(
        caption="calm piano", lyrics="[Verse]\nla la\n[Chorus]\nho", key="F# minor", language="en",
        writes=("caption",),
    )  # fmt: skip
    found = plan(planner(), request, QUICK, quietly())
    assert (found.tempo, found.meter, found.key) == (120.5, "4/4", "F# minor")
    assert (found.words, found.language, found.seconds) == (request.lyrics, "en", 12.0)
    assert len(found.codes) == 60
    assert set(found.fit) == {"total", "caption", "lyrics", "facts"}
    assert all(0 <= value <= 1 for value in found.fit.values())
    assert [(one.name, one.start, one.end) for one in found.sections] == [
        ("verse", 0.0, 8.0), ("chorus", 8.0, 12.0),
    ]  # fmt: skip
    assert found.caption != "calm piano", "a prompt is there to be expanded"
    assert 0 < len(found.caption) <= prompts.MAX_CAPTION_CHARACTERS
    assert found.caption.isprintable()


def test_a_locked_prompt_stays() -> None:
    found = plan(planner(), asked(caption="calm piano", instrumental=True), QUICK, quietly())
    assert (found.caption, found.lyrics, found.language) == ("calm piano", (), "")
    assert set(found.fit) == {"total", "caption", "facts"}


def test_what_is_open_is_written_and_laid_out_on_the_planners_own_bars() -> None:
    found = plan(planner(), asked(writes=("tempo", "meter", "key")), QUICK, quietly())
    assert found.tempo is not None
    assert 30 <= found.tempo <= 300
    assert found.tempo != 120.5
    assert found.meter in ("2/4", "3/4", "4/4", "6/8")
    assert found.key is not None
    assert prompts.spelled_key(found.key.replace("♯", "#").replace("♭", "b"))


def test_takes_of_one_seed_differ() -> None:
    def planned(**changed: Any) -> Any:
        return plan(planner(), asked(instrumental=True, key="C major", **changed), {}, quietly()).codes

    assert planned() != planned(takes=(1,))


def test_progress_never_falls() -> None:
    told: list[Progress] = []
    plan(planner(), asked(writes=OPEN_FIELDS), QUICK, Pace(told.append, lambda: False))
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions)
    stages = {"writing the song", "planning the song", "comparing the plan with its words"}
    assert {one.stage for one in told} == stages


def test_the_time_signature_a_planner_does_not_know_is_noted() -> None:
    seven = Grid(GRID.seconds, BEATS % 7, np.full(96, 7), BEATS // 7 + 1, GRID.quarters_per_minute, 8)
    found = settled(RenderRequest(Task.PLAN, None, RATE, 2, 0, RATE * 12, seven, seed=1))
    assert found.meter == "7/8"
    assert "timesignature" not in found.facts
    assert any("7/8" in note for note in found.notes)


def test_a_song_is_described_without_times() -> None:
    song = Song(np.zeros((12 * RATE, 2), np.float32), RATE, "x")
    request = RenderRequest(Task.ANALYSE, song, RATE, 2, 0, song.frames, GRID, seed=1)
    found = understand(planner(), request, range(20), QUICK, quietly())
    assert found.tempo == 77  # the reference's answer, from the stored numbers
    assert found.seconds == 12.0
    assert (found.sections, found.codes, found.downbeat) == ((), (), None)
    assert found.caption


def test_a_prompt_is_rewritten_and_what_was_sent_is_kept() -> None:
    request = asked(
        Task.REWRITE, caption="pop", lyrics="[Verse]\nla", language="es", writes=("caption", "key")
    )
    found = rewrite(planner(), request, QUICK, quietly())
    assert found.caption not in ("", "pop")
    assert (found.words, found.language, found.tempo, found.codes) == (request.lyrics, "es", 120.5, ())
    nothing = asked(Task.REWRITE, writes=())
    with pytest.raises(CannotRender, match="wrote no caption"):
        rewrite(planner(), nothing, QUICK, quietly())


LONG = "word " * 300


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'quoted: it''s'", "quoted: it's"),
        ("two\n  lines", "two lines"),
        ("bell\x07 and <|audio_code_64001|>token", "bell and token"),
        (LONG, ("word " * 102).strip()),
    ],
)
def test_captions_are_what_the_renderer_reads(written: str, read: str) -> None:
    assert word_tasks._one_line(written) == read


def test_lyrics_are_what_the_renderer_reads() -> None:
    assert word_tasks._one_line("slow bossa\nnylon\tguitar") == "slow bossa nylon guitar"
    assert word_tasks._lyrics("la\u3000li\xa0lo") == "la li lo"
    assert word_tasks._lyrics("# Lyrics\n[Verse]\nla \x01\n\nho\n") == "[Verse]\nla\n\nho"
    cut = word_tasks._lyrics("line of words\n" * 400)
    assert len(cut) <= prompts.MAX_LYRIC_CHARACTERS
    assert cut.endswith("line of words")


def test_a_language_nobody_knows_is_none() -> None:
    known = Settled({}, None, None, 10.0, ())
    answer = PlannedSong({"language": "klingon", "caption": "x"})
    assert word_tasks._words(answer, asked(writes=OPEN_FIELDS), known).language == ""
