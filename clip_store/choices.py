"""What is chosen in each place of a song: a tree of choices, and a pointer to the one in force.

A choice follows the one that was in force when it was made; step 0 is the original. Going back and choosing something
else starts a branch, and nothing is deleted: the history of the song (song_history.py) may come back to it. One branch
is the path along which `redo` goes: the choices made or returned to last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from clip_store.comp import Comp, Part, longest_take, normalised, without
from clip_store.index_schema import Connection
from clip_store.take import MIX

_AT_PLACE = 'song = ? AND start = ? AND "end" = ? AND stem = ?'
_COLUMNS = "step, take, parent, parts, on_path, serial, chosen_at, chosen_by"


class Place(NamedTuple):
    """What a choice is made for: a region of a song (its digest; "" for none), in one stem."""

    song: str
    start: int
    end: int
    stem: str = MIX


class Choice(NamedTuple):
    """One choice.

    take:    the one that was chosen.
    parent:  step of the choice it follows; 0: the original.
    parts:   what plays where, the parts of earlier takes that stay included.
    on_path: whether `redo` comes to it from its parent.
    serial:  larger than those of all earlier choices.
    chosen_at: when, in seconds since 1970; None where that was not noted.
    chosen_by: who, as the server names its clients; "" where that was not noted.
    """

    step: int
    take: str
    parent: int
    parts: Comp
    on_path: bool
    serial: int
    chosen_at: float | None = None
    chosen_by: str = ""


class Choices:
    """The choices in all places. Methods that change something take several statements: call them in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def step(self, place: Place) -> int:
        """The step in force; 0: the original."""
        row = self._connection.execute(f"SELECT step FROM place WHERE {_AT_PLACE}", tuple(place)).fetchone()
        return 0 if row is None else int(row[0])

    def in_force(self, place: Place) -> Choice | None:
        """The choice in force; None: the original."""
        return self._choice(place, self.step(place))

    def add(self, place: Place, take: str, parts: Comp, at: float | None = None, by: str = "") -> int:
        """Choose something new; returns its step. Choices that were undone are off the path from now on.

        at, by: when and who, as in Choice.
        """
        parent = self.step(place)
        last = self._connection.execute(f"SELECT MAX(step) FROM choice WHERE {_AT_PLACE}", tuple(place))
        step = int(last.fetchone()[0] or 0) + 1
        self._take_off_path(place, parent)
        whole = parts == (Part(take, place.start, place.end),)
        self._connection.execute(
            f'INSERT INTO choice (song, start, "end", stem, {_COLUMNS})'
            " SELECT ?, ?, ?, ?, ?, ?, ?, ?, 1, IFNULL(MAX(serial), 0) + 1, ?, ? FROM choice",
            (*place, step, take, parent, None if whole else json.dumps(parts), at, by),
        )
        self._point(place, step)
        return step

    def history(self, place: Place) -> list[Choice]:
        """The choice in force and those it follows, the newest first."""
        found = []
        step = self.step(place)
        while choice := self._choice(place, step):
            found.append(choice)
            step = choice.parent
        return found

    def following(self, place: Place) -> int | None:
        """The step that `redo` goes to; None: there is none."""
        row = self._connection.execute(
            f"SELECT step FROM choice WHERE {_AT_PLACE} AND parent = ? AND on_path",
            (*place, self.step(place)),
        ).fetchone()
        return None if row is None else int(row[0])

    def move(self, place: Place, step: int) -> None:
        """Put a step in force; the path leads through it from now on."""
        self._point(place, step)
        while choice := self._choice(place, step):
            self._take_off_path(place, choice.parent)
            self._connection.execute(
                f"UPDATE choice SET on_path = 1 WHERE {_AT_PLACE} AND step = ?", (*place, step)
            )
            step = choice.parent

    def of_song(self, song: str) -> Iterator[tuple[Place, Choice]]:
        """What is in force in a song, in the order it was accepted."""
        rows = self._connection.execute(
            f'SELECT song, start, "end", stem, {_COLUMNS} FROM choice JOIN place'
            ' USING (song, start, "end", stem, step) WHERE song = ? ORDER BY serial',
            (song,),
        ).fetchall()
        for row in rows:
            place = Place(*row[:4])
            yield place, _from_row(place, tuple(row[4:]))

    def drop_take(self, place: Place, take: str) -> dict[int, int]:
        """Remove a take from all choices of its place; returns step -> what it became, for those that are gone.

        A comp keeps its other parts. A choice with nothing left is gone, and what followed it follows the one before;
        if it was in force, the original is.
        """
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM choice WHERE {_AT_PLACE}", tuple(place))
        found = {choice.step: choice for choice in (_from_row(place, tuple(row)) for row in rows)}
        left = {step: without(choice.parts, take) for step, choice in found.items()}
        gone = {step for step, parts in left.items() if not parts}
        in_force = self.step(place)
        for step in gone:
            self._connection.execute(f"DELETE FROM choice WHERE {_AT_PLACE} AND step = ?", (*place, step))
        for step in found.keys() - gone:
            self._keep(place, found[step], left[step], found, gone)
        if in_force in gone:
            self._point(place, 0)
        return {step: _survivor(step, found, gone) for step in gone}

    def _keep(
        self, place: Place, choice: Choice, parts: Comp, found: dict[int, Choice], gone: set[int]
    ) -> None:
        """Write a choice again that lost parts, or the choice it followed."""
        on_path, parent = choice.on_path, choice.parent
        while parent in gone:
            on_path, parent = on_path and found[parent].on_path, found[parent].parent
        if (parts, parent) == (choice.parts, choice.parent):
            return
        named = choice.take if choice.take in {part.take for part in parts} else longest_take(parts)
        whole = parts == (Part(named, place.start, place.end),)
        self._connection.execute(
            f"UPDATE choice SET take = ?, parent = ?, parts = ?, on_path = ? WHERE {_AT_PLACE} AND step = ?",
            (named, parent, None if whole else json.dumps(parts), on_path, *place, choice.step),
        )

    def _choice(self, place: Place, step: int) -> Choice | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM choice WHERE {_AT_PLACE} AND step = ?", (*place, step)
        ).fetchone()
        return None if row is None else _from_row(place, tuple(row))

    def parent(self, place: Place) -> int:
        """The step before the one in force; the original comes before all others."""
        choice = self.in_force(place)
        return choice.parent if choice else 0

    def _take_off_path(self, place: Place, parent: int) -> None:
        self._connection.execute(
            f"UPDATE choice SET on_path = 0 WHERE {_AT_PLACE} AND parent = ?", (*place, parent)
        )

    def _point(self, place: Place, step: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)", (*place, step))


def _from_row(place: Place, row: tuple[object, ...]) -> Choice:
    step, take, parent, parts, on_path, serial, at, by = row
    whole = (Part(str(take), place.start, place.end),)
    comp = whole if parts is None else normalised(Part(*entry) for entry in json.loads(str(parts)))
    moment = None if at is None else float(str(at))
    return Choice(
        int(str(step)), str(take), int(str(parent)), comp, bool(on_path), int(str(serial)), moment, str(by)
    )


def _survivor(step: int, found: dict[int, Choice], gone: set[int]) -> int:
    while step in gone:
        step = found[step].parent
    return step
