"""The tables of the take index, and what brings those of an earlier version into this one's form."""

from __future__ import annotations

import sqlite3

from clip_store.errors import TakeError
from clip_store.take import COLUMNS

Connection = sqlite3.Connection

SCHEMA_VERSION = 5
"""Of these tables alone: `PRAGMA user_version` belongs to whoever owns the database file."""

TABLES = (
    # Made with its one row in one statement: an INSERT would leave a transaction open behind the caller's back.
    f"CREATE TABLE IF NOT EXISTS clip_store_meta AS SELECT 'schema' AS key, {SCHEMA_VERSION} AS value",
    f"""CREATE TABLE IF NOT EXISTS take (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        {", ".join(COLUMNS)},
        UNIQUE (id))""",
    "CREATE INDEX IF NOT EXISTS take_by_parent ON take (parent, start)",
    "CREATE INDEX IF NOT EXISTS take_by_job ON take (job)",
    "CREATE INDEX IF NOT EXISTS take_by_result ON take (result)",
    "CREATE INDEX IF NOT EXISTS take_by_audio ON take (audio)",
    # A tree of choices in each place, see choices.py. parts: JSON, null for all of the take.
    """CREATE TABLE IF NOT EXISTS choice (
        song TEXT, start INTEGER, "end" INTEGER, stem TEXT, step INTEGER, take TEXT NOT NULL,
        parent INTEGER NOT NULL DEFAULT 0, parts TEXT, on_path INTEGER NOT NULL DEFAULT 1,
        serial INTEGER NOT NULL DEFAULT 0, chosen_at REAL, chosen_by TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (song, start, "end", stem, step))""",
    """CREATE TABLE IF NOT EXISTS place (
        song TEXT, start INTEGER, "end" INTEGER, stem TEXT, step INTEGER NOT NULL,
        PRIMARY KEY (song, start, "end", stem))""",
    # What was accepted, reverted and redone in each song, see song_history.py.
    """CREATE TABLE IF NOT EXISTS journal (
        song TEXT, serial INTEGER, start INTEGER NOT NULL, "end" INTEGER NOT NULL, stem TEXT NOT NULL,
        before INTEGER NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (song, serial))""",
    "CREATE TABLE IF NOT EXISTS journal_place (song TEXT PRIMARY KEY, serial INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS known_file (
        path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL)""",
    # Of audio that came without a file of its own: its digest is of the samples, which do not say where they belong.
    "CREATE TABLE IF NOT EXISTS time_stamp (digest TEXT PRIMARY KEY, seconds TEXT NOT NULL)",
    # What its producer called that audio, with the file's size; numbered in the order it came.
    """CREATE TABLE IF NOT EXISTS upload (
        serial INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        size INTEGER NOT NULL, moment REAL NOT NULL)""",
    # What the tags of the file call it that a song came in last.
    "CREATE TABLE IF NOT EXISTS tag (digest TEXT PRIMARY KEY, title TEXT NOT NULL, artist TEXT NOT NULL)",
    # The XMP packet of that file, where it had one.
    "CREATE TABLE IF NOT EXISTS xmp (digest TEXT PRIMARY KEY, packet TEXT NOT NULL)",
    # What a producer accepted for a song, and what analyses found, by the song's digest; JSON of others' making.
    "CREATE TABLE IF NOT EXISTS song_tempo (digest TEXT PRIMARY KEY, tempo TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS analysis (job TEXT PRIMARY KEY, digest TEXT NOT NULL, found TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS analysis_by_song ON analysis (digest)",
    # What a producer noted on takes, see marks.py; takes without a note have no row.
    """CREATE TABLE IF NOT EXISTS take_mark (
        take TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', stars INTEGER NOT NULL DEFAULT 0,
        hidden INTEGER NOT NULL DEFAULT 0)""",
    # What engines keep of takes' audio, see kept.py.
    """CREATE TABLE IF NOT EXISTS kept (
        serial INTEGER PRIMARY KEY AUTOINCREMENT, take TEXT NOT NULL, engine TEXT NOT NULL, digest TEXT NOT NULL,
        blob TEXT NOT NULL, size INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS kept_by_audio ON kept (digest)",
)

MIGRATIONS = {
    # Choices were a line in each place; what is in force in a song becomes its history, in the order it was accepted.
    1: (
        "ALTER TABLE choice ADD COLUMN parent INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE choice ADD COLUMN parts TEXT",
        "ALTER TABLE choice ADD COLUMN on_path INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE choice ADD COLUMN serial INTEGER NOT NULL DEFAULT 0",
        "UPDATE choice SET parent = step - 1, serial = rowid",
        *(table for table in TABLES if "journal" in table),
        """INSERT INTO journal
            SELECT song, row_number() OVER (PARTITION BY song ORDER BY choice.rowid), start, "end", stem,
                choice.step - 1, choice.step
            FROM choice JOIN place USING (song, start, "end", stem)
            WHERE choice.step <= place.step AND song != ''""",
        "INSERT INTO journal_place SELECT song, MAX(serial) FROM journal GROUP BY song",
    ),
    # Takes get names, stars and a place out of sight.
    2: tuple(table for table in TABLES if "take_mark" in table),
    # Choices say when they were made and by whom; songs keep the XMP of their files.
    3: (
        "ALTER TABLE choice ADD COLUMN chosen_at REAL",
        "ALTER TABLE choice ADD COLUMN chosen_by TEXT NOT NULL DEFAULT ''",
        *(table for table in TABLES if "EXISTS xmp" in table),
    ),
    # Engines keep latents.
    4: tuple(table for table in TABLES if "kept" in table),
}


def make_tables(connection: Connection) -> None:
    """Make the tables where they are missing and bring old ones forward, in one transaction.

    Raises TakeError when a newer version made them.
    """
    version = _version(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise TakeError(
            f"The take index was made by a newer version (schema {version}, known: {SCHEMA_VERSION}).",
            "Update Takebridge, or use another store folder.",
        )
    if version is not None and version < SCHEMA_VERSION:
        try:
            _migrate(connection, version)
        except sqlite3.OperationalError as error:
            if "readonly" in str(error):
                return  # looked at, not worked with: takes are where they were
            raise
    for statement in TABLES:
        connection.execute(statement)


def is_behind(connection: Connection) -> bool:
    """Whether an earlier version made the tables, so that a store has to be opened for writing once."""
    version = _version(connection)
    return version is None or version < SCHEMA_VERSION


def _version(connection: Connection) -> int | None:
    """The schema of the tables there are; None in a new database."""
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'clip_store_meta'").fetchone()
    if made is None:
        return None
    return int(connection.execute("SELECT value FROM clip_store_meta WHERE key = 'schema'").fetchone()[0])


def _migrate(connection: Connection, version: int) -> None:
    # A savepoint: whether or not the caller is in a transaction, all of it happens or nothing.
    connection.execute("SAVEPOINT migration")
    try:
        for step in range(version, SCHEMA_VERSION):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
        connection.execute("UPDATE clip_store_meta SET value = ? WHERE key = 'schema'", (SCHEMA_VERSION,))
    except BaseException:
        connection.execute("ROLLBACK TO migration")
        raise
    finally:
        connection.execute("RELEASE migration")
