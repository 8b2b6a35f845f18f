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

from clip_store.choices import Choice, Choices, Place
from clip_store.comp import Comp, Part, cropped, overlay
from clip_store.errors import TakeError
from clip_store.index_schema import SCHEMA_VERSION, Connection, make_tables
from clip_store.kept import KeptBlobs
from clip_store.marks import Marks
from clip_store.song_history import SongHistory
from clip_store.take import COLUMNS, Take, from_row, to_row
from daw_protocol.tasks import TASKS
from daw_protocol.timeline.span import Span

__all__ = ["SCHEMA_VERSION", "Connection", "Place", "TakeIndex", "place_of"]

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM take"
_INSERT = f"INSERT INTO take ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def place_of(take: Take) -> Place:
    """The place a take was made for."""
    return Place(take.parent or "", take.region.start, take.region.end, take.stem)


class TakeLink(NamedTuple):
    """Where a take lies and what it is made of; fields as in Take. serial: its place in the order of their making."""

    id: str
    task: str
    parent: str
    audio: str
    position: int
    start: int
    length: int
    result: str | None
    serial: int


class TakeIndex:
    """Takes, choices and known files in a database the caller opened, commits and closes.

    Methods that change something take several statements: call them inside a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where they are missing. Raises TakeError when a newer version made them."""
        self._connection = connection
        make_tables(connection)
        self._choices = Choices(connection)
        self.history = SongHistory(connection, self._choices)
        self.marks = Marks(connection)
        self.kept = KeptBlobs(connection)

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

    def prompts_of_song(self, song: str | None) -> tuple[tuple[str, str, str, float], ...]:
        """The prompts of a song's takes, each once: prompt, lyrics, task and time of its last take; newest first.

        None: of takes that were made without a song.
        """
        rows = self._connection.execute(
            "SELECT json_extract(request, '$.prompt') AS prompt, coalesce(json_extract(request, '$.lyrics'), ''), task,"
            " MAX(created) FROM take WHERE parent IS ? AND prompt != '' GROUP BY prompt ORDER BY MAX(created) DESC",
            (song,),
        )
        return tuple(
            (str(prompt), str(lyrics), str(task), float(used)) for prompt, lyrics, task, used in rows
        )

    def links(self, song: str) -> tuple[TakeLink, ...]:
        """The takes of a song, in the order they were made, by what places them: quick for thousands."""
        rows = self._connection.execute(
            f"SELECT {', '.join(TakeLink._fields)} FROM take WHERE parent = ? ORDER BY serial", (song,)
        )
        return tuple(TakeLink(*row) for row in rows)

    def songs_made_of(self, song: str) -> set[str]:
        """The results of a song's takes that have takes themselves."""
        rows = self._connection.execute(
            "SELECT DISTINCT result FROM take WHERE parent = ? AND result != parent"
            " AND result IN (SELECT parent FROM take)",
            (song,),
        )
        return {row[0] for row in rows}

    def stems_used(self, song: str) -> set[str]:
        """The ids of a song's stems and instruments whose sound has takes itself."""
        rows = self._connection.execute(
            "SELECT id, task FROM take WHERE parent = ? AND audio != parent AND audio IN (SELECT parent FROM take)",
            (song,),
        )
        return {str(take) for take, task in rows if TASKS[task].is_track}

    def maker_of(self, song: str) -> Take | None:
        """The take that made a song: whose result it is, or whose sound it is where that is a stem or an instrument."""
        found = self._takes("WHERE (result = ? OR audio = ?) AND parent != ? ORDER BY serial", (song,) * 3)
        return next((take for take in found if take.result == song or TASKS[take.task].is_track), None)

    def choose(self, take_id: str, part: Span | None = None, at: float | None = None, by: str = "") -> Place:
        """Make a take, or a part of it, the one in force at its place; what was undone there is off the path of `redo`.

        part: in samples of the song, inside the take's region; laid over what is in force. None: all of the take.
        at: when, in seconds since 1970; by: who chose it.
        Choosing what is in force changes nothing. Raises TakeError when the take is unknown, or the part lies outside.
        """
        take = self.get(take_id)
        place = place_of(take)
        before = self._choices.in_force(place)
        whole = Part(take_id, place.start, place.end)
        parts: Comp = (whole,)
        if part is not None:
            inside = cropped([whole], part)
            if not inside:
                raise TakeError(
                    f"There is nothing of take {take_id} between these positions.",
                    "Choose a part inside its region, which lies from sample "
                    f"{take.position} to {take.position + take.length} of the timeline.",
                )
            parts = overlay(before.parts if before else (), inside[0])
        if before is None or before.parts != parts:
            step = self._choices.step(place)
            self.history.record(place, step, self._choices.add(place, take_id, parts, at, by))
        return place

    def chosen(self, place: Place) -> str | None:
        """Id of the take in force, of a comp the one chosen last; None: the original."""
        choice = self._choices.in_force(place)
        return choice.take if choice else None

    def parts(self, place: Place) -> Comp:
        """What plays where in a place; empty: the original."""
        choice = self._choices.in_force(place)
        return choice.parts if choice else ()

    def revert(self, place: Place) -> str | None:
        """Go one choice back; returns the take now in force, None for the original.

        Raises TakeError when the original is in force already.
        """
        step = self._choices.step(place)
        if step == 0:
            raise TakeError("The original is in place already; there is nothing to revert.")
        return self._move(place, self._choices.parent(place))

    def redo(self, place: Place) -> str | None:
        """Take one `revert` back; returns the take now in force. Raises TakeError when there was none."""
        step = self._choices.following(place)
        if step is None:
            raise TakeError(
                "No choice was reverted here, so there is nothing to redo.", "Choose a take instead."
            )
        return self._move(place, step)

    def _move(self, place: Place, step: int) -> str | None:
        self.history.record(place, self._choices.step(place), step)
        self._choices.move(place, step)
        return self.chosen(place)

    def choices(self, song: str) -> dict[Place, str]:
        """Every place of a song where a take is in force, with its id, in the order they were accepted."""
        return {place: choice.take for place, choice in self._choices.of_song(song)}

    def comps(self, song: str) -> dict[Place, Comp]:
        """Every place of a song where something is in force, and what plays where, in the order it was accepted."""
        return {place: choice.parts for place, choice in self._choices.of_song(song)}

    def chosen_by(self, place: Place, take_id: str) -> Choice | None:
        """The choice that made a take part of what is in force in a place, the newest; None where none did."""
        return next((choice for choice in self._choices.history(place) if choice.take == take_id), None)

    def acceptance(self, place: Place) -> int:
        """Larger the later what is in force in a place was accepted, whatever the song; 0 for the original."""
        choice = self._choices.in_force(place)
        return choice.serial if choice else 0

    def new_song(self, song: str) -> Take | None:
        """The take that is a song of its own, made from none."""
        return next(iter(self._takes("WHERE audio = ? AND parent IS NULL ORDER BY serial", (song,))), None)

    def parents(self, take_id: str) -> tuple[Take, ...]:
        """The takes this one comes from: the one it varies, those in what it heard, those whose result or
        sound its song is."""
        take = self.get(take_id)
        heard = take.recipe.heard.takes if take.recipe.heard else ()
        sound = self._sound_of(take)
        named = (take.origin, sound, *heard)
        marks = ", ".join("?" * len(named))
        return self._takes(
            f"WHERE (id IN ({marks}) OR result = ?) AND id != ? ORDER BY serial",
            (*named, take.parent, take_id),
        )

    def _sound_of(self, take: Take) -> str | None:
        """The id of the take whose sound a take's song is; of several that sound alike the one that lies there."""
        first = take.position - take.start
        row = self._connection.execute(
            "SELECT id FROM take WHERE audio = ? AND id != ? ORDER BY position != ?, serial LIMIT 1",
            (take.parent, take.id, first),
        ).fetchone()
        return None if row is None else str(row[0])

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
        """Forget a take, its mark, every choice of it and its parts of comps; its audio goes with the next sweep.

        Where it was in force, the original plays. Raises TakeError when there is none.
        """
        place = place_of(self.get(take_id))
        self.history.replace_steps(place, self._choices.drop_take(place, take_id))
        self.marks.drop(take_id)
        self.kept.drop(take_id)
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

    def remember_upload(self, digest: str, name: str, size: int, moment: float) -> None:
        """Note the name and the size in bytes of the file this audio came in, and when: seconds since 1970."""
        self._connection.execute(
            "INSERT OR REPLACE INTO upload (digest, name, size, moment) VALUES (?, ?, ?, ?)",
            (digest, name, size, moment),
        )

    def remember_tags(self, digest: str, title: str, artist: str) -> None:
        """Note what the tags of the file say that this audio came in; both empty: nothing."""
        if title or artist:
            self._connection.execute("INSERT OR REPLACE INTO tag VALUES (?, ?, ?)", (digest, title, artist))
        else:
            self._connection.execute("DELETE FROM tag WHERE digest = ?", (digest,))

    def recall_tags(self, digest: str) -> tuple[str, str]:
        """Title and artist in the tags of the file that this audio came in last; "" for what they do not say."""
        row = self._connection.execute("SELECT title, artist FROM tag WHERE digest = ?", (digest,)).fetchone()
        return ("", "") if row is None else (str(row[0]), str(row[1]))

    def remember_xmp(self, digest: str, packet: str) -> None:
        """Keep the XMP packet of the file that this audio came in; "": it had none."""
        if packet:
            self._connection.execute("INSERT OR REPLACE INTO xmp VALUES (?, ?)", (digest, packet))
        else:
            self._connection.execute("DELETE FROM xmp WHERE digest = ?", (digest,))

    def recall_xmp(self, digest: str) -> str:
        """The XMP packet of the file that this audio came in last; "" without one."""
        return self._one("SELECT packet FROM xmp WHERE digest = ?", digest) or ""

    def upload_name(self, digest: str) -> str | None:
        """The name of the file this audio was uploaded as; None when it was not."""
        return self._one("SELECT name FROM upload WHERE digest = ?", digest)

    def uploads(self, limit: int) -> tuple[tuple[str, str, int, float], ...]:
        """(digest, name, size, moment) of what was uploaded, the last one first."""
        rows = self._connection.execute(
            "SELECT digest, name, size, moment FROM upload ORDER BY serial DESC LIMIT ?", (limit,)
        )
        return tuple((str(row[0]), str(row[1]), int(row[2]), float(row[3])) for row in rows)

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

    def _takes(self, clauses: str, values: tuple[Any, ...]) -> tuple[Take, ...]:
        return tuple(from_row(tuple(row)) for row in self._connection.execute(f"{_SELECT} {clauses}", values))

    def serial(self, take_id: str) -> int:
        """Where a take stands in the order of their making. Raises TakeError when there is none."""
        row = self._connection.execute("SELECT serial FROM take WHERE id = ?", (take_id,)).fetchone()
        if row is None:
            raise TakeError(f"There is no take {take_id}.", "List the takes to see which there are.")
        return int(row[0])
