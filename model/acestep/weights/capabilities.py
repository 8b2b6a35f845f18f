"""What each published checkpoint supports and with which settings; for the rest, the reason and the remedy.

Names and numbers only: no weights, no torch. The authors list extract, lego and complete only for the base checkpoints;
turbo and sft were trained without them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from model.engine import Capability, Task

TRACKS = (
    "woodwinds",
    "brass",
    "fx",
    "synth",
    "strings",
    "percussion",
    "keyboard",
    "guitar",
    "bass",
    "drums",
    "backing_vocals",
    "vocals",
)
"""The track names the network was trained with."""

ACCOMPANIMENTS = tuple(name for name in TRACKS if name not in ("vocals", "backing_vocals"))
"""Tracks that can accompany a vocal."""


class ModelTask(enum.Enum):
    """The network's own tasks."""

    TEXT2MUSIC = "text2music"  # from the prompt alone
    COVER = "cover"  # from the source reduced to audio codes
    COVER_NOFSQ = "cover-nofsq"  # from the source itself
    REPAINT = "repaint"  # a region of the source, or beyond its ends
    EXTRACT = "extract"  # one track from the source
    LEGO = "lego"  # one track added to the source
    COMPLETE = "complete"  # several tracks added to the source


MODEL_TASK = {
    Task.REPAINT: ModelTask.REPAINT,
    Task.COMPLETE: ModelTask.REPAINT,  # a continuation is a repaint beyond the end of the song
    Task.ACCOMPANY: ModelTask.COMPLETE,
    Task.EXTRACT: ModelTask.EXTRACT,
    Task.GENERATE: ModelTask.TEXT2MUSIC,
    Task.LEGO: ModelTask.LEGO,
    Task.COVER: ModelTask.COVER,
}
"""The network's task for each task of the bridge."""

_BASE_ONLY = (ModelTask.EXTRACT, ModelTask.LEGO, ModelTask.COMPLETE)

_WORK = {
    Task.ACCOMPANY: "accompany a voice",
    Task.EXTRACT: "extract stems",
    Task.LEGO: "add a track to a mix",
}


class Training(enum.Enum):
    """How a checkpoint was trained, which determines its tasks and its sampling."""

    TURBO = "turbo"  # distilled: few steps, no guidance
    SFT = "sft"  # fine-tuned on curated music: guidance, better sound, fewer tasks
    BASE = "base"  # guidance, every task


@dataclass(frozen=True)
class Defaults:
    """Default steps, shift and guidance of a render, and the maximum of steps and guidance."""

    steps: int
    most_steps: int
    shift: float
    guidance: float
    most_guidance: float


@dataclass(frozen=True)
class CheckpointTraits:
    """The properties of a checkpoint that matter for rendering.

    name: of the folder. xl: the network with the 4B decoder. stem_tuned: fine-tuned to add single tracks.
    untrained: random weights for tests, marked in their config.
    lyric_heads: as (layer, head), those whose cross attention follows the lyrics; () where none are known.
    """

    name: str
    training: Training
    xl: bool = False
    stem_tuned: bool = False
    untrained: bool = False
    lyric_heads: tuple[tuple[int, int], ...] = ()

    @property
    def defaults(self) -> Defaults:
        """The authors' recommendation; the official application's default shift of 1 suits only a few variants."""
        if self.training is not Training.TURBO:
            return Defaults(steps=50, most_steps=200, shift=1.0, guidance=7.0, most_guidance=30.0)
        shift = 1.0 if self.name.endswith("shift1") else 3.0
        return Defaults(steps=8, most_steps=20, shift=shift, guidance=1.0, most_guidance=1.0)

    def does(self, task: ModelTask) -> bool:
        return self.training is Training.BASE or task not in _BASE_ONLY

    @property
    def base_name(self) -> str:
        """The checkpoint of the same size that supports every task."""
        return "acestep-v15-xl-base" if self.xl else "acestep-v15-base"


def lyric_heads_in(field: object) -> tuple[tuple[int, int], ...]:
    """The heads that a config's `lyric_alignment_layers_config` names, {"layer": [heads]}; what is none is left out."""
    if not isinstance(field, Mapping):
        return ()
    found = {
        (int(layer), head)
        for layer, heads in field.items()
        if str(layer).isdecimal() and isinstance(heads, list)
        for head in heads
        if isinstance(head, int) and not isinstance(head, bool) and head >= 0
    }
    return tuple(sorted(found))


_LYRIC_HEADS = lyric_heads_in({"2": [6], "3": [10, 11], "4": [3], "5": [8, 9], "6": [8]})
"""Of the 2B network, where a config says nothing: the official application's. XL has others, in its config."""


def traits_of(
    name: str,
    *,
    is_turbo: bool,
    is_xl: bool,
    stem_tuned: bool = False,
    untrained: bool = False,
    lyric_heads: tuple[tuple[int, int], ...] = (),
) -> CheckpointTraits:
    """A checkpoint's traits, from its folder name and its config.

    Base and sft have equal configs, so only the name distinguishes them; an unknown name counts as base, since a
    fine-tuned base checkpoint supports every task.
    """
    heads = lyric_heads or (() if is_xl else _LYRIC_HEADS)
    if is_turbo:
        return CheckpointTraits(name, Training.TURBO, is_xl, stem_tuned, untrained, heads)
    words = name.lower().replace("_", "-").split("-")
    # "base-sft-fix-inst" is a further fine-tuned base checkpoint, sampled like any sft.
    training = Training.SFT if "sft" in words else Training.BASE
    return CheckpointTraits(name, training, is_xl, stem_tuned, untrained, heads)


def capabilities(traits: CheckpointTraits) -> tuple[Capability, ...]:
    """One entry for every task of the bridge."""
    return tuple(capability(traits, task) for task in Task)


def capability(traits: CheckpointTraits, task: Task) -> Capability:
    """Whether a checkpoint supports a task; if not, the reason and the checkpoint that does."""
    if task not in MODEL_TASK:
        return Capability(task, False, f"The checkpoint {traits.name} renders; it writes no words.")
    if traits.does(MODEL_TASK[task]):
        return Capability(task, True)
    return Capability(
        task,
        False,
        f"The checkpoint {traits.name} cannot {_WORK[task]}: only base checkpoints were trained for it.",
        f"Install {traits.base_name} (`takebridge models pull {traits.base_name}`) and send the request again.",
    )
