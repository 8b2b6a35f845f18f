"""The blueprints that jobs wrote, by job and number, for `jobs.show` and for requests that render them."""

from __future__ import annotations

import json
from itertools import count, takewhile

from bridge_server.jobs.database import Connection, transaction
from clip_store.store import ClipStore
from daw_protocol.blueprint_field import PLAN_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord


class Plans:
    """Lives on the event loop."""

    def __init__(self, store: ClipStore, connection: Connection) -> None:
        self._index = store.index
        self._connection = connection

    def keep(self, job: str, number: int, found: BlueprintRecord) -> None:
        """Keeps a job's blueprint. number: from 1."""
        with transaction(self._connection):
            self._index.remember_analysis(_name(job, number), "", json.dumps(found.to_fields()))

    def of_job(self, job: str) -> dict[int, BlueprintRecord]:
        """A job's blueprints by number, as far as they are there."""
        texts = ((number, self._index.analysis_of_job(_name(job, number))) for number in count(1))
        return {
            number: BlueprintRecord.from_stored(json.loads(text))
            for number, text in takewhile(lambda found: found[1] is not None, texts)
            if text is not None
        }

    def named(self, name: str) -> BlueprintRecord:
        """The blueprint "JOB" or "JOB:2". Raises ProtocolError for one that is not there."""
        match = PLAN_NAME.fullmatch(name)
        assert match is not None, "checked when the request was read"
        text = self._index.analysis_of_job(_name(match[1], int(match[2] or 1)))
        if text is None:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"blueprint: there is no blueprint {name}.",
                "Send the id of a finished job of plan or rewrite, or the blueprint itself.",
                "blueprint",
            )
        return BlueprintRecord.from_stored(json.loads(text))


def _name(job: str, number: int) -> str:
    return f"{job}:{number}"
