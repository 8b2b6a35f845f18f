"""What commands about prompts and presets return."""

from __future__ import annotations

from daw_protocol.addresses import BY_NAME
from daw_protocol.prompt_results import FollowedWords, Preset, PromptRead, UnfollowedWords


def test_every_answer_survives_its_json() -> None:
    read = PromptRead(
        engine="sketch", label="Sketch", free=False, hint="no drums",
        follows=(FollowedWords(text="No drums", effect="leaves the drums out"),),
        ignores=(UnfollowedWords(text="lush"), UnfollowedWords(text="louder", reason="it is matched")),
        notes=("lyrics: not sung.",),
    )  # fmt: skip
    assert PromptRead.from_fields(read.to_fields()) == read
    preset = Preset(name="Dark", task="complete", length="8 bars", ending=True)
    assert preset.to_fields() == {"name": "Dark", "task": "complete", "length": "8 bars", "ending": True}
    assert Preset.from_stored(preset.to_fields() | {"later": 1}) == preset


def test_they_are_what_the_commands_return() -> None:
    assert BY_NAME["prompts.read"].result is PromptRead
    assert BY_NAME["presets.save"].result is Preset
