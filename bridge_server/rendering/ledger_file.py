"""Writes the ledger of a song: a page to print, and the same as JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from bridge_server.languages.installed import ENGLISH
from bridge_server.rendering.ledger_page import COLUMNS, ledger_page
from clip_store.atomic_file import make_folder, store_error, write_whole
from clip_store.audio.audio import Audio, Samples
from clip_store.exports import Written
from clip_store.mix.song_mix import SongMix
from clip_store.store import file_stem
from daw_protocol.ledger import Ledger

OnFraction = Callable[[float], None]


def write_ledger(
    ledger: Ledger, peaks: tuple[float, ...], folder: Path, version: str, now: float, language: str = ENGLISH
) -> Written:
    """Two files in `folder`, under names nothing has there; the page is the main one. peaks, version, now, language: as
    `ledger_page` has them. Raises StoreError when the folder cannot be written."""
    try:
        make_folder(folder)
        page = next(path for path in _names(folder, file_stem(ledger.title or "song")) if not path.exists())
        write_whole(page, [ledger_page(ledger, peaks, version, now, language).encode("utf-8")])
        facts = page.with_suffix(".json")
        write_whole(facts, [json.dumps(ledger.to_fields(), ensure_ascii=False, indent=1).encode("utf-8")])
    except OSError as error:
        raise store_error(folder / (ledger.title or "song"), error) from error
    return Written(page, (page, facts), ())


def _names(folder: Path, stem: str) -> Iterator[Path]:
    yield folder / f"{stem}.ledger.html"
    yield from (folder / f"{stem}.ledger-{number}.html" for number in itertools.count(2))


def peaks_of_mix(mix: SongMix, progress: OnFraction) -> tuple[float, ...]:
    """COLUMNS peaks of a song as it stands. Reads all of it; progress: from 0 to 1."""

    def blocks() -> Iterator[tuple[int, Samples]]:
        for block in mix.blocks():
            yield block.span.start - mix.span.start, block.samples
            progress((block.span.end - mix.span.start) / max(1, mix.span.length))

    return column_peaks(blocks(), mix.span.length)


def peaks_of_sound(audio: Audio, begins: int, ledger: Ledger) -> tuple[float, ...]:
    """COLUMNS peaks of a ledger's whole song from a sound in it. begins: the sound's first sample, from the
    original's first."""
    return column_peaks([(begins - ledger.start, audio.samples)], ledger.end - ledger.start)


def column_peaks(blocks: Iterable[tuple[int, Samples]], frames: int) -> tuple[float, ...]:
    """The highest sample, without its sign, in each of COLUMNS equal parts of `frames` frames. blocks: (first frame,
    samples); where there are none it is silent."""
    found = np.zeros(COLUMNS)
    for first, samples in blocks:
        heights = np.abs(samples).max(axis=1, initial=0.0)
        columns = (np.arange(first, first + len(heights)) * COLUMNS) // max(1, frames)
        inside = (columns >= 0) & (columns < COLUMNS)
        np.maximum.at(found, columns[inside], heights[inside])
    return tuple(round(float(peak), 4) for peak in found)
