"""What an engine makes of a prompt is told before the render."""

from __future__ import annotations

from dataclasses import replace

from bridge_server.engines.prompt_reading import SHOWN_WORDS, read_prompt, unread_words
from model.engine import Task
from model.vocabulary import PromptVocabulary, Wish
from tests.bridge_server.engines.test_limits import PLAYER

CHOOSY = replace(
    PLAYER,
    words={
        Task.REPAINT: PromptVocabulary(
            (Wish("fill", "plays a fill", ("fill",)),), {"louder": "it is matched"}
        )
    },
    hints={Task.REPAINT: "fill"},
)


def unread(prompt: str, lyrics: str = "", description=PLAYER) -> str:
    return unread_words(description, "repaint", prompt, lyrics)


def test_an_engine_without_a_table_reads_free_words():
    found = read_prompt("player", PLAYER, "repaint", "anything at all", "")
    assert (found.free, found.follows, found.ignores, found.notes) == (True, (), (), ())
    assert unread("anything at all") == ""


def test_an_engine_with_a_table_says_what_each_word_does():
    found = read_prompt("p", CHOOSY, "repaint", "A fill, louder, lush", "la la")
    assert (found.engine, found.label, found.hint, found.free) == ("p", "Player", "fill", False)
    assert [(one.text, one.effect) for one in found.follows] == [("fill", "plays a fill")]
    assert [(one.text, one.reason) for one in found.ignores] == [("louder", "it is matched"), ("lush", "")]
    assert found.notes == ("lyrics: the Player engine does not read them.",)
    assert read_prompt("p", CHOOSY, "extract", "lush", "").free


def test_words_that_are_not_followed_are_a_note():
    assert unread("fill", description=CHOOSY) == ""
    assert unread("lush", description=CHOOSY) == "Player does not follow these words of the prompt: lush."
    many = unread(" ".join(f"word{n}" for n in range(SHOWN_WORDS + 3)), description=CHOOSY)
    assert f"word{SHOWN_WORDS - 1}" in many
    assert f"word{SHOWN_WORDS}," not in many
    assert many.endswith("Nor 3 more of its words.")


def test_words_that_may_not_be_read_are_reported_beforehand():
    assert unread("x" * 300) == ""
    assert "about 100 tokens" in unread("x" * 301)
    assert "prompt: " in unread("雨" * 101)
    both = unread("x" * 301, "la")
    assert "lyrics: the Player engine does not read them." in both
    assert both.startswith("prompt: ")
    assert "reads at most 500 characters, and these are 501" in unread("x" * 501)
