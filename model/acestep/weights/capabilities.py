"""What each published checkpoint can do, and with which settings; why it refuses the rest, and the remedy.

Names and numbers only: no weights, no torch. The authors list extract, lego and complete for the base
checkpoints alone; turbo and sft were trained without them.
"""

from __future__ import annotations

import enum
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
"""What a vocal can be accompanied with."""


class ModelTask(enum.Enum):
    """What the network itself distinguishes."""

    TEXT2MUSIC = "text2music"  # from words alone
    COVER = "cover"  # from the source reduced to audio codes
    COVER_NOFSQ = "cover-nofsq"  # from the source itself
    REPAINT = "repaint"  # a region of the source, or beyond its ends
    EXTRACT = "extract"  # one track out of the source
    LEGO = "lego"  # one track on top of the source
    COMPLETE = "complete"  # several tracks around the source


MODEL_TASK = {
    Task.REPAINT: ModelTask.REPAINT,
    Task.COMPLETE: ModelTask.REPAINT,  # a continuation is a repaint of what lies beyond the song
    Task.ACCOMPANY: ModelTask.COMPLETE,
    Task.EXTRACT: ModelTask.EXTRACT,
    Task.GENERATE: ModelTask.TEXT2MUSIC,
    Task.LEGO: ModelTask.LEGO,
    Task.COVER: ModelTask.COVER,
}
"""The network's task for each of the bridge's."""

_BASE_ONLY = (ModelTask.EXTRACT, ModelTask.LEGO, ModelTask.COMPLETE)

_WORK = {
    Task.ACCOMPANY: "accompany a voice",
    Task.EXTRACT: "extract stems",
    Task.LEGO: "add a track to a mix",
}


class Training(enum.Enum):
    """How a checkpoint was trained, which decides what it can do and how it is sampled."""

    TURBO = "turbo"  # distilled: few steps, no guidance
    SFT = "sft"  # fine-tuned on chosen music: guidance, better sound, fewer tasks
    BASE = "base"  # guidance, every task


@dataclass(frozen=True)
class Defaults:
    """steps, shift and guidance a render uses unless told otherwise, and what may be asked for."""

    steps: int
    most_steps: int
    shift: float
    guidance: float
    most_guidance: float


@dataclass(frozen=True)
class CheckpointTraits:
    """name: of the folder. xl: the network with the 4B decoder. stem_tuned: fine-tuned to add single tracks.

    untrained: random weights, as tests have them, by their own config's word.
    """

    name: str
    training: Training
    xl: bool = False
    stem_tuned: bool = False
    untrained: bool = False

    @property
    def defaults(self) -> Defaults:
        """The authors' recommendation; the application's own default shift of 1 suits only few variants."""
        if self.training is not Training.TURBO:
            return Defaults(steps=50, most_steps=200, shift=1.0, guidance=7.0, most_guidance=30.0)
        shift = 1.0 if self.name.endswith("shift1") else 3.0
        return Defaults(steps=8, most_steps=20, shift=shift, guidance=1.0, most_guidance=1.0)

    def does(self, task: ModelTask) -> bool:
        return self.training is Training.BASE or task not in _BASE_ONLY

    @property
    def base_name(self) -> str:
        """The checkpoint of the same size that does every task."""
        return "acestep-v15-xl-base" if self.xl else "acestep-v15-base"


def traits_of(
    name: str, *, is_turbo: bool, is_xl: bool, stem_tuned: bool = False, untrained: bool = False
) -> CheckpointTraits:
    """What a checkpoint is, from its folder name and the facts its config tells.

    Base and sft have equal configs: only the name tells them apart, and an unknown name counts as base, since
    refusing what a fine-tuned base checkpoint can do helps nobody.
    """
    if is_turbo:
        return CheckpointTraits(name, Training.TURBO, is_xl, stem_tuned, untrained)
    words = name.lower().replace("_", "-").split("-")
    # "base-sft-fix-inst" is a base checkpoint fine-tuned further, and sampled like any sft.
    training = Training.SFT if "sft" in words else Training.BASE
    return CheckpointTraits(name, training, is_xl, stem_tuned, untrained)


def capabilities(traits: CheckpointTraits) -> tuple[Capability, ...]:
    """One entry for every task of the bridge."""
    return tuple(capability(traits, task) for task in Task)


def capability(traits: CheckpointTraits, task: Task) -> Capability:
    """Whether a checkpoint does a task; if not, why, and which one does."""
    if traits.does(MODEL_TASK[task]):
        return Capability(task, True)
    return Capability(
        task,
        False,
        f"The checkpoint {traits.name} cannot {_WORK[task]}: only base checkpoints were trained for it.",
        f"Load {traits.base_name} (`takebridge models pull {traits.base_name}`) and send the request again.",
    )
