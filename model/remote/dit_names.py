"""What is known of a checkpoint by the name a server gives it: servers render whatever they are asked for."""

from __future__ import annotations

from model.acestep.weights.capabilities import CheckpointTraits, traits_of
from model.engine import Task

NO_WORDS = "The server is only asked for audio here; it writes no words."
WORDS_ELSEWHERE = "Use the engine acestep with its planner, or the engine sketch to analyse a song."
_WORK = {
    Task.ACCOMPANY: "accompany a voice",
    Task.EXTRACT: "extract stems",
    Task.LEGO: "add a track to a mix",
}


def dit_traits(name: str) -> CheckpointTraits:
    """By the words of the name, such as acestep-v15-turbo-Q8_0."""
    words = name.lower().replace("_", "-").replace("/", "-").split("-")
    return traits_of(name, is_turbo="turbo" in words, is_xl="xl" in words)


def needs_base(task: Task, name: str) -> tuple[str, str]:
    """Why a server that has this checkpoint first cannot do a task that wants a base checkpoint, and what to do."""
    return (
        f"{name} cannot {_WORK[task]}: only base checkpoints were trained for it, and a server renders without a "
        "warning.",
        "Give that server a base checkpoint.",
    )
