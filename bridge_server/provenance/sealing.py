"""What is claimed of files when they are signed: of a finished song, of what is exported, and of the store's clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from bridge_server.log_words import public_words
from bridge_server.provenance.signer import Claim, ProvenanceSigner, format_of
from clip_store.blobs import BlobStore
from clip_store.errors import ClipStoreError
from clip_store.mix.write_mix import SongToWrite
from clip_store.source_type import of_mix
from clip_store.store import ORIGINATOR, source_type_of, system_of
from clip_store.take import Take
from daw_protocol.errors import ProtocolError

log = logging.getLogger(__name__)


class Sealing:
    """Signs files; for a thread. Its methods raise ProtocolError, StoreError, OSError."""

    def __init__(self, signer: ProvenanceSigner, blobs: BlobStore) -> None:
        self._signer = signer
        self._blobs = blobs

    def song(self, path: Path, song: SongToWrite) -> None:
        """A finished song: the original, opened, and a step for each take that plays in it."""
        ledger = song.ledger
        takes = [song.accepted.takes[one.take] for one in ledger.takes] if ledger else []
        original = self._blobs.path(song.accepted.song)
        kind = ledger.source_type if ledger else ""
        ending = format_of(path).ending
        self._signer.sign(path, Claim(f"{song.title}.mix{ending}", kind, original, tuple(map(_step, takes))))

    def takes(self, path: Path, name: str, takes: Sequence[Take]) -> None:
        """A sound that takes are in, a clip or a comp: what their song was, opened, and how each was made of it.

        name: the file's own, which it may not have yet.
        """
        first = takes[0]
        song = first.base if len({take.base for take in takes}) == 1 else first.parent
        kind = of_mix(map(source_type_of, takes)) if len(takes) > 1 else source_type_of(first)
        address = kind.address if kind else ""
        original = self._blobs.path(song) if song else None
        self._signer.sign(path, Claim(name, address, original, tuple(map(_step, takes))))

    def clip(self, path: Path, name: str, takes: Sequence[Take]) -> None:
        """The store's clip of a take. It stays plain where it cannot be signed: a render is not lost for that."""
        try:
            self.takes(path, name, takes)
        except (ProtocolError, ClipStoreError, OSError) as error:
            log.warning("clip of take %s is not signed: %s", takes[0].id, public_words(error))


def sealing_of(folder: Path | None, blobs: BlobStore) -> Sealing | None:
    """What signs with the key in a folder; None: nothing does. Raises ProtocolError where the package is missing."""
    return None if folder is None else Sealing(ProvenanceSigner(folder), blobs)


def _step(take: Take) -> tuple[str, str]:
    where = f"samples {take.start} to {take.start + take.length}"
    return f"{ORIGINATOR}, {system_of(take)}", f"{take.task}, {where} (take {take.id})"
