"""What a producer notes on takes: a name, stars, and whether a take is out of sight. A take itself never changes."""

from __future__ import annotations

from typing import NamedTuple

from clip_store.index_schema import Connection

MAX_STARS = 5
MAX_NAME = 80
"""Letters of a take's name."""
SHORT_NAME = 60
"""Bytes of a take's name in the name of a file, which has other parts."""


class Mark(NamedTuple):
    """What is noted on one take.

    name: "" for none; any Unicode in one line, and not unique. stars: 0 to MAX_STARS.
    """

    name: str = ""
    stars: int = 0
    hidden: bool = False


class Marks:
    """The marks of all takes. Methods that change something are called in a transaction of the caller's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, take: str) -> Mark:
        """What is noted on a take; an empty mark where nothing is."""
        row = self._connection.execute(
            "SELECT name, stars, hidden FROM take_mark WHERE take = ?", (take,)
        ).fetchone()
        return Mark() if row is None else Mark(str(row[0]), int(row[1]), bool(row[2]))

    def hidden(self) -> set[str]:
        """Ids of all takes that are out of sight."""
        rows = self._connection.execute("SELECT take FROM take_mark WHERE hidden").fetchall()
        return {str(row[0]) for row in rows}

    def put(self, take: str, mark: Mark) -> None:
        """Note this on a take, in place of what was noted."""
        if mark == Mark():
            self.drop(take)
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO take_mark (take, name, stars, hidden) VALUES (?, ?, ?, ?)",
            (take, mark.name, mark.stars, int(mark.hidden)),
        )

    def drop(self, take: str) -> None:
        self._connection.execute("DELETE FROM take_mark WHERE take = ?", (take,))


def one_line(name: str) -> str:
    """A name as it is kept: pasted line breaks and runs of blanks become one blank."""
    return " ".join(name.split())
