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
MOST_VOICES = 4
# Clusters and chords of one note have no such voicing; they are played as they can be.
LOOSER = ((NARROWEST_STEP, WIDEST), (1, WIDEST), (1, 19), (1, 36))


def chord_classes(chord: Chord, key: SongKey, color: bool) -> tuple[int, ...]:
    """Pitch classes of a chord, three or four of them.

    With color: minor chords and V get their seventh, other major chords the ninth, which never clashes with a melody.
    """
    if chord.given is not None:
        return given_classes(chord)
    if not color:
        return chord.tones
    root, third, fifth = chord.tones
    if chord.quality == "m" or (chord.function == "V" and (root + 10) % 12 in key.scale):
        return (third, fifth, (root + 10) % 12)
    return (third, fifth, (root + 2) % 12)


def given_classes(chord: Chord) -> tuple[int, ...]:
    """At most MOST_VOICES notes of a chord with any extensions: the ones that make it what it is."""
    plain_fifth = (chord.root + 7) % 12
    kept = list(chord.tones)
    if len(kept) > MOST_VOICES and plain_fifth in kept:
        kept.remove(plain_fifth)
    # Of what is stacked above the seventh the highest says most.
    return tuple(kept[: MOST_VOICES - 1] + kept[-1:]) if len(kept) > MOST_VOICES else tuple(kept)


def power_chord(chord: Chord, low: int) -> tuple[int, ...]:
    """Root, fifth and octave from `low` up, which stay clear through an overdriven amplifier; () without a chord.

    A chord that was given without a plain fifth gets its own, or none.
    """
    if chord.silent:
        return ()
    bottom = low + (chord.root - low) % 12
    return tuple(bottom + step for step in (0, *fifths_of(chord)[:1], 12))


def fifths_of(chord: Chord) -> tuple[int, ...]:
    """Semitones from the root to its fifth; () for a chord without one."""
    if chord.given is None:
        return (7,)
    return tuple(step for step in (7, 6, 8) if step in chord.intervals)


def all_voicings(classes: Sequence[int], low: int, high: int) -> list[tuple[int, ...]]:
    """Every close voicing of the pitch classes in low..high, ascending."""
    places = [[pitch for pitch in range(low, high + 1) if pitch % 12 == each] for each in classes]
    for narrowest, widest in LOOSER:
        found = set()
        for choice in product(*places):
            voicing = tuple(sorted(choice))
            steps = [b - a for a, b in pairwise(voicing)]
            if min(steps, default=narrowest) >= narrowest and voicing[-1] - voicing[0] <= widest:
                found.add(voicing)
        if found:
            return sorted(found)
    return [()]


def lead_voices(chords: Sequence[Sequence[int]], low: int, high: int, centre: float) -> list[tuple[int, ...]]:
    """One voicing per chord (given as pitch classes), each moving as little as possible from the previous one; () where
    no chord plays."""
    voicings: list[tuple[int, ...]] = []
    before: tuple[int, ...] | None = None
    for classes in chords:
        if not classes:
            voicings.append(())
            continue

        def cost(voicing: tuple[int, ...], before: tuple[int, ...] | None = before) -> float:
            away = CENTRE_PULL * abs(sum(voicing) / len(voicing) - centre)
            motion = sum(abs(a - b) for a, b in zip(voicing, before or voicing, strict=False))
            return motion + away

        before = min(all_voicings(classes, low, high), key=cost)
        voicings.append(before)
    return voicings


def bass_pitch(pitch_class: int) -> int:
    """The pitch class in the octave from BASS_LOW up."""
    return BASS_LOW + (pitch_class - BASS_LOW) % 12


def bass_note(degree: str, chord: Chord, following: Chord, key: SongKey) -> int:
    """MIDI pitch of "R" root, "5" fifth, "8" octave or "A" approach: the scale step next to the next root.

    Under a chord that was given, only notes of it: an approach is its fifth, and the bass of a slash chord stays.
    """
    root = bass_pitch(chord.bass)
    if chord.given is not None:
        fifth = fifths_of(chord) if chord.bass == chord.root else ()
        if degree in ("R", "8") or not fifth:
            return root + 12 * (degree == "8")
        return root + fifth[0]  # above the root, which stays the lowest note
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
