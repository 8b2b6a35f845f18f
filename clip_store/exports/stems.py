"""The stems of a separation as one ZIP file of Broadcast WAVs, named after the song and the stem."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from clip_store.atomic_file import make_folder, store_error, whole_file
from clip_store.audio.broadcast_wav import metadata_chunks
from clip_store.blobs import BlobStore
from clip_store.exports.write import OnFraction, Written, pieces_of
from clip_store.room import check_room
from clip_store.seal import Seal, signed
from clip_store.store import bext_of, file_stem, recipe_of, statement, xmp_of
from clip_store.take import Take

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state: equal stems become equal files


def write_stems(
    stems: Sequence[Take], blobs: BlobStore, folder: Path, progress: OnFraction, seal: Seal | None = None
) -> Written:
    """Write the stems into `folder`, under a name nothing has there. progress: from 0 to 1; seal: signs each.

    Raises StoreError when audio is gone or damaged, the disk is full or the folder cannot be written; what `progress`
    raises, to cancel it.
    """
    title = file_stem(stems[0].title)
    sizes = [blobs.path(stem.audio).stat().st_size for stem in stems]
    try:
        make_folder(folder)
        check_room(folder, sizes, signs=seal is not None)
        path = next(path for path in _names(folder, title) if not path.exists())
        with whole_file(path) as part:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                for number, (name, stem) in enumerate(zip(stem_names(stems), stems, strict=True)):
                    progress(number / len(stems))
                    for done in _add(archive, name, stem, blobs, seal, folder):
                        progress((number + done) / len(stems))
            progress(1.0)
    except OSError as error:
        raise store_error(folder / title, error) from error
    return Written(path, (path,), ())


def stem_names(stems: Sequence[Take]) -> list[str]:
    """What the files are called: "Song - drums.wav"; numbered where two stems have one name on some system."""
    found: list[str] = []
    for stem in stems:
        name = f"{file_stem(stem.title)} - {file_stem(stem.stem)}"
        taken = {one.casefold() for one in found}
        numbered = itertools.chain([name], (f"{name} {number}" for number in itertools.count(2)))
        found.append(next(f"{one}.wav" for one in numbered if f"{one}.wav".casefold() not in taken))
    return found


def _names(folder: Path, title: str) -> Iterator[Path]:
    yield folder / f"{title}.stems.zip"
    for number in itertools.count(2):
        yield folder / f"{title}.stems-{number}.zip"


def _add(
    archive: zipfile.ZipFile, name: str, stem: Take, blobs: BlobStore, seal: Seal | None, folder: Path
) -> Iterator[float]:
    """Writes a stem; yields the part of it that is written, 0 to 1."""
    audio = blobs.get(stem.audio)
    chunks = metadata_chunks(bext_of(stem, audio), recipe_of(stem), statement(stem), audio.rate, xmp_of(stem))
    entry = zipfile.ZipInfo(name, _DATE)
    entry.file_size = audio.frames * audio.channels * audio.encoding.bits // 8  # beyond 2 GiB: zip64
    whole, written = max(1, entry.file_size), 0
    with archive.open(entry, "w") as member:
        pieces = (piece for piece, _ in pieces_of(audio, chunks))
        for piece in signed(pieces, seal, name, [stem], folder):
            written += len(piece)
            member.write(piece)
            yield min(1.0, written / whole)
