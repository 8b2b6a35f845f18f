"""Where the doubles' facts come from: a table beside each, whose guesses stand in that DAW's README as well."""

from __future__ import annotations

from pathlib import Path

MARKS = {"measured", "documented", "in use", "guessed"}


def assert_guesses_are_listed(facts: Path, readme: Path) -> None:
    """Every row has a mark and a source; the README lists as many guesses as the table has."""
    lines = facts.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][
        1:
    ]
    assert len(rows) > 5
    for row in rows:
        assert len(row) == 3, row
        assert row[1] in MARKS, row
        assert row[2], row
    guesses = [row[0] for row in rows if row[1] == "guessed"]
    listed = readme.read_text(encoding="utf-8").split("are guesses:")[1].split("\n\n")[1]
    assert listed.count("\n- ") + 1 == len(guesses), guesses
