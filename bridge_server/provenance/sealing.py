"""What is claimed of exported files when they are signed: of a finished song, and of a take's clip."""

from __future__ import annotations

from pathlib import Path

from bridge_server.provenance.signer import Claim, ProvenanceSigner
from clip_store.blobs import BlobStore
from clip_store.mix.write_mix import SongToWrite
from clip_store.store import ORIGINATOR, source_type_of, system_of
from clip_store.take import Take


class Sealing:
    """Signs what is exported; for a thread. Its methods raise ProtocolError, StoreError, OSError."""

    def __init__(self, signer: ProvenanceSigner, blobs: BlobStore) -> None:
        self._signer = signer
        self._blobs = blobs

    def song(self, path: Path, song: SongToWrite) -> None:
        """A finished song: the original, opened, and a step for each take that plays in it."""
        ledger = song.ledger
        takes = [song.accepted.takes[one.take] for one in ledger.takes] if ledger else []
        original = self._blobs.path(song.accepted.song)
        kind = ledger.source_type if ledger else ""
        self._signer.sign(path, Claim(f"{song.title}.mix.wav", kind, original, tuple(map(_step, takes))))

    def take(self, path: Path, take: Take) -> None:
        """A clip: what its song was, opened, and how the take was made of it."""
        base = self._blobs.path(take.base) if take.base else None
        self._signer.sign(path, Claim(path.name, source_type_of(take).address, base, (_step(take),)))


def sealing_of(folder: Path | None, blobs: BlobStore) -> Sealing | None:
    """What signs with the key in a folder; None: nothing does. Raises ProtocolError where the package is missing."""
    return None if folder is None else Sealing(ProvenanceSigner(folder), blobs)


def _step(take: Take) -> tuple[str, str]:
    where = f"samples {take.start} to {take.start + take.length}"
    return f"{ORIGINATOR}, {system_of(take)}", f"{take.task}, {where} (take {take.id})"
