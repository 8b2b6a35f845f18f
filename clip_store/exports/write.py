"""Writes a project into a folder: the one file of it that touches the disk. Nothing is overwritten.

What fails, or is cancelled, leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clip_store.atomic_file import store_error, whole_file, write_whole
from clip_store.audio.audio import Audio
from clip_store.audio.broadcast_wav import Bext, metadata_chunks
from clip_store.audio.riff import wave_parts
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError
from clip_store.exports.dawproject import audio_path, metadata_xml, project_xml
from clip_store.exports.formats import Format, limits
from clip_store.exports.midi_tempo import midi_bytes
from clip_store.exports.project import Project, SoundFile
from clip_store.exports.reaper import AUDIO_FOLDER, reaper_project
from clip_store.exports.sound_recipe import about_sound, recipe_in
from clip_store.room import check_room
from clip_store.seal import Seal, signed
from clip_store.store import ORIGINATOR, bext_of, file_stem
from clip_store.sung_lines import cues_of
from clip_store.take import Take
from daw_protocol.timeline import Span

OnFraction = Callable[[float], None]
"""Receives the progress, 0 to 1, before anything has its final name. What it raises ends the export."""

UNSIGNED = "AAF holds bare sound, which has no place for a signature: nothing in this file is signed."
_WIDEST = 8  # bytes a sample

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state: equal projects become equal files


@dataclass(frozen=True)
class Written:
    """What was written. main: what to open in the DAW; notes: what could not be carried, in sentences."""

    main: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def _nobody(fraction: float) -> None:
    """Ignores progress."""


def write_export(
    project: Project,
    blobs: BlobStore,
    kind: Format,
    folder: Path,
    version: str,
    progress: OnFraction = _nobody,
    seal: Seal | None = None,
) -> Written:
    """Write the project below `folder`, under a name nothing has there. seal: signs sound files that takes are in.

    Raises StoreError when audio is gone or damaged, the disk is full or the folder cannot be written;
    ValueError when the format cannot hold the tempo map; what `progress` raises, to cancel it.
    """
    for digest in [digest for sound in project.files for digest in sound.needs]:
        blobs.path(digest)  # fails before anything is written if it is missing
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sizes = [_bytes(sound, blobs) for sound in project.files if kind is not Format.MIDI]
        check_room(folder, sizes, signs=_is_signed(kind, seal))
        main, files, notes = _WRITERS[kind](_Order(project, blobs, folder, version, progress, seal))
    except OSError as error:
        raise store_error(folder / project.title, error) from error
    unsigned = () if seal is None or _is_signed(kind, seal) else (UNSIGNED,)
    return Written(main, files, (*project.notes, *limits(project, kind), *unsigned, *notes))


def _is_signed(kind: Format, seal: Seal | None) -> bool:
    return seal is not None and kind is not Format.AAF


def _bytes(sound: SoundFile, blobs: BlobStore) -> int:
    """The size of its audio, of a comp at most."""
    if sound.comp is None:
        return blobs.path(sound.digest).stat().st_size
    return sound.frames * sound.channels * _WIDEST


@dataclass(frozen=True)
class _Order:
    """What to write, and where."""

    project: Project
    blobs: BlobStore
    folder: Path
    version: str
    progress: OnFraction
    seal: Seal | None = None

    def free(self, ending: str) -> Path:
        """A path in the folder that nothing has yet."""
        stem = file_stem(self.project.title)
        for number in itertools.count(1):
            path = self.folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")
            if not path.exists():
                return path
        raise AssertionError("there is always a next number")

    @contextlib.contextmanager
    def own_folder(self) -> Iterator[Path]:
        """A new folder for the project, removed when the block fails."""
        path = self._make_folder()
        try:
            yield path
            self.progress(1.0)
        except BaseException:  # Ctrl-C too: half a project is worth nothing
            shutil.rmtree(path, ignore_errors=True)
            raise

    def _make_folder(self) -> Path:
        while True:
            path = self.free("")
            with contextlib.suppress(FileExistsError):  # another export was quicker
                path.mkdir()
                return path

    @contextlib.contextmanager
    def whole_file(self, path: Path) -> Iterator[Path]:
        """A temporary name to write the file under."""
        with whole_file(path) as part:
            yield part
            self.progress(1.0)

    def sounds(self) -> Iterator[tuple[SoundFile, Audio]]:
        """Every sound file with its audio, one at a time."""
        files = self.project.files
        for number, sound in enumerate(files):
            self.progress(number / len(files))
            yield sound, sound.read(self.blobs)

    def takes_in(self, sound: SoundFile) -> tuple[Take, ...]:
        """The takes whose sound a file has; none for an original, which stays as it came."""
        if sound.comp is None:
            return () if sound.take is None else (sound.take,)
        return tuple(sound.comp.accepted.takes[take] for take in sound.comp.takes)

    def wave(self, sound: SoundFile, audio: Audio) -> Iterator[bytes]:
        """A sound file as a WAV file, piece by piece, signed where that is wanted."""
        takes = self.takes_in(sound)
        seal = self.seal if takes else None
        yield from signed(self._pieces(sound, audio), seal, f"{sound.name}.wav", takes, self.folder)

    def _pieces(self, sound: SoundFile, audio: Audio) -> Iterator[bytes]:
        """A sound file as a WAV file, piece by piece, with progress."""
        files = self.project.files
        for piece, done in pieces_of(audio, _chunks(self.project, sound, audio)):
            yield piece
            self.progress((files.index(sound) + done) / len(files))


def pieces_of(audio: Audio, chunks: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, float]]:
    """A WAV file, piece by piece, each with the part of the file that is written with it, 0 to 1."""
    whole = max(1, audio.frames * audio.channels * audio.encoding.bits // 8)
    written = 0
    for piece in wave_parts(audio, chunks):
        written += len(piece)
        yield piece, min(1.0, written / whole)


Result = tuple[Path, tuple[Path, ...], tuple[str, ...]]


def _write_dawproject(order: _Order) -> Result:
    path = order.free(".dawproject")
    with order.whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("metadata.xml"), metadata_xml(order.project), zipfile.ZIP_DEFLATED)
        xml = project_xml(order.project, ORIGINATOR, order.version)
        archive.writestr(_entry("project.xml"), xml, zipfile.ZIP_DEFLATED)
        for sound, audio in order.sounds():
            entry = _entry(audio_path(sound.name))
            entry.file_size = audio.frames * audio.channels * audio.encoding.bits // 8  # beyond 2 GiB: zip64
            with archive.open(entry, "w") as member:
                for piece in order.wave(sound, audio):
                    member.write(piece)
    return path, (path,), ()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _ZIP_DATE)


def _write_rpp(order: _Order) -> Result:
    with order.own_folder() as folder:
        files = [_write_sound(order, folder / AUDIO_FOLDER, sound, audio) for sound, audio in order.sounds()]
        main = folder / f"{folder.name}.rpp"
        write_whole(main, [reaper_project(order.project).encode("utf-8")])
    return main, (main, *files), ()


def _write_wav(order: _Order) -> Result:
    files, notes = [], []
    with order.own_folder() as folder:
        for sound, audio in order.sounds():
            if sound.position + sound.frames <= 0:
                notes.append(f"{sound.name} lies before the timeline's zero and has no file.")
            elif sound.position < 0:
                # A time stamp cannot be negative: what is left of the file begins at zero.
                rest = audio.cut(Span(-sound.position, audio.frames))
                files.append(_write_sound(order, folder, sound, rest))
                notes.append(
                    f"{sound.name}.wav begins at the timeline's zero; what lay before it is cut off."
                )
            else:
                files.append(_write_sound(order, folder, sound, audio))
    return folder, tuple(files), tuple(notes)


def _write_sound(order: _Order, folder: Path, sound: SoundFile, audio: Audio) -> Path:
    path = folder / f"{sound.name}.wav"
    write_whole(path, order.wave(sound, audio))
    return path


def _chunks(project: Project, sound: SoundFile, audio: Audio) -> list[tuple[bytes, bytes]]:
    recipe, note = recipe_in(project, sound, audio)
    if sound.take is None:
        return metadata_chunks(_plain_bext(sound), recipe, note, audio.rate, sound.xmp)
    bext, cues = _take_bext(sound, audio), cues_of(sound.take)
    return metadata_chunks(bext, recipe, note, audio.rate, sound.xmp, cues)


def _plain_bext(sound: SoundFile) -> Bext:
    return Bext(description=about_sound(sound), originator=ORIGINATOR, time_reference=max(0, sound.position))


def _take_bext(sound: SoundFile, audio: Audio) -> Bext:
    """The take's own fields, at the place it has in this project."""
    assert sound.take is not None, "of takes only"
    return replace(bext_of(sound.take, audio), time_reference=max(0, sound.position))


