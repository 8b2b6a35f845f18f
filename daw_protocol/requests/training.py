"""Requests about trainings: adapters from the producer's own songs."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Choice, FileName, Flag, Real, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.seed import Seed

ADAPTER_NAME = Text(64, 1)
FOLDER = FileName(1000, 1)
COUNT = Whole(1, 10**9)
SHARE = Real(0, 1)
MEMORY = (8, 12, 16, 24)
"""Presets, by the gigabytes of the device."""


@dataclass(frozen=True, kw_only=True)
class ListTrainings(Request):
    """The training under way, those that were stopped or failed, and the finished adapters of this server."""


@dataclass(frozen=True, kw_only=True)
class ShowTraining(Request):
    """One training with the losses of all its steps."""

    name: str = value(ADAPTER_NAME, "the adapter's name")


@dataclass(frozen=True, kw_only=True)
class ReadTrainingSongs(Request):
    """What a folder has to train on. It is refused with the first song that nothing can be learnt from."""

    folder: str = value(FOLDER, "the folder with the songs, in one the server may read")


@dataclass(frozen=True, kw_only=True)
class StartTraining(Request):
    """Train an adapter on 3 to 50 songs that may be used for it. It waits while the server renders, and outlasts it."""

    name: str = value(ADAPTER_NAME, "the adapter's name: letters, digits, - and _")
    songs: str = value(FOLDER, "the folder with the songs, in one the server may read")
    consent: bool = value(
        Flag(), "you have the right to train on these songs, and everyone who performs on them agreed", False
    )
    digest: str = value(Text(64), "of the songs as `training.songs` listed them: other songs are refused", "")
    on: str = value(Text(300), "the render host that trains, by its name or address; empty: this machine", "")
    checkpoint: str = value(Text(128), "the model to train for; empty: the plain turbo", "")
    device: str = value(Text(32), "cuda, cuda:1, xpu, mps or cpu; empty: the best", "")
    memory: int = value(
        Whole(0, 24),
        "gigabytes to fit into: 8, 12, 16 or 24 decide; 0: what is free",
        0,
    )
    kind: str | None = value(Choice(("lora", "lokr")), "the adapter's form (default lora)", None)
    steps: int | None = value(COUNT, "steps at most (default 2000)", None)
    rank: int | None = value(COUNT, "the adapter's size (default by memory, 16 to 128)", None)
    seconds: float | None = value(Real(1, 3600), "length of an example (default by memory, 30 to 120)", None)
    learning_rate: float | None = value(Real(0, 1000), "default 0.0001", None)
    accumulation: int | None = value(COUNT, "examples in each step (default 4 or 8)", None)
    regions: float | None = value(
        SHARE, "share of examples in which only a region is rendered (default 0.3)", None
    )
    seed: int | None = value(Seed(), "of the order of examples and all noise (default 42)", None)
    preview_every: int = value(Whole(0, 10**9), "steps between two previews; 0: none", 250)
    preview_prompt: str = value(Text(512), "what is rendered; empty: the first song's caption", "")
    describe: bool = value(
        Flag(), "let the planner, if one is installed, write about songs that have no words with them", True
    )


@dataclass(frozen=True, kw_only=True)
class StopTraining(Request):
    """Stop the training under way; it keeps its place."""

    name: str = value(Text(64), "the adapter's name; empty: whichever is under way", "")


@dataclass(frozen=True, kw_only=True)
class ResumeTraining(Request):
    """Go on with a training that was stopped or failed, from the last state it kept."""

    name: str = value(ADAPTER_NAME, "the adapter's name")


@dataclass(frozen=True, kw_only=True)
class DiscardTraining(Request):
    """Remove what is unfinished of a training, at its render host too. Finished adapters stay."""

    name: str = value(ADAPTER_NAME, "the adapter's name")
