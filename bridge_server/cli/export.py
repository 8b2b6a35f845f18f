"""`takebridge export`: reads the store itself. Nothing has to run for it, and it writes wherever its user may."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, TextColumn

from bridge_server.cli.commands import DONE, INTERRUPTED, Screen
from bridge_server.cli.stored import stored
from bridge_server.errors import as_protocol_error
from bridge_server.handlers.exports import finished_song, ledger_of_song, project_of, stems_of
from bridge_server.provenance.sealing import Sealing, sealing_of
from bridge_server.rendering.ledger_file import peaks_of_mix, write_ledger
from bridge_server.rendering.notes_file import write_notes
from bridge_server.rendering.receipts import song_in_words
from bridge_server.version import MADE_BY, VERSION
from clip_store.errors import ClipStoreError, TakeError
from clip_store.exports import Format, Written, write_export
from clip_store.exports.stems import write_stems
from clip_store.mix.song_mix import SongMix
from clip_store.mix.write_mix import MixFormat, write_mix
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.export import LEDGER_FORMAT, MIX_FORMATS, NOTES_FORMAT, STEMS_FORMAT, Export


def export(
    store: Path, screen: Screen, what: str, name: str, format: str, folder: Path, sign: Path | None = None
) -> int:
    """The command `takebridge export`; returns the exit status. sign: the folder of the key that files are signed with.

    Raises ProtocolError.
    """
    try:
        with stored(store) as found:
            sealing = sealing_of(sign, found.blobs)
            if format in MIX_FORMATS:
                return _finished(found, screen, what, name, format, folder, sealing)
            written = _written(found, screen, what, name, format, folder, sealing)
    except KeyboardInterrupt:
        screen.say("Cancelled; no file was written.")
        return INTERRUPTED
    except TakeError as error:
        raise ProtocolError(ErrorCode.UNKNOWN_TAKE, error.sentence, error.remedy) from error
    except ClipStoreError as error:
        raise as_protocol_error(error) from error
    screen.say(f"→ {escape(str(written.main))}")
    for note in written.notes:
        screen.say(f"  [dim]{escape(note)}[/dim]")
    files = [str(path) for path in written.files]
    screen.result({"path": str(written.main), "files": files, "notes": list(written.notes)})
    return DONE


def _written(
    store: ClipStore, screen: Screen, what: str, name: str, format: str, folder: Path, sealing: Sealing | None
) -> Written:
    Export(what=what, name=name, format=format)  # refuses stems of a song
    if format == LEDGER_FORMAT:
        song = finished_song(store, name)
        with exporting_bar(screen) as progress:
            peaks = peaks_of_mix(SongMix(song.accepted, store.blobs), progress)
            return write_ledger(ledger_of_song(song), peaks, folder, MADE_BY, time.time(), screen.language)
    seal = sealing.takes if sealing else None
    if format == STEMS_FORMAT:
        stems = stems_of(store, name)
        with exporting_bar(screen) as progress:
            return write_stems(stems, store.blobs, folder, progress, seal)
    project = project_of(store, what, name)
    if format == NOTES_FORMAT:
        with exporting_bar(screen) as progress:
            return write_notes(store.index.get(name), project, store.blobs, folder, progress)
    with exporting_bar(screen) as progress:
        return write_export(project, store.blobs, Format(format), folder, VERSION, progress, seal)


def _finished(
    store: ClipStore, screen: Screen, what: str, name: str, format: str, folder: Path, sealing: Sealing | None
) -> int:
    """Writes the song with everything accepted in it. Raises ProtocolError, TakeError, ClipStoreError."""
    Export(what=what, name=name, format=format)  # refuses what is no song
    song = finished_song(store, name)
    with exporting_bar(screen) as progress:
        seal = sealing.song if sealing else None
        written = write_mix(song, store.blobs, MixFormat(format), folder, progress, seal)
    screen.say(f"→ {escape(str(written.path))}")
    for line in song_in_words(written.receipt):
        screen.say(f"    {escape(line)}")
    for note in written.notes:
        screen.say(f"  [dim]{escape(note)}[/dim]")
    path = str(written.path)
    receipt = written.receipt.to_fields()
    screen.result({"path": path, "files": [path], "notes": list(written.notes), "receipt": receipt})
    return DONE


@contextlib.contextmanager
def exporting_bar(screen: Screen) -> Iterator[Callable[[float], None]]:
    """A progress bar, as a function that sets it."""
    with screen.bar(TextColumn("{task.description}"), BarColumn()) as bar:
        task = bar.add_task("exporting", total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
