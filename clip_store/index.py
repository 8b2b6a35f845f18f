"""The table of takes, which of them are chosen, and which song files are known: SQLite.

The connection is the caller's, and nothing here commits. The server keeps its jobs in the same database file:
one transaction can then end a job and record its takes, so that after a crash there is neither a finished job
without takes nor a take of a job that never finished. (Two files could not promise that: SQLite commits to
attached databases one after the other in WAL mode.) Blobs are written before, so no record is without audio.
"""

from __future__ import annotations

import os
import sqlite3
from fractions import Fraction
from typing import Any, NamedTuple

from clip_store.errors import TakeError
from clip_store.take import COLUMNS, MIX, Take, from_row, to_row
from daw_protocol.timeline.span import Span

Connection = sqlite3.Connection

SCHEMA_VERSION = 1
"""Of these tables alone: `PRAGMA user_version` belongs to whoever owns the database file."""

_TABLES = (
    # Made with its one row in one statement: an INSERT would leave a transaction open behind the caller's back.
    f"CREATE TABLE IF NOT EXISTS clip_store_meta AS SELECT 'schema' AS key, {SCHEMA_VERSION} AS value",
    f"""CREATE TABLE IF NOT EXISTS take (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        {", ".join(COLUMNS)},
        UNIQUE (id))""",
    "CREATE INDEX IF NOT EXISTS take_by_parent ON take (parent, start)",
    "CREATE INDEX IF NOT EXISTS take_by_job ON take (job)",
    "CREATE INDEX IF NOT EXISTS take_by_result ON take (result)",
    # One line per choice; step counts from 1 in each place, and `place.step` points at the one in force.
    """CREATE TABLE IF NOT EXISTS choice (
        song TEXT, start INTEGER, "end" INTEGER, stem TEXT, step INTEGER, take TEXT NOT NULL,
        PRIMARY KEY (song, start, "end", stem, step))""",
    """CREATE TABLE IF NOT EXISTS place (
        song TEXT, start INTEGER, "end" INTEGER, stem TEXT, step INTEGER NOT NULL,
        PRIMARY KEY (song, start, "end", stem))""",
    """CREATE TABLE IF NOT EXISTS known_file (
        path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL)""",
    # Of audio that came without a file of its own: its digest is of the samples, which do not say where they belong.
    "CREATE TABLE IF NOT EXISTS time_stamp (digest TEXT PRIMARY KEY, seconds TEXT NOT NULL)",
    # What a producer accepted for a song, and what analyses found, by the song's digest; JSON of others' making.
    "CREATE TABLE IF NOT EXISTS song_tempo (digest TEXT PRIMARY KEY, tempo TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS analysis (job TEXT PRIMARY KEY, digest TEXT NOT NULL, found TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS analysis_by_song ON analysis (digest)",
)

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM take"
_INSERT = f"INSERT INTO take ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_AT_PLACE = 'song = ? AND start = ? AND "end" = ? AND stem = ?'


class Place(NamedTuple):
    """What a choice is made for: a region of a song (its digest; "" for none), in one stem."""

    song: str
    start: int
    end: int
    stem: str = MIX


def place_of(take: Take) -> Place:
    """The place a take was made for."""
    return Place(take.parent or "", take.region.start, take.region.end, take.stem)


