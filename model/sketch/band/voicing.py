"""Which notes of a chord an instrument plays, with smooth voice leading, and the bass below them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from model.sketch.band.harmony import Chord
from model.sketch.band.key_finding import SongKey

BASS_LOW = 28  # the open E of a bass guitar

# Weight of the distance from the middle of the range relative to the motion of the voices (both in semitones).
CENTRE_PULL = 0.35
# A hand spans an octave; wider chords sound like two hands.
WIDEST = 12
NARROWEST_STEP = 2


def chord_classes(chord: Chord, key: SongKey, color: bool) -> tuple[int, ...]:
    """Pitch classes of a chord, three or four of them.

    With color: minor chords and V get their seventh, other major chords the ninth, which never clashes with a melody.
    """
    if not color:
        return chord.tones
    root, third, fifth = chord.tones
    if chord.quality == "m" or (chord.function == "V" and (root + 10) % 12 in key.scale):
        return (third, fifth, (root + 10) % 12)
    return (third, fifth, (root + 2) % 12)


def power_chord(root: int, low: int) -> tuple[int, ...]:
    """Root, fifth and octave from `low` up, which stay clear through an overdriven amplifier."""
    bottom = low + (root - low) % 12
    return (bottom, bottom + 7, bottom + 12)


def all_voicings(classes: Sequence[int], low: int, high: int) -> list[tuple[int, ...]]:
    """Every close voicing of the pitch classes in low..high, ascending."""
    places = [[pitch for pitch in range(low, high + 1) if pitch % 12 == each] for each in classes]
    found = set()
    for choice in product(*places):
        voicing = tuple(sorted(choice))
        steps = [b - a for a, b in pairwise(voicing)]
        if min(steps) >= NARROWEST_STEP and voicing[-1] - voicing[0] <= WIDEST:
            found.add(voicing)
    return sorted(found)


def lead_voices(chords: Sequence[Sequence[int]], low: int, high: int, centre: float) -> list[tuple[int, ...]]:
    """One voicing per chord (given as pitch classes), each moving as little as possible from the previous one."""
    voicings: list[tuple[int, ...]] = []
    for classes in chords:
        before = voicings[-1] if voicings else None

        def cost(voicing: tuple[int, ...], before: tuple[int, ...] | None = before) -> float:
            away = CENTRE_PULL * abs(sum(voicing) / len(voicing) - centre)
            motion = sum(abs(a - b) for a, b in zip(voicing, before or voicing, strict=False))
            return motion + away

        voicings.append(min(all_voicings(classes, low, high), key=cost))
    return voicings


def bass_pitch(pitch_class: int) -> int:
    """The pitch class in the octave from BASS_LOW up."""
    return BASS_LOW + (pitch_class - BASS_LOW) % 12


def bass_note(degree: str, chord: Chord, following: Chord, key: SongKey) -> int:
    """MIDI pitch of "R" root, "5" fifth, "8" octave or "A" approach: the scale step next to the next root."""
    root = bass_pitch(chord.root)
    if degree == "R":
        return root
    if degree == "8":
        return root + 12
    if degree == "A" and following.root != chord.root:
        goal = bass_pitch(following.root)
        step = 1 if (goal - 1) % 12 in key.scale else 2
        # From above if the line comes from above, else from below.
        above = 1 if (goal + 1) % 12 in key.scale else 2
        return goal + above if root > goal else goal - step
    return root + 7 if root + 7 <= BASS_LOW + 15 else root - 5
