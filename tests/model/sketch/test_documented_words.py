"""Every word that the documentation and the panel's placeholder claim is followed, by the task they claim it for."""

from __future__ import annotations

import re

from model.engine import Task
from model.sketch.engine import SketchEngine
from tests.places import PROJECT

WORDS = SketchEngine().describe().words


def test_every_phrase_of_the_table_is_followed():
    text = (PROJECT / "docs" / "sketch.md").read_text(encoding="utf-8")
    table = text.partition("## What a prompt can say")[2].partition("\nA negation")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 8
    for tasks, phrases in rows:
        named = re.findall("`([^`]+)`", phrases)
        assert named
        for task in tasks.split(","):
            for phrase in named:
                read = WORDS[Task(task.strip())].read(phrase)
                assert read.understood, (task, phrase)
                assert not read.ignored, (task, phrase)
    for phrase in ("not too bright", "less dark"):
        assert not WORDS[Task.REPAINT].read(phrase).ignored
    assert WORDS[Task.REPAINT].read("no fill").ignored_words == ("no fill",)


def test_everything_a_wish_can_be_said_with_asks_for_it():
    for vocabulary in WORDS.values():
        for wish in vocabulary.wishes:
            for phrase in wish.phrases:
                assert vocabulary.read(phrase.upper()).asks(wish.name), (wish.name, phrase)


def test_tasks_in_which_a_prompt_has_no_effect_follow_no_word():
    for task in (Task.EXTRACT, Task.ANALYSE):
        assert WORDS[task].read("no drums").ignored_words == ("no drums",)
