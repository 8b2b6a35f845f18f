"""The clip store: blobs, the index of takes, and the Broadcast WAV files a producer can find by name.

    <root>/blobs/ab/cdef....wav     immutable audio, by digest
    <root>/clips/2026-01/Song.repaint.2-1a2b3c4d.wav    written from blob and recipe when asked for

The order is always blob, record, reply: what a record names is on the disk before the record is.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from clip_store.atomic_file import whole_file
from clip_store.audio.audio import Audio
from clip_store.audio.broadcast_wav import Bext, metadata_chunks
from clip_store.audio.riff import wave_parts
from clip_store.audio.stored_wave import StoredWave
from clip_store.audio.xmp import SourceMark, decode_xmp, encode_xmp
from clip_store.blobs import BlobStore
from clip_store.errors import AudioFileError, StoreError, TakeError
from clip_store.index import Connection, TakeIndex
from clip_store.marks import SHORT_NAME
from clip_store.peaks import PeakFiles
from clip_store.seal import Seal
from clip_store.source_type import SourceType, of_mix, of_take
from clip_store.splice import with_clip
from clip_store.sung_lines import cues_of
from clip_store.take import MIX, Take
from daw_protocol.tasks import TASKS, Placement

ORIGINATOR = "Takebridge"
TITLE_BESIDE_LABEL = 24  # letters of a title in front of a take's own name
_REMEMBERED = 4096  # clip files whose sound is known

# Windows also takes these with blanks before the dot, and its superscript digits for digits.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\..*)?", re.IGNORECASE
)


class ClipStore:
    """Takes and their audio below one folder; the index lives in the caller's database."""

    def __init__(self, root: Path, connection: Connection, seal: Seal | None = None) -> None:
        """Nothing is written before the first put. seal: signs clip files. Raises TakeError for an index of a newer
        version."""
        self.root = root
        self._seal = seal
        self.blobs = blobs_in(root)
        self.peaks = PeakFiles(root / "peaks", self.blobs)
        self.index = TakeIndex(connection)
        self._clips: dict[Path, tuple[tuple[int, int], str]] = {}  # clip files: their state and digest then

    def keep(self, take: Take, audio: Audio, handles: Audio | None = None) -> None:
        """Keep a take: its blobs first, then its record. Does not commit.

        Attachments and the song must be blobs already. To keep the transaction short put the blobs before it
        begins; putting them again costs nothing.

        Raises StoreError when a blob cannot be written or is not the one the take names, TakeError when the
        id is taken.
        """
        for named, given in ((take.audio, audio), (take.handles, handles)):
            if named != (None if given is None else given.digest):
                raise StoreError(f"The audio given for take {take.id} is not the audio it names.")
            if given is not None and not self.blobs.has(given.digest):
                self.blobs.put(given)
        missing = [digest for digest in take.digests if not self.blobs.has(digest)]
        if missing:
            raise StoreError(f"Take {take.id} names audio that is not stored: {missing[0][:12]}.")
        self.index.add(take)

    def clip_path(self, take: Take) -> Path:
        """The take's Broadcast WAV, written now if it is not there.

        A file of that name with other sound is somebody's work (a DAW may edit a clip in place): it stays, and
        the take gets a name with a further number. No sweep removes clip files: sessions refer to them.

        Raises StoreError when its blob is gone or the file cannot be written.
        """
        path, is_there = self._clip_place(take)
        if is_there:
            return path
        audio = self.blobs.get(take.audio)
        chunks = metadata_chunks(
            bext_of(take, audio), recipe_of(take), statement(take), audio.rate, xmp_of(take), cues_of(take)
        )
        with whole_file(path) as part:
            with part.open("xb") as file:
                file.writelines(wave_parts(audio, chunks))
            if self._seal is not None:
                self._seal(part, path.name, [take])
        return path

    def existing_clip(self, take: Take) -> Path | None:
        """The take's Broadcast WAV where it has been written and not removed. Reads it; for a thread."""
        path, is_there = self._clip_place(take)
        return path if is_there else None

    def _clip_place(self, take: Take) -> tuple[Path, bool]:
        """Where the take's file is, or is to be; whether it is there."""
        path = self.root / "clips" / clip_name(take)
        first = path.stem
        for further in itertools.count(2):
            if not path.exists():
                return path, False
            if self._digest_of(path) == take.audio:
                return path, True
            path = path.with_name(f"{first}-{further}.wav")
        raise AssertionError("there is always a next number")

    def _digest_of(self, path: Path) -> str:
        """The digest of a clip file's sound, read once for as long as the file does not change; "" for no sound."""
        try:
            status = path.stat()
            state = (status.st_size, status.st_mtime_ns)
            known = self._clips.get(path)
            if known is None or known[0] != state:
                self._clips[path] = known = (state, StoredWave.open(path).digest())
        except (AudioFileError, OSError):
            return ""
        if len(self._clips) > _REMEMBERED:
            self._clips = {path: known}
        return known[1]

    def song_with(self, take: Take) -> Audio:
        """The whole song with the take in it, bit for bit what was spliced; the clip where there is no song.

        Raises StoreError when the song or the clip is gone.
        """
        if take.base is None:
            return self.blobs.get(take.audio)
        return with_clip(self.blobs.get(take.base), self.blobs.get(take.audio), take.start_in_base)

    def xmp_of_song_with(self, take: Take) -> bytes:
        """The XMP packet of the whole song with a take in it: its file's own, with the mark of what is in it now."""
        song = take.parent or ""
        heard = take.recipe.heard.takes if take.recipe.heard else ()
        takes = [take, *self.takes_there(heard)]
        alone = take.parent is None or TASKS[take.task].placement is Placement.ALONE
        kind = (
            source_type_of(take) if alone else of_mix(map(source_type_of, takes), self.song_source_type(song))
        )
        return encode_xmp(mark_of(kind or source_type_of(take), takes), self.index.recall_xmp(song))

    def takes_there(self, ids: Iterable[str]) -> Iterator[Take]:
        """The takes of these that have not been deleted."""
        for take in ids:
            with contextlib.suppress(TakeError):
                yield self.index.get(take)

    def song_source_type(self, song: str) -> SourceType | None:
        """What a song is, by the mark in its file and the takes it was made by; None where neither says anything."""
        found: set[SourceType] = set()
        seen: set[str] = set()
        at: str | None = song
        while at and at not in seen:
            seen.add(at)
            told = SourceType.named(decode_xmp(self.index.recall_xmp(at)).source_type)
            maker = self.index.maker_of(at) or self.index.new_song(at)
            if maker is not None and told is None and (maker.parent is None or TASKS[maker.task].is_track):
                told = source_type_of(maker)
            if told is not None or maker is None:
                return of_mix(found, told)
            found.add(source_type_of(maker))
            at = maker.parent
        return of_mix(found)


