"""The history of each song: everything that was accepted, reverted or redone, in all its places, in order.

A pointer says how far it is in force; undo and redo move it, and the places with it. Something new after an undo
forgets what was undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clip_store.choices import Choices, Place
from clip_store.errors import TakeError
from clip_store.index_schema import Connection


class SongHistory:
    """The journals of all songs. Methods that change something take several statements: call them in a transaction."""

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

    def undo(self, song: str) -> Place:
        """Take the last change back; returns its place. Raises TakeError when there is none."""
        found = self._next_undo(song)
        if found is None:
            raise TakeError("Nothing is left to undo in this song.", "Accept a take first.")
        serial, place, step = found
        self._choices.move(place, step)
        self._point(song, serial - 1)
        return place

    def redo(self, song: str) -> Place:
        """Make the last change that was undone again; returns its place. Raises TakeError when there is none."""
        found = self._next_redo(song)
        if found is None:
            raise TakeError(
                "Nothing was undone in this song since something was accepted last.", "Accept a take instead."
            )
        serial, place, step = found
        self._choices.move(place, step)
        self._point(song, serial)
        return place

    def can_undo(self, song: str) -> bool:
        return self._next_undo(song) is not None

    def can_redo(self, song: str) -> bool:
        return self._next_redo(song) is not None

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

    def _next_undo(self, song: str) -> tuple[int, Place, int] | None:
        return self._next(song, "serial <= ? ORDER BY serial DESC", lambda before, _: before)

    def _next_redo(self, song: str) -> tuple[int, Place, int] | None:
        return self._next(song, "serial > ? ORDER BY serial", lambda _, after: after)

    def _next(
        self, song: str, which: str, step_of: Callable[[int, int], int]
    ) -> tuple[int, Place, int] | None:
        """The nearest entry that changes something: (serial, place, step it leads to).

        Others changed nothing that is still there: their takes were deleted.
        """
        rows = self._connection.execute(
            f'SELECT serial, start, "end", stem, before, after FROM journal WHERE song = ? AND {which}',
            (song, self._at(song)),
        )
        for serial, start, end, stem, before, after in map(tuple, rows):
            place, step = Place(song, start, end, stem), step_of(before, after)
            if self._choices.step(place) != step:
                return serial, place, step
        return None

    def _at(self, song: str) -> int:
        row = self._connection.execute("SELECT serial FROM journal_place WHERE song = ?", (song,)).fetchone()
        return 0 if row is None else int(row[0])

    def _point(self, song: str, serial: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO journal_place VALUES (?, ?)", (song, serial))
