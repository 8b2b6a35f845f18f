"""What is known of the source of a backing before chords are chosen: its melody, key, tuning and loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.dsp import loudness
from model.engine import RenderRequest, Song
from model.pace import Pace
from model.sketch.band import line_or_mix, melody, sung_bars
from model.sketch.band.heard_harmony import HeardHarmony
from model.sketch.band.key_finding import FoundKey, find_key, parse_key
from model.sketch.band.melody import Melody
from model.sketch.band.voice_in_mix import SeparateVoice, voice_in

CLEAR_MELODY = 0.05  # fraction of the song with a clear pitch; below it chords would be guesses


@dataclass(frozen=True)
class VoiceAnalysis:
    """The analysed source: its melody, tuning (semitones), key, whether the host gave the key, and loudness.

    line: the melody that chords are chosen for. source_line: what was tracked in the source as it is; the same, unless
    a network took the voice out of a mix: separated_by, "" = none did. spectra, explained: of `line_or_mix`.
    heard: the harmony that a mix plays itself; None where it is not needed.
    """

    line: Melody
    tuning: float
    key: FoundKey
    key_given: bool
    lufs: float
    spectra: NDArray[np.float32]
    explained: float
    source_line: Melody
    separated_by: str = ""
    heard: HeardHarmony | None = None

    @property
    def is_line(self) -> bool:
        """Whether one note sounds at a time."""
        return line_or_mix.is_line(self.source_line, self.explained)

    @property
    def line_share(self) -> float:
        """How much of what sounds belongs to one clear pitch, 0..1."""
        return self.source_line.line_share * self.explained

    @property
    def is_mix(self) -> bool:
        """Whether several notes sound at once most of the time; noise without a pitch is neither."""
        return not self.is_line and (self.heard is not None or self.source_line.coverage >= CLEAR_MELODY)


def listen(
    request: RenderRequest, song: Song, pace: Pace, separate: SeparateVoice | None = None
) -> VoiceAnalysis:
    """Tracks the melody, in a mix that of its voice, and finds its tuning, key and loudness."""
    line = source_line = melody.track(song.samples, song.rate, pace.check)
    spectra = line_or_mix.spectrogram_of(song, pace.part(0.1, 0.15))
    explained = line_or_mix.explained_share(source_line, spectra, pace.check)
    is_line = line_or_mix.is_line(source_line, explained)
    sung = None if is_line else voice_in(request, song, separate, pace.part(0.15, 0.2))
    if sung is not None:
        line = sung.line
    by = sung.by if sung is not None else ""
    tuning = melody.tuning_semitones(line)
    lufs = loudness.integrated(song.samples, song.rate, pace.check)
    given = parse_key(request.key) if request.key is not None else None
    assert given is not None or request.key is None, request.key
    if given is not None:
        return VoiceAnalysis(
            line, tuning, FoundKey(given, 1.0), True, lufs, spectra, explained, source_line, by
        )
    notes = sung_bars.long_notes(line, tuning)
    first, last = (notes[0][1], notes[-1][1]) if notes else (None, None)
    classes = sung_bars.histogram(line, tuning, request.grid)
    key = find_key(classes, first, last)
    return VoiceAnalysis(line, tuning, key, False, lufs, spectra, explained, source_line, by)
