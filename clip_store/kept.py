"""What engines keep of their takes' audio, such as its latents, so that a take of a take need not be analysed again.

Found by the digest of the audio alone: audio that was changed by a sample has another one. A row goes with its take,
the oldest ones as soon as all of them exceed `MAX_BYTES`. What is gone costs an engine some time, so nothing here is
needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from clip_store.index_schema import Connection

MAX_BYTES = 512 * 1024 * 1024
"""Of all blobs together: some 20 hours of latents."""


@dataclass(frozen=True)
class KeptBlob:
    """digest: of the audio. blob: of what was kept of it. size: of that, in bytes."""

    digest: str
    blob: str
    size: int


class KeptBlobs:
    """The rows, in a database the caller opened, commits and closes. most: bytes of all blobs together."""

    def __init__(self, connection: Connection, most: int = MAX_BYTES) -> None:
        self._connection = connection
        self._most = most

    def add(self, take: str, engine: str, kept: KeptBlob) -> None:
        """Notes what an engine keeps; the oldest rows make room."""
        self._connection.execute(
            "INSERT INTO kept (take, engine, digest, blob, size) VALUES (?, ?, ?, ?, ?)",
            (take, engine, kept.digest, kept.blob, kept.size),
        )
        self._connection.execute(
            "DELETE FROM kept WHERE serial IN (SELECT serial FROM"
            " (SELECT serial, SUM(size) OVER (ORDER BY serial DESC) AS so_far FROM kept) WHERE so_far > ?)",
            (self._most,),
        )

    def find(self, digest: str, engine: str) -> str | None:
        """The blob that an engine kept of this audio last; None without one."""
        row = self._connection.execute(
            "SELECT blob FROM kept WHERE digest = ? AND engine = ? ORDER BY serial DESC LIMIT 1",
            (digest, engine),
        ).fetchone()
        return None if row is None else str(row[0])

    def drop(self, take: str) -> None:
        """Forgets what was kept of a take."""
        self._connection.execute("DELETE FROM kept WHERE take = ?", (take,))

    def blobs(self) -> set[str]:
        """Digests of the blobs, which a sweep leaves alone. A store without one of them has no problem."""
        return {str(row[0]) for row in self._connection.execute("SELECT blob FROM kept")}
