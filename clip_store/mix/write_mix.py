"""Writes the song as it stands into one file, with its recipe and receipt, and reads it back to check it."""

from __future__ import annotations

import contextlib
import enum
import itertools
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clip_store.atomic_file import make_folder, publish, store_error, temporary_path
from clip_store.audio.audio import Encoding, Samples, encode_samples, new_digest
from clip_store.audio.broadcast_wav import Bext, metadata_chunks
from clip_store.audio.flac_file import ENCODINGS, flac_blocks, write_flac
from clip_store.audio.riff import WaveForm, wave_head
from clip_store.audio.stored_wave import StoredWave
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError
from clip_store.mix.accepted import AcceptedComp, AcceptedSong
from clip_store.mix.hearing import no_longer_accepted
from clip_store.mix.measure_mix import MeasuredMix, OnFraction, measure_mix
from clip_store.mix.song_mix import SongMix
from clip_store.mix.stem_changes import merged, unheard
from clip_store.room import check_room
from clip_store.store import ORIGINATOR, file_stem, recipe_of
from daw_protocol.ledger import Ledger
from daw_protocol.song_receipt import SongReceipt
from daw_protocol.timeline.span import Span

RECIPE_COMMENT = "TAKEBRIDGE_RECIPE"
SOURCE_TYPE_COMMENT = "DIGITALSOURCETYPE"


class MixFormat(enum.Enum):
    """What a finished song is written as; the value is what one types."""

    WAV = "mix"  # Broadcast WAV, as deep as the song or in floats
    FLAC = "mix-flac"  # FLAC, 24 bits at most

    @property
    def ending(self) -> str:
        return ".wav" if self is MixFormat.WAV else ".flac"


@dataclass(frozen=True)
class SongToWrite:
    """What a finished song is made of. title: the song's name; position: of its first sample on the timeline.

    ledger: whose it is; xmp: its packet. The file carries both.
    """

    accepted: AcceptedSong
    title: str
    position: int
    ledger: Ledger | None = None
    xmp: bytes = b""


@dataclass(frozen=True)
class WrittenMix:
    """A finished song. notes: what a producer should know of it, in sentences."""

    path: Path
    receipt: SongReceipt
    notes: tuple[str, ...]


Seal = Callable[[Path, SongToWrite], None]
"""Signs a written file, in its place. Its samples are checked afterwards."""


def write_mix(
    song: SongToWrite,
    blobs: BlobStore,
    kind: MixFormat,
    folder: Path,
    progress: OnFraction,
    seal: Seal | None = None,
) -> WrittenMix:
    """Write the song into `folder`, under a name nothing has there. progress: from 0 to 1; seal: signs it.

    Raises StoreError when audio is gone or damaged, the format cannot hold it, the disk is full or the folder cannot
    be written; SpliceError when an accepted clip does not fit the song; what `progress` raises, to cancel it.
    """
    try:
        mix = _mix(song, blobs, kind)
        measured = measure_mix(mix, song.position, lambda done: progress(0.5 * done))
        make_folder(folder)
        check_room(folder, [mix.form.sound_bytes], signs=seal is not None)
        part = temporary_path(folder / "song")
        try:
            _write(part, song, mix, measured, kind, lambda done: progress(0.5 + 0.4 * done))
            if seal is not None:
                seal(part, song)
            if _digest_of(part, mix.form, kind, lambda done: progress(0.9 + 0.1 * done)) != measured.digest:
                raise StoreError(
                    "The file does not hold what was written to it.", "Check the disk, then try again."
                )
            progress(1.0)  # before the file has its name: what is cancelled leaves none
            path = publish(part, _names(folder, file_stem(song.title or "song"), kind.ending))
        finally:
            with contextlib.suppress(OSError):  # there only when something went wrong
                part.unlink()
    except OSError as error:
        raise store_error(folder / (song.title or "song"), error) from error
    return WrittenMix(path, measured.receipt, tuple(_notes(song, mix, measured.receipt)))


def _mix(song: SongToWrite, blobs: BlobStore, kind: MixFormat) -> SongMix:
    """The mix in an encoding that the format holds. Raises StoreError where there is none."""
    mix = SongMix(song.accepted, blobs)
    if kind is MixFormat.WAV or mix.needed in ENCODINGS:
        return mix
    if mix.original.form.encoding not in ENCODINGS:
        raise StoreError(
            f"FLAC holds 24 bits at most, and this song has {_depth(mix.original.form.encoding)} samples.",
            "Save it as WAV.",
        )
    return SongMix(song.accepted, blobs, Encoding.PCM_24)


