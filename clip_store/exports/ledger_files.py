"""The ledger of a song from its sound files alone: what each says of itself, compared with what it holds.

Every sound file of an exported song carries the ledger; clips as a store keeps them say only what they are themselves
(clip_ledger.py). Which of the takes are there, and unchanged, is read from their
samples: a clip that was edited since is nobody's alone any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clip_store.audio.audio import Audio
from clip_store.errors import ClipStoreError
from clip_store.exports.clip_ledger import clips_in, ledger_of_clips
from clip_store.exports.found_sounds import FoundSound, sounds_in
from daw_protocol.ledger import (
    ABSENT,
    EDITED,
    HUMAN,
    MACHINE,
    MIXED,
    SAME,
    Ledger,
    LedgerStretch,
    LedgerTake,
    ledger_in,
)  # fmt: skip

CLIP_EDITED = "a clip that was edited since it was rendered"
SONG_EDITED = "the finished song was edited since it was saved"


@dataclass(frozen=True)
class LedgerOfFiles:
    """sound: of the finished song, or else of the original; None where neither is there. begins: its first sample,
    counted from the original's first."""

    ledger: Ledger
    sound: Audio | None
    begins: int


def ledger_from_files(place: Path) -> LedgerOfFiles:
    """The ledger of the song whose files lie in a folder, or in one file.

    Raises ClipStoreError when there is none, or when there are files of several songs.
    """
    try:
        found = list(sounds_in(place))
    except OSError as error:
        raise ClipStoreError(f"{place} cannot be read: {error.strerror}.", "Name another folder.") from error
    ledger = _ledger_among(found, place)
    mine = [sound for sound in found if _is_of(sound, ledger)]
    states = {one.take: _state(one.take, mine) for one in ledger.takes}
    stretches = tuple(_checked(stretch, mine, ledger, states) for stretch in ledger.stretches)
    shares: Counter[str] = Counter()
    for stretch in stretches:
        shares[stretch.whose] += stretch.end - stretch.start
    checked = ledger.evolve(
        takes=tuple(one.evolve(file=states[one.take]) for one in ledger.takes),
        stretches=stretches,
        human=shares[HUMAN],
        machine=shares[MACHINE],
        mixed=shares[MIXED],
        notes=(*ledger.notes, *_notes(mine, ledger, states)),
    )
    songs = sorted((one for one in mine if one.audio is not None), key=lambda one: one.is_original)
    sound = next(iter(songs), None)
    begins = ledger.start if sound and sound.is_finished_song else 0
    return LedgerOfFiles(checked, sound.audio if sound else None, begins)


def _ledgers(found: Iterable[FoundSound]) -> list[Ledger]:
    return [ledger for sound in found if (ledger := _ledger_in(sound)) is not None]


def _ledger_in(sound: FoundSound) -> Ledger | None:
    return ledger_in(sound.recipe.get("ledger"))


def _ledger_among(found: list[FoundSound], place: Path) -> Ledger:
    """Of several exports of one song, the one with the latest choice; of clips that no export wrote, their own.

    Raises ClipStoreError where there is none, or of several songs.
    """
    ledgers, clips = _ledgers(found), clips_in(found)
    if ledgers:
        _refuse_several({ledger.song: ledger.title for ledger in ledgers}, place)
        return max(
            ledgers, key=lambda one: max((take.chosen or take.made for take in one.takes), default=0.0)
        )
    if not clips:
        raise ClipStoreError(
            f"No sound file in {place} carries a ledger, and none is a clip of a take.",
            "Export the song again: its files carry it. What a DAW bounced has lost it.",
        )
    _refuse_several({clip.song: clip.title for clip in clips}, place)
    return ledger_of_clips(clips)


def _refuse_several(songs: Mapping[str, str], place: Path) -> None:
    """songs: digest to title."""
    if len(songs) > 1:
        titles = " and ".join(sorted(set(songs.values())))
        raise ClipStoreError(
            f"{place} has files of {len(songs)} songs: {titles}.", "Put the files of one song in a folder."
        )


def _is_of(sound: FoundSound, ledger: Ledger) -> bool:
    own = _ledger_in(sound)
    return own is None or own.song == ledger.song


def _state(take: str, found: list[FoundSound]) -> str:
    """Whether a take's sound is there: in the finished song, or else as its clip or in a comp."""
    holding = [sound for sound in found if take in _takes_in(sound.recipe)]
    finished = [sound for sound in holding if sound.is_finished_song]
    states = {sound.is_as_written for sound in finished or holding}
    return ABSENT if not states else SAME if states == {True} else EDITED


def _takes_in(recipe: Any) -> set[str]:
    """Ids of the takes whose samples a sound has."""
    named = {recipe["take"]} if isinstance(recipe.get("take"), str) else set()
    comp = recipe.get("comp")
    named |= {take for take in comp if isinstance(take, str)} if isinstance(comp, list) else set()
    if "accepted" in recipe and isinstance(takes := recipe.get("takes"), list):  # a finished song
        named |= {str(take["take"]) for take in takes if isinstance(take, dict) and "take" in take}
    return named


def _checked(
    stretch: LedgerStretch, found: list[FoundSound], ledger: Ledger, states: Mapping[str, str]
) -> LedgerStretch:
    """The stretch, or what has become of it: what was edited is somebody else's as well."""
    if any(states[take] == EDITED for take in stretch.takes if take in states):
        return stretch.evolve(whose=MIXED, reason=CLIP_EDITED)
    altered = [sound for sound in found if sound.is_finished_song and not sound.is_as_written]
    if altered and not all(_is_original(stretch, sound, found, ledger) for sound in altered):
        return stretch.evolve(whose=MIXED, reason=SONG_EDITED)
    return stretch


def _is_original(stretch: LedgerStretch, song: FoundSound, found: list[FoundSound], ledger: Ledger) -> bool:
    """Whether an edited song still has the original's samples in a stretch that is the original's."""
    original = next((one.audio for one in found if one.is_original and one.is_as_written), None)
    if stretch.takes or original is None or song.audio is None or song.audio.channels != original.channels:
        return False
    inside = song.audio.samples[stretch.start - ledger.start : stretch.end - ledger.start]
    return np.array_equal(inside, original.samples[stretch.start : stretch.end])


def _notes(found: list[FoundSound], ledger: Ledger, states: Mapping[str, str]) -> Iterator[str]:
    yield f"Read from {len(found)} sound files, without the store."
    for sound in found:
        if not sound.is_readable:
            yield f"{sound.name} cannot be read: its samples are counted as edited."
        elif not sound.is_as_written:
            yield f"{sound.name} was edited since it was written: it does not hold the samples it was written with."
    absent: list[LedgerTake] = [one for one in ledger.takes if states[one.take] == ABSENT]
    for one in absent:
        yield f"The clip of take {one.take} is not among the files: what is said of it could not be checked."
    if ledger.human and not any(sound.is_original or sound.is_finished_song for sound in found):
        yield "The original song is not among the files: what is called human could not be checked."
