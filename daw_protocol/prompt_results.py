"""What commands about prompts and presets return."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag
from daw_protocol.message import Message, value
from daw_protocol.requests.presets import PRESET_NAME, PresetValues
from daw_protocol.result_fields import AnyText, ListOf, Record
from daw_protocol.results import MOMENT, MOMENT_DOC, TEXTS


@dataclass(frozen=True, kw_only=True)
class FollowedWords(Message):
    """A part of a prompt that an engine follows."""

    text: str = value(AnyText(), "as it was typed")
    effect: str = value(AnyText(), "what it does")


@dataclass(frozen=True, kw_only=True)
class UnfollowedWords(Message):
    """A part of a prompt that an engine does not follow."""

    text: str = value(AnyText(), "as it was typed")
    reason: str = value(AnyText(), "why, where that is known", "")


@dataclass(frozen=True, kw_only=True)
class PromptRead(Message):
    """What an engine makes of a prompt and of lyrics."""

    engine: str = value(AnyText(), "the engine's name in requests")
    label: str = value(AnyText(), "its display name")
    free: bool = value(
        Flag(), "whether it reads prompts in free words; otherwise it follows the words it knows"
    )
    hint: str = value(AnyText(), "what a prompt for this task can say, as an example")
    follows: tuple[FollowedWords, ...] = value(ListOf(Record(FollowedWords)), "what it follows")
    ignores: tuple[UnfollowedWords, ...] = value(ListOf(Record(UnfollowedWords)), "what it does not follow")
    notes: tuple[str, ...] = value(TEXTS, "what else there is to know: what is too long, what is not sung")


@dataclass(frozen=True, kw_only=True)
class RecentPrompt(Message):
    """A prompt that was used."""

    prompt: str = value(AnyText(), "the prompt")
    lyrics: str = value(AnyText(), "the lyrics with it", "")
    task: str = value(AnyText(), "the task it was used for last")
    used: float = value(MOMENT, f"when, {MOMENT_DOC}")


@dataclass(frozen=True, kw_only=True)
class PromptList(Message):
    """Prompts, newest first."""

    prompts: tuple[RecentPrompt, ...] = value(ListOf(Record(RecentPrompt)), "the prompts")


@dataclass(frozen=True, kw_only=True)
class Preset(PresetValues):
    """A preset: what it keeps, and its name."""

    name: str = value(PRESET_NAME, "its name")


@dataclass(frozen=True, kw_only=True)
class PresetList(Message):
    """All presets, by name."""

    presets: tuple[Preset, ...] = value(ListOf(Record(Preset)), "the presets")


@dataclass(frozen=True, kw_only=True)
class DeletedPreset(Message):
    """The preset that was deleted."""

    name: str = value(AnyText(), "its name")
