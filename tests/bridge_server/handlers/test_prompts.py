"""Prompts and presets through a server: read before the render, remembered with the song, kept under names."""

from __future__ import annotations

import pytest

from bridge_server.handlers.prompts import in_words
from daw_protocol.prompt_results import PromptRead
from tests.bridge_server.peers import RpcError, noise_song


@pytest.fixture
def song(songs, request):
    """A song of this test alone."""
    name = f"{request.node.name[:40]}.wav"
    noise_song(songs / name, seed=abs(hash(name)) % 10_000 + 10)
    return name


def test_a_prompt_is_read_with_the_engines_own_words(ws, osc):
    found = ws.call(
        "prompts.read", engine="sketch", task="repaint", prompt="No drums, louder, lush", lyrics="la"
    )
    assert [(one["text"], one["effect"]) for one in found["follows"]] == [
        ("No drums", "leaves the drums out")
    ]
    assert [one["text"] for one in found["ignores"]] == ["louder", "lush"]
    assert found["notes"] == ["lyrics: the Sketch engine does not read them."]
    assert "drum fill" in found["hint"]
    told = osc.ask("/bridge/prompts/read", "lush", "engine", "sketch", "task", "accompany")
    assert (told.name, told["text"]) == ("ok", "Not followed: lush.")
    with pytest.raises(RpcError) as refused:
        ws.call("prompts.read", engine="nobody", prompt="x")
    assert refused.value.code == "unknown_engine"


def test_chords_are_read_against_bars_while_they_are_typed(ws, osc):
    found = ws.call("prompts.read", engine="sketch", task="accompany", chords="Am F | C")
    assert [(one["text"], one["effect"]) for one in found["follows"]] == [
        ("1 Am F · 2 C", "2 bars from the region's first, repeated to the region's end")
    ]
    told = osc.ask("/bridge/prompts/read", "", "engine", "sketch", "task", "accompany", "chords", "Am Hm")
    assert "bar 2: 'Hm' is not a chord" in told["text"]


def test_every_example_of_every_hint_is_followed(ws):
    hints = ws.call("engines")["engines"]["sketch"]["hints"]
    assert set(hints) == {"repaint", "complete", "accompany"}
    for task, hint in hints.items():
        for example in hint.replace(";", ",").replace(" or ", ",").split(","):
            found = ws.call("prompts.read", engine="sketch", task=task, prompt=example)
            assert found["ignores"] == [], (task, example)
            assert found["follows"], (task, example)


def test_the_acknowledgement_says_what_is_not_followed(osc, song):
    region = ("source", song, "start", 0, "end", 24_000, "bpm", 120)
    ack = osc.ask("/bridge/repaint", "p1", *region, "engine", "sketch", "prompt", "lush, no drums")
    assert ack.name == "ack"
    assert "Sketch does not follow these words of the prompt: lush." in ack["note"]
    osc.send("/bridge/cancel", "p1")
    osc.until_end("p1")


def test_prompts_of_a_song_are_remembered_newest_first_each_once(ws, song):
    for prompt in ("warm tape", "lush", "warm tape", ""):
        ws.render("repaint", source=song, start=0, end=4800, prompt=prompt)
    ws.render("cover", source=song, prompt="strings", engine="noise")
    found = ws.call("prompts.recent", source=song)["prompts"]
    assert [(one["prompt"], one["task"]) for one in found] == [
        ("strings", "cover"), ("warm tape", "repaint"), ("lush", "repaint"),
    ]  # fmt: skip
    assert [one["prompt"] for one in ws.call("prompts.recent", source=song, limit=1)["prompts"]] == [
        "strings"
    ]


def test_a_failed_jobs_prompt_is_remembered_and_that_of_a_new_song_without_one(ws, song):
    ws.render("repaint", source=song, start=0, end=4800, prompt="broken", engine="faulty")
    assert [one["prompt"] for one in ws.call("prompts.recent", source=song)["prompts"]] == ["broken"]
    ws.render("generate", length=4800, prompt="bossa", lyrics="la", engine="noise")
    (new,) = ws.call("prompts.recent")["prompts"]
    assert (new["prompt"], new["lyrics"], new["task"]) == ("bossa", "la", "generate")


def test_presets_are_saved_shown_used_and_deleted(ws, osc, song):
    saved = osc.ask("/bridge/presets/save", "Quick", "repaint", "prompt", "lush", "takes", 2, "handles", 0)
    assert (saved.name, saved["code"]) == ("failed", "unknown_field")
    saved = osc.ask("/bridge/presets/save", "Quick", "repaint", "prompt", "lush", "takes", 2)
    assert saved["text"] == "Preset Quick is saved."
    assert ws.call("presets.list")["presets"] == [
        {"name": "Quick", "task": "repaint", "prompt": "lush", "takes": 2}
    ]
    replies = osc.render("/bridge/repaint", "q1", "source", song, "start", 0, "end", 4800, "preset", "quick")
    assert [reply.name for reply in replies].count("take") == 2
    (take,) = {reply["take"] for reply in replies if reply.name == "take" and reply["number"] == 1}
    request = ws.call("takes.show", take=take)["request"]
    assert request["prompt"] == "lush"
    assert "preset" not in request
    assert osc.ask("/bridge/presets/list", "q2")["text"] == "Quick"
    assert osc.ask("/bridge/presets/delete", "quick")["text"] == "Preset Quick is deleted."
    assert osc.ask("/bridge/repaint", "q3", "source", song, "preset", "quick")["code"] == "unknown_preset"
    assert osc.ask("/bridge/presets/list", "q4")["text"] == "There are no presets."


def test_a_reading_in_words():
    free = PromptRead(engine="a", label="A", free=True, hint="x", follows=(), ignores=(), notes=())
    assert in_words(free) == "A reads prompts in free words."
    choosy = PromptRead(engine="a", label="A", free=False, hint="fill", follows=(), ignores=(), notes=())
    assert in_words(choosy) == "Nothing is asked for. A prompt can say: fill."