def _names(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    """What the file may be called, the best first."""
    yield folder / f"{stem}.mix{ending}"
    for number in itertools.count(2):
        yield folder / f"{stem}.mix-{number}{ending}"


def _write(
    part: Path, song: SongToWrite, mix: SongMix, measured: MeasuredMix, kind: MixFormat, progress: OnFraction
) -> None:
    def blocks() -> Iterator[Samples]:
        for block in mix.blocks():
            yield block.samples
            progress((block.span.end - mix.span.start) / mix.span.length)

    recipe, note = mix_recipe(song, measured), statement(song)
    start = max(0, song.position + mix.span.start)
    if kind is MixFormat.FLAC:
        comments = {
            "TITLE": song.title,
            "time_reference": str(start),
            "COMMENT": note,
            RECIPE_COMMENT: json.dumps(recipe, sort_keys=True),
        }
        if song.ledger and song.ledger.source_type:
            comments = {SOURCE_TYPE_COMMENT: song.ledger.source_type, **comments}
        write_flac(part, mix.form, blocks(), comments, song.xmp)
        return
    bext = bext_of(song, mix.form, start)
    with part.open("xb") as file:
        file.write(wave_head(mix.form, metadata_chunks(bext, recipe, note, mix.form.rate, song.xmp)))
        file.write(struct.pack("<4sI", b"data", mix.form.sound_bytes))
        for block in blocks():
            file.write(encode_samples(block, mix.form.encoding))
        if mix.form.sound_bytes & 1:
            file.write(b"\0")


def _digest_of(path: Path, form: WaveForm, kind: MixFormat, progress: OnFraction) -> str:
    """The digest of the audio in a written file, as Audio.digest has it."""
    if kind is MixFormat.WAV:
        return StoredWave.open(path).digest(progress)
    sha = new_digest(form.encoding, form.rate, form.channels, form.frames)
    done = 0
    for block in flac_blocks(path, form.encoding):
        sha.update(encode_samples(block, form.encoding))
        done += len(block)
        progress(min(1.0, done / form.frames))
    return sha.hexdigest()


def statement(song: SongToWrite) -> str:
    """How the audio came about, in a plain sentence: what listeners and platforms ask for."""
    count = len(song.accepted.comps)
    named = f'"{song.title}"' if song.title else "the song"
    if not count:
        return f"The original of {named}, unchanged."
    regions = "one region" if count == 1 else f"{count} regions"
    return f"Machine-generated or machine-assisted audio: {named} with takes in {regions} by {ORIGINATOR}."


def mix_recipe(song: SongToWrite, measured: MeasuredMix) -> dict[str, object]:
    """What the file says about itself, as JSON: enough to put it together again, and to render its takes again."""
    used = dict.fromkeys(part.take for comp in song.accepted.comps for part in comp.parts)
    return {
        "statement": statement(song),
        "title": song.title,
        "song": song.accepted.song,
        "audio": measured.digest,
        "accepted": [
            {"stem": stem_of(song.accepted, comp), "parts": [list(part) for part in comp.parts]}
            for comp in song.accepted.comps
        ],
        "takes": [recipe_of(song.accepted.takes[take]) for take in used],
        "receipt": measured.receipt.to_fields(),
        **({"ledger": song.ledger.to_fields()} if song.ledger else {}),
    }


def stem_of(accepted: AcceptedSong, comp: AcceptedComp) -> str:
    """What a comp is of: the name of the stem its takes were made of, else that of its takes."""
    return accepted.takes[comp.stem].stem if comp.stem else comp.place.stem


def bext_of(song: SongToWrite, form: WaveForm, start: int) -> Bext:
    """The bext fields: dated by the newest take, so that the same song is the same file."""
    created = [song.accepted.takes[part.take].created for comp in song.accepted.comps for part in comp.parts]
    when = datetime.fromtimestamp(max(created, default=0.0), UTC)
    mode = "mono" if form.channels == 1 else "stereo"
    return Bext(
        description=statement(song),
        originator=ORIGINATOR,
        date=when.strftime("%Y-%m-%d"),
        time=when.strftime("%H:%M:%S"),
        time_reference=start,
        coding_history=f"A=PCM,F={form.rate},W={form.encoding.bits},M={mode},T={ORIGINATOR} mix\r\n",
    )


def _notes(song: SongToWrite, mix: SongMix, receipt: SongReceipt) -> Iterator[str]:
    original = mix.original.form.encoding
    if not song.accepted.comps:
        yield "Nothing is accepted in this song: the file holds the original."
    if mix.form.encoding is not mix.needed:
        yield "What was added to the song is rounded to 24 bits; a WAV file keeps it as it is."
    elif mix.form.encoding is not original:
        yield (
            f"The file has {_depth(mix.form.encoding)} samples, wider than the song's {_depth(original)}: "
            "what was added to it is neither rounded nor cut off."
        )
    if receipt.over:
        yield f"{receipt.over} samples lie beyond full scale. The file holds them: turn it down before you convert it."
    if song.accepted.alone:
        yield "Accepted stems leave the song as it is: together they add up to it."
    yield from _unheard(song)
    if song.position + mix.span.start < 0:
        yield "The song begins before the timeline's zero, which a time stamp cannot say; it states 0."
    yield from receipt.warnings
    yield from _made_for_others(song.accepted)
    for region in receipt.regions:
        yield from region.warnings


def _made_for_others(accepted: AcceptedSong) -> Iterator[str]:
    for take in dict.fromkeys(part.take for comp in accepted.comps for part in comp.parts):
        heard = accepted.takes[take].recipe.heard
        for gone in no_longer_accepted(heard, accepted) if heard else ():
            yield (
                f"Take {take} was made for the song with take {gone}, which is no longer accepted: "
                "listen to its edges."
            )


def _unheard(song: SongToWrite) -> Iterator[str]:
    """Takes of stems that cannot be heard everywhere, a sentence for each with what is in their way."""
    found: dict[tuple[str, str | None], list[Span]] = {}
    for one in unheard(song.accepted):
        found.setdefault((one.take, one.over), []).append(one.span.shifted(song.position))
    for (take, over), spans in found.items():
        where = " and ".join(f"from sample {span.start} to {span.end}" for span in merged(spans))
        stem = _stem_name(song.accepted, take)
        if over is None:
            yield (
                f"Take {take} of the {stem} is not heard {where}: the take whose stem it was made of does not play "
                "there."
            )
        else:
            yield (
                f"Take {take} of the {stem} is not heard {where}: take {over} of the song was made without it and "
                f"plays there. Extract the {stem} of take:{over} and change those instead."
            )


def _stem_name(accepted: AcceptedSong, take: str) -> str:
    stem = next(comp.stem for comp in accepted.comps if take in {part.take for part in comp.parts})
    return accepted.takes[stem].stem


def _depth(encoding: Encoding) -> str:
    return f"{encoding.bits}-bit float" if encoding.is_float else f"{encoding.bits}-bit"