def blobs_in(root: Path) -> BlobStore:
    """The blobs of the store in a folder."""
    return BlobStore(root / "blobs")


def source_type_of(take: Take) -> SourceType:
    """What a take's clip is; of takes of earlier versions, which did not note it, by their task and engine."""
    noted = SourceType.named(take.recipe.source_type)
    return noted or of_take(take.task, take.recipe.neural)


def mark_of(kind: SourceType, takes: Iterable[Take]) -> SourceMark:
    """The mark of a sound that takes are in."""
    systems = dict.fromkeys(system_of(take) for take in takes if take.recipe.neural)
    return SourceMark(kind.address, ", ".join(systems), ORIGINATOR)


def system_of(take: Take) -> str:
    """The network that rendered a take, as one says it: engine and weights."""
    engine = take.recipe.engine_label or take.recipe.engine
    return f"{engine} ({take.recipe.weights})" if take.recipe.weights else engine


def xmp_of(take: Take) -> bytes:
    """The XMP packet of a take's clip."""
    return encode_xmp(mark_of(source_type_of(take), [take]))


def clip_name(take: Take, label: str = "") -> Path:
    """Where a take's file lies below clips/: month/song.task[.stem].number-id.wav.

    label: the name the take was given, in place of its task: for copies, since files in clips/ keep their names.
    """
    month = datetime.fromtimestamp(take.created, UTC).strftime("%Y-%m")
    parts = [file_stem(take.title), file_stem(take.task, 30)]
    if label:  # a long title must not push it out of a name that is cut
        parts = [file_stem(take.title[:TITLE_BESIDE_LABEL]), file_stem(label, SHORT_NAME)]
    if take.stem != MIX:
        parts.append(file_stem(take.stem, 40))
    return Path(month, f"{'.'.join(parts)}.{take.number}-{file_stem(take.id[:8])}.wav")


def file_stem(name: str, longest: int = 120) -> str:
    """A producer's name for something as a file name every system accepts; never empty.

    - Unicode in its composed form: else the same name has two spellings (macOS writes the other one).
    - No separators, no characters Windows forbids, no control characters: they would leave the folder.
    - No dot or blank at either end: hidden on Unix, cut off by Windows.
    - Not a device name of Windows ("CON", "com1"): opening it would open the device.
    - At most 60 letters and `longest` bytes: paths on Windows end at 260 letters, names on Linux at 255 bytes.
    """
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(
        "_" if letter in '<>:"/\\|?*' or not letter.isprintable() else letter for letter in composed
    )
    short = kept.strip(". ")[:60].encode("utf-8")[:longest].decode("utf-8", "ignore").strip(". ")
    return f"_{short}" if not short or _RESERVED.fullmatch(short) else short


def statement(take: Take) -> str:
    """How the audio came about, in a plain sentence: what listeners and platforms ask for."""
    by = f" with the engine {take.recipe.engine}" if take.recipe.engine else ""
    song = f' of "{take.title}"' if take.title else ""
    return f"Machine-generated or machine-assisted audio: {take.task}{song} by {ORIGINATOR}{by}."


def bext_of(take: Take, audio: Audio) -> Bext:
    """The take's bext fields. Positions before the timeline's zero cannot be stated; they become 0."""
    when = datetime.fromtimestamp(take.created, UTC)
    width, mode = audio.encoding.bits, "mono" if audio.channels == 1 else "stereo"
    return Bext(
        description=f"{statement(take)} Take {take.number}, id {take.id}.",
        originator=ORIGINATOR,
        originator_reference=take.id[:32],
        date=when.strftime("%Y-%m-%d"),
        time=when.strftime("%H:%M:%S"),
        time_reference=max(0, take.position),
        coding_history=f"A=PCM,F={audio.rate},W={width},M={mode},T={ORIGINATOR} {take.task}\r\n",
    )


def recipe_of(take: Take) -> dict[str, object]:
    """What a take's file says about it, as JSON: enough to render it again and to find it in the store."""
    return {
        "statement": statement(take),
        "take": take.id,
        "job": take.job,
        "number": take.number,
        "task": take.task,
        "stem": take.stem,
        "title": take.title,
        "parent": take.parent,
        "audio": take.audio,
        "created": take.created,
        "position": take.position,
        "start": take.start,
        "length": take.length,
        "rate": take.rate,
        "request": dict(take.request),
        "recipe": take.recipe.to_fields(),
        "receipt": take.receipt.to_fields(),
    }
