"""A request in v1's terms: tags, lyrics, window and how far a region goes from the song."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.request_plan import lyrics_of, plan_v1
from model.engine import Task
from tests.model.acestep_v1.v1_requests import FAST, RATE, TWO_BEATS, request


def test_key_and_tempo_are_tags():
    assert plan_v1(request(key="C minor", grid=TWO_BEATS)).words.prompt == "funk, C minor, 120 BPM"


def test_lyrics_get_plain_tags_and_an_ending():
    assert (
        lyrics_of(request(lyrics="[Verse 1]\n Hello \n\n[Outro]", ending=True)) == "[verse]\nHello\n\n[outro]"
    )
    assert lyrics_of(request(ending=True)) == "[outro]"
    assert lyrics_of(request()) == ""
    assert lyrics_of(request(Task.GENERATE)) == "[inst]"


def test_how_far_a_region_goes():
    assert plan_v1(request(strength=0.3)).variance == 0.3
    assert plan_v1(request(Task.COMPLETE, strength=0.3)).variance == 1.0
    assert plan_v1(request(Task.COVER, strength=0.25)).kept == 0.75


def test_windows_of_the_tasks():
    repaint = plan_v1(request()).window
    assert not repaint.whole
    assert repaint.song == (0, repaint.frames)
    assert plan_v1(request(Task.COVER)).window.whole
    new = plan_v1(request(Task.GENERATE, start=0, end=10 * RATE)).window
    assert (new.whole, new.song) == (True, (0, 0))


def test_an_edit_has_the_words_of_the_song_as_it_is():
    options = {**FAST, "edit": "lyrics", "old_prompt": "jazz", "old_lyrics": "la"}
    plan = plan_v1(request(Task.COVER, options=options))
    assert plan.old is not None
    assert (plan.old.prompt, plan.old.lyrics) == ("jazz", "la")
    assert plan.every_word == (plan.words, plan.old)
    assert plan_v1(request(Task.COVER)).every_word == (plan.words,)
