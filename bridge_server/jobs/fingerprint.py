"""What a request asks for, in short: tells a request that is repeated from another one under the same id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from daw_protocol.addresses import BY_REQUEST
from daw_protocol.requests import Render

# How the request travels, what it is called and what was noted about its files is not what it asks for.
NOT_ASKED_FOR = ("id", "client", "token", "reply_port", "notes")
SEPARATOR = ":"


@dataclass(frozen=True)
class Fingerprint:
    """Digests of a request: as it was sent, and as it was meant, with what its client's context added.

    A bare `/bridge/repaint id1` is another request once other bars are selected.
    """

    as_sent: str
    as_meant: str

    @classmethod
    def of(cls, sent: Render, meant: Render) -> Fingerprint:
        """The fingerprint of a request as sent, and completed from the context; no seed is drawn yet."""
        as_sent = _digest(sent)
        return cls(as_sent, as_sent if meant == sent else _digest(meant))

    @classmethod
    def from_text(cls, text: str) -> Fingerprint:
        """The inverse of str()."""
        as_sent, _, as_meant = text.partition(SEPARATOR)
        return cls(as_sent, as_meant)

    def __str__(self) -> str:
        return f"{self.as_sent}{SEPARATOR}{self.as_meant}"

    def repeats(self, before: Fingerprint) -> bool:
        """Whether this request is the earlier one, sent again."""
        # A restarted server has forgotten the contexts: what was sent must do where nothing is added to it.
        forgotten = self.as_sent == self.as_meant
        return self.as_meant == before.as_meant or (forgotten and self.as_sent == before.as_sent)


def _digest(request: Render) -> str:
    fields = {name: given for name, given in request.to_fields().items() if name not in NOT_ASKED_FOR}
    text = json.dumps([BY_REQUEST[type(request)].name, fields], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
