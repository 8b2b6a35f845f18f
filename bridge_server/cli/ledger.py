"""`takebridge ledger`: whose a song is, from the store or from its sound files alone. Nothing has to run for it."""

from __future__ import annotations

import time
from pathlib import Path

from rich.markup import escape

from bridge_server.cli.commands import DONE, Screen
from bridge_server.cli.export import exporting_bar
from bridge_server.cli.stored import stored
from bridge_server.errors import as_protocol_error
from bridge_server.handlers.exports import finished_song, ledger_of_song
from bridge_server.rendering.ledger_file import peaks_of_mix, peaks_of_sound, write_ledger
from bridge_server.rendering.ledger_words import ledger_in_words, source_type_in_words
from bridge_server.version import MADE_BY
from clip_store.errors import ClipStoreError, TakeError
from clip_store.exports.ledger_files import ledger_from_files
from clip_store.mix.song_mix import SongMix
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.ledger import Ledger


def ledger(store: Path, screen: Screen, song: str, files: Path | None, folder: Path | None) -> int:
    """The command; returns the exit status. files: read these instead of the store; folder: write page and JSON there.

    Raises ProtocolError.
    """
    if bool(song) == (files is not None):
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            "Give a song of the store or --from-files, one of both.",
            "For example: takebridge ledger demo, or takebridge ledger --from-files exports/demo",
            "song",
        )
    try:
        found, peaks = (
            _from_files(files, folder) if files is not None else _from_store(store, screen, song, folder)
        )
        written = None
        if folder is not None:
            written = write_ledger(found, peaks, folder, MADE_BY, time.time(), screen.language)
    except TakeError as error:
        raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy, "song") from error
    except ClipStoreError as error:
        raise as_protocol_error(error) from error
    screen.say(f"{escape(found.title)}: {escape(source_type_in_words(found.source_type, screen.language))}")
    for line in ledger_in_words(found, screen.language):
        screen.say(f"  {escape(line)}")
    for note in found.notes:
        screen.say(f"  [dim]{escape(note)}[/dim]")
    for path in written.files if written else ():
        screen.say(f"→ {escape(str(path))}")
    paths = [str(path) for path in written.files] if written else []
    screen.result({"ledger": found.to_fields(), "files": paths})
    return DONE


def _from_store(
    store: Path, screen: Screen, song: str, folder: Path | None
) -> tuple[Ledger, tuple[float, ...]]:
    with stored(store) as found:
        finished = finished_song(found, song)
        peaks: tuple[float, ...] = ()
        if folder is not None:
            with exporting_bar(screen) as progress:
                peaks = peaks_of_mix(SongMix(finished.accepted, found.blobs), progress)
        return ledger_of_song(finished), peaks


def _from_files(files: Path, folder: Path | None) -> tuple[Ledger, tuple[float, ...]]:
    found = ledger_from_files(files)
    if folder is None or found.sound is None:
        return found.ledger, ()
    return found.ledger, peaks_of_sound(found.sound, found.begins, found.ledger)