class TakeIndex:
    """Takes, choices and known files in a database the caller opened, commits and closes.

    Methods that change something take several statements: call them inside a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where they are missing. Raises TakeError when a newer version made them."""
        self._connection = connection
        for statement in _TABLES:
            connection.execute(statement)
        version = connection.execute("SELECT value FROM clip_store_meta WHERE key = 'schema'").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise TakeError(
                f"The take index was made by a newer version (schema {version}, known: {SCHEMA_VERSION}).",
                "Update Takebridge, or use another store folder.",
            )

    def add(self, take: Take) -> None:
        """Record a take. Raises TakeError when the id is taken."""
        try:
            self._connection.execute(_INSERT, to_row(take))
        except sqlite3.IntegrityError as error:
            raise TakeError(f"There is a take {take.id} already.") from error

    def get(self, take_id: str) -> Take:
        """The take with that id. Raises TakeError when there is none."""
        takes = self._takes("WHERE id = ?", (take_id,))
        if not takes:
            raise TakeError(f"There is no take {take_id}.", "List the takes to see which there are.")
        return takes[0]

    def list(
        self,
        *,
        song: str | None = None,
        job: str | None = None,
        task: str | None = None,
        region: Span | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> tuple[Take, ...]:
        """Takes, newest first, that meet every filter given.

        song: digest of the parent; region: in samples of that song, overlapping; before: id of the last take
        of the previous page. Raises TakeError when `before` is unknown.
        """
        tests: dict[str, tuple[Any, ...]] = {}
        for column, value in (("parent", song), ("job", job), ("task", task)):
            if value is not None:
                tests[f"{column} = ?"] = (value,)
        if region is not None:
            tests["start < ? AND start + length > ?"] = (region.end, region.start)
        if before is not None:
            tests["serial < ?"] = (self.serial(before),)
        where = f"WHERE {' AND '.join(tests)}" if tests else ""
        values = [value for group in tests.values() for value in group]
        return self._takes(f"{where} ORDER BY serial DESC LIMIT ?", (*values, limit))

    def choose(self, take_id: str) -> Place:
        """Make a take the one in force at its place; choices that were undone there are forgotten.

        Choosing the one in force changes nothing. Raises TakeError when the take is unknown.
        """
        take = self.get(take_id)
        place = place_of(take)
        if self.chosen(place) == take_id:
            return place
        step = self._step(place)
        self._connection.execute(f"DELETE FROM choice WHERE {_AT_PLACE} AND step > ?", (*place, step))
        self._connection.execute("INSERT INTO choice VALUES (?, ?, ?, ?, ?, ?)", (*place, step + 1, take_id))
        self._point(place, step + 1)
        return place

    def chosen(self, place: Place) -> str | None:
        """Id of the take in force; None: the original."""
        row = self._connection.execute(
            f"SELECT take FROM choice WHERE {_AT_PLACE} AND step = ?", (*place, self._step(place))
        ).fetchone()
        return None if row is None else str(row[0])

    def revert(self, place: Place) -> str | None:
        """Go one choice back; returns the take now in force, None for the original.

        Raises TakeError when the original is in force already.
        """
        step = self._step(place)
        if step == 0:
            raise TakeError("The original is in place already; there is nothing to revert.")
        self._point(place, step - 1)
        return self.chosen(place)

    def redo(self, place: Place) -> str:
        """Take one `revert` back; returns the take now in force. Raises TakeError when there was none."""
        step = self._step(place) + 1
        row = self._connection.execute(
            f"SELECT take FROM choice WHERE {_AT_PLACE} AND step = ?", (*place, step)
        ).fetchone()
        if row is None:
            raise TakeError(
                "No choice was reverted here, so there is nothing to redo.", "Choose a take instead."
            )
        self._point(place, step)
        return str(row[0])

    def choices(self, song: str) -> dict[Place, str]:
        """Every place of a song where a take is in force, with its id."""
        rows = self._connection.execute(
            'SELECT song, start, "end", stem, take FROM choice JOIN place'
            ' USING (song, start, "end", stem, step) WHERE song = ? ORDER BY start',
            (song,),
        )
        return {Place(*row[:4]): row[4] for row in rows}

    def parents(self, take_id: str) -> tuple[Take, ...]:
        """The takes this one comes from: the one it varies, and the ones whose result its song is."""
        take = self.get(take_id)
        return self._takes(
            "WHERE (id = ? OR result = ?) AND id != ? ORDER BY serial", (take.origin, take.parent, take_id)
        )

    def lineage(self, take_id: str) -> tuple[Take, ...]:
        """The take itself, then its parents, theirs and so on, each once, nearest first."""
        found: dict[str, Take] = {take_id: self.get(take_id)}
        waiting = [take_id]
        while waiting:
            for parent in self.parents(waiting.pop(0)):
                if parent.id not in found:
                    found[parent.id] = parent
                    waiting.append(parent.id)
        return tuple(found.values())

    def delete(self, take_id: str) -> None:
        """Forget a take and every choice of it; its audio goes with the next sweep.

        Places where it was in force show the original. Raises TakeError when there is none.
        """
        take = self.get(take_id)
        place = place_of(take)
        self._drop_choices(place, take_id)
        self._connection.execute("DELETE FROM take WHERE id = ?", (take_id,))

    def referenced_digests(self) -> set[str]:
        """Digests of every blob some take needs, songs included."""
        return {digest for take in self._takes("", ()) for digest in take.digests}

    def remember_file(self, path: str, size: int, mtime_ns: int, digest: str) -> None:
        """Note which audio a file held when it had this size and time of change."""
        # As bytes: a name that is not UTF-8 is no text for SQLite.
        self._connection.execute(
            "INSERT OR REPLACE INTO known_file VALUES (?, ?, ?, ?)",
            (os.fsencode(path), size, mtime_ns, digest),
        )

    def recall_file(self, path: str, size: int, mtime_ns: int) -> str | None:
        """Digest of the audio in a file that has not changed since; None when it is unknown or has."""
        row = self._connection.execute(
            "SELECT digest FROM known_file WHERE path = ? AND size = ? AND mtime_ns = ?",
            (os.fsencode(path), size, mtime_ns),
        ).fetchone()
        return None if row is None else str(row[0])

    def remember_stamp(self, digest: str, stamp: Fraction | None) -> None:
        """Note the time stamp of the file this audio came in, in seconds; None: it had none."""
        if stamp is None:
            self._connection.execute("DELETE FROM time_stamp WHERE digest = ?", (digest,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO time_stamp VALUES (?, ?)", (digest, str(stamp)))

    def recall_stamp(self, digest: str) -> Fraction | None:
        """The time stamp of the file this audio came in, in seconds; None without one."""
        row = self._connection.execute(
            "SELECT seconds FROM time_stamp WHERE digest = ?", (digest,)
        ).fetchone()
        return None if row is None else Fraction(row[0])

    def remember_tempo(self, digest: str, tempo: str | None) -> None:
        """Keep a tempo with a song; None: forget it."""
        if tempo is None:
            self._connection.execute("DELETE FROM song_tempo WHERE digest = ?", (digest,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO song_tempo VALUES (?, ?)", (digest, tempo))

    def recall_tempo(self, digest: str) -> str | None:
        """The tempo kept with a song; None without one."""
        return self._one("SELECT tempo FROM song_tempo WHERE digest = ?", digest)

    @property
    def keeps_tempos(self) -> bool:
        """Whether a tempo is kept with any song."""
        return self._connection.execute("SELECT 1 FROM song_tempo LIMIT 1").fetchone() is not None

    def remember_analysis(self, job: str, digest: str, found: str) -> None:
        """Keep what a job found in a song."""
        self._connection.execute("INSERT OR REPLACE INTO analysis VALUES (?, ?, ?)", (job, digest, found))

    def analysis_of_job(self, job: str) -> str | None:
        """What a job found; None where it found nothing."""
        return self._one("SELECT found FROM analysis WHERE job = ?", job)

    def analysis_of_song(self, digest: str) -> str | None:
        """What was found last in a song; None where nothing was."""
        return self._one("SELECT found FROM analysis WHERE digest = ? ORDER BY rowid DESC LIMIT 1", digest)

    def _one(self, statement: str, value: str) -> str | None:
        row = self._connection.execute(statement, (value,)).fetchone()
        return None if row is None else str(row[0])

    def _drop_choices(self, place: Place, take_id: str) -> None:
        """Remove a take from the history of its place and close the gaps, pointer included."""
        rows = self._connection.execute(
            f"SELECT step, take FROM choice WHERE {_AT_PLACE} ORDER BY step", tuple(place)
        ).fetchall()
        step = self._step(place)
        kept = [(number, take) for number, take in rows if take != take_id]
        in_force = any(number == step and take == take_id for number, take in rows)
        self._connection.execute(f"DELETE FROM choice WHERE {_AT_PLACE}", tuple(place))
        self._connection.executemany(
            "INSERT INTO choice VALUES (?, ?, ?, ?, ?, ?)",
            [(*place, number, take) for number, (_, take) in enumerate(kept, 1)],
        )
        self._point(place, 0 if in_force else sum(number <= step for number, _ in kept))

    def _takes(self, clauses: str, values: tuple[Any, ...]) -> tuple[Take, ...]:
        return tuple(from_row(tuple(row)) for row in self._connection.execute(f"{_SELECT} {clauses}", values))

    def serial(self, take_id: str) -> int:
        """Where a take stands in the order of their making. Raises TakeError when there is none."""
        row = self._connection.execute("SELECT serial FROM take WHERE id = ?", (take_id,)).fetchone()
        if row is None:
            raise TakeError(f"There is no take {take_id}.", "List the takes to see which there are.")
        return int(row[0])

    def _step(self, place: Place) -> int:
        row = self._connection.execute(f"SELECT step FROM place WHERE {_AT_PLACE}", tuple(place)).fetchone()
        return 0 if row is None else int(row[0])

    def _point(self, place: Place, step: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)", (*place, step))
