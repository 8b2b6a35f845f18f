"""Which takes are the stems of one separation: together they are the song."""

from __future__ import annotations

from clip_store.index import TakeIndex
from clip_store.take import MIX, Take
from daw_protocol.tasks import TASKS, Placement

MOST = 1000


def stems_with(index: TakeIndex, take: Take) -> tuple[Take, ...]:
    """The stems of the separation that gave this one, itself included, in the order they came; () for other takes."""
    if take.stem == MIX or TASKS[take.task].placement is not Placement.ALONE:
        return ()
    found = [
        one
        for one in index.list(job=take.job, limit=MOST)
        if one.stem != MIX and (one.task, one.number, one.region) == (take.task, take.number, take.region)
    ]
    return tuple(reversed(found))
