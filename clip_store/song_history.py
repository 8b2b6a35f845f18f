"""The history of each song: everything that was accepted, reverted or redone, in all its places, in order.

A pointer says how far it is in force; undo and redo move it, and the places with it. Something new after an undo
forgets what was undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from clip_store.choices import Choices, Place
from clip_store.errors import TakeError
from clip_store.index_schema import Connection


class _Entry(NamedTuple):
    """An entry of a journal. number: larger than those of all earlier entries of any song; serial: in its song; step:
    the one of its place that it leads to."""

    number: int
    serial: int
    place: Place
    step: int


class SongHistory:
    """The journals of all songs. A song and those its takes and stems made of it are walked through as one.

    Methods that change something take several statements: call them in a transaction.
    """

    def __init__(self, connection: Connection, choices: Choices) -> None:
        self._connection = connection
        self._choices = choices

    def record(self, place: Place, before: int, after: int) -> None:
        """Note that a place went from one step to another. A take without a song has no history."""
        if not place.song:
            return
        at = self._at(place.song)
        self._connection.execute("DELETE FROM journal WHERE song = ? AND serial > ?", (place.song, at))
        self._connection.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)",
            (place.song, at + 1, place.start, place.end, place.stem, before, after),
        )
        self._point(place.song, at + 1)

    def undo(self, *songs: str) -> Place:
        """Take the last change in any of some songs back; returns its place. Raises TakeError when there is none."""
        found = self._next_undo(songs)
        if found is None:
            raise TakeError("Nothing is left to undo in this song.", "Accept a take first.")
        self._choices.move(found.place, found.step)
        self._point(found.place.song, found.serial - 1)
        return found.place

    def redo(self, *songs: str) -> Place:
        """Make the last change that was undone again; returns its place. Raises TakeError when there is none."""
        found = self._next_redo(songs)
        if found is None:
            raise TakeError(
                "Nothing was undone in this song since something was accepted last.", "Accept a take instead."
            )
        self._choices.move(found.place, found.step)
        self._point(found.place.song, found.serial)
        return found.place

    def can_undo(self, *songs: str) -> bool:
        return self._next_undo(songs) is not None

    def can_redo(self, *songs: str) -> bool:
        return self._next_redo(songs) is not None

    def replace_steps(self, place: Place, became: Mapping[int, int]) -> None:
        """Choices of a place are gone with their take: their entries lead to what is left, or nowhere."""
        rows = self._connection.execute(
            'SELECT serial, before, after FROM journal WHERE song = ? AND start = ? AND "end" = ? AND stem = ?',
            tuple(place),
        ).fetchall()
        for serial, *steps in map(tuple, rows):
            before, after = (became.get(step, step) for step in steps)
            if before == after:
                self._connection.execute(
                    "DELETE FROM journal WHERE song = ? AND serial = ?", (place.song, serial)
                )
            else:
                self._connection.execute(
                    "UPDATE journal SET before = ?, after = ? WHERE song = ? AND serial = ?",
                    (before, after, place.song, serial),
                )

    def _next_undo(self, songs: Iterable[str]) -> _Entry | None:
        """The change made last of those in force."""
        last = (
            self._next(song, "serial <= ? ORDER BY serial DESC", lambda before, _: before) for song in songs
        )
        return max((one for one in last if one), key=lambda one: one.number, default=None)

    def _next_redo(self, songs: Iterable[str]) -> _Entry | None:
        """The change undone last. In none of the songs may anything have been changed after it."""
        known = tuple(songs)
        undone = (self._next(song, "serial > ? ORDER BY serial", lambda _, after: after) for song in known)
        first = min((one for one in undone if one), key=lambda one: one.number, default=None)
        return None if first is None or first.number < max(map(self._last, known)) else first

    def _next(self, song: str, which: str, step_of: Callable[[int, int], int]) -> _Entry | None:
        """The nearest entry that changes something. Others changed nothing that is still there: their takes were
        deleted."""
        rows = self._connection.execute(
            f'SELECT rowid, serial, start, "end", stem, before, after FROM journal WHERE song = ? AND {which}',
            (song, self._at(song)),
        )
        for number, serial, start, end, stem, before, after in map(tuple, rows):
            place, step = Place(song, start, end, stem), step_of(before, after)
            if self._choices.step(place) != step:
                return _Entry(number, serial, place, step)
        return None

    def _last(self, song: str) -> int:
        """The number of the last change in force; 0: there is none."""
        row = self._connection.execute(
            "SELECT MAX(rowid) FROM journal WHERE song = ? AND serial <= ?", (song, self._at(song))
        ).fetchone()
        return int(row[0] or 0)

    def _at(self, song: str) -> int:
        row = self._connection.execute("SELECT serial FROM journal_place WHERE song = ?", (song,)).fetchone()
        return 0 if row is None else int(row[0])

    def _point(self, song: str, serial: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO journal_place VALUES (?, ?)", (song, serial))