def _write_aaf(order: _Order) -> Result:
    from clip_store.exports.aaf import write_aaf  # pyaaf2 takes a third of a second to load

    path = order.free(".aaf")
    files = order.project.files
    done = itertools.count(1)

    def read(sound: SoundFile) -> Audio:
        order.progress(next(done) / (len(files) + 1))
        return sound.read(order.blobs)

    with order.whole_file(path) as part:
        clipped = write_aaf(order.project, part, read)
    notes = (
        (f"{clipped} samples beyond full scale were cut off: 24 bits cannot hold them.",) if clipped else ()
    )
    return path, (path,), notes


def _write_midi(order: _Order) -> Result:
    path = order.free(".mid")
    try:
        data = midi_bytes(order.project)
    except ValueError as error:
        raise StoreError(
            f"This tempo map cannot be written as MIDI: {error}.", "Export it as dawproject or rpp."
        ) from error
    files = [path]
    order.progress(1.0)  # what is left takes no time
    write_whole(path, [data])
    for sound in order.project.files:  # what an engine arranged for its backing
        for entry in sound.take.attachments if sound.take else ():
            if entry.media_type == "audio/midi":
                beside = path.with_name(f"{path.stem}.{sound.name}.{file_stem(entry.name)}")
                if not beside.exists():
                    write_whole(beside, [order.blobs.get_bytes(entry.digest)])
                    files.append(beside)
    return path, tuple(files), ()


_WRITERS: dict[Format, Callable[[_Order], Result]] = {
    Format.DAWPROJECT: _write_dawproject,
    Format.RPP: _write_rpp,
    Format.AAF: _write_aaf,
    Format.MIDI: _write_midi,
    Format.WAV: _write_wav,
}
