"""The stems of a song's span for those who ask for a layer: by the network that is here, else by this package's rules.

Whoever asks for a layer knows what plays: a span without enough evidence of the singer must not lose her.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from model.engine import Progress, Song
from model.pace import Pace
from model.sketch.separation.ratio_mask import remainder
from model.sketch.separation.separation import Stems, energy, separate
from model.stems.separator import CannotSeparate, Separator

SeparateSpan = Callable[[Song, int, int, Pace], Stems]
"""The stems of the song's frames [start, end). Raises RenderStopped."""

LEAST_VOICE = 0.003
"""Of the mix's energy, 25 dB below it: what a network leaves in the vocals of a passage without any is less."""


def by_rules(song: Song, start: int, end: int, pace: Pace) -> Stems:
    """Without a network."""
    return separate(song.samples[start:end], song.rate, lambda _: None, pace.stops, somebody_sings=True)


class SpanSeparation:
    """A SeparateSpan that prefers a network. models: the folder of models, None for rules only."""

    def __init__(self, models: Path | None, device: str = "auto") -> None:
        self._separator = Separator(models, device)

    def __call__(self, song: Song, start: int, end: int, pace: Pace) -> Stems:
        """See SeparateSpan."""
        try:
            return self.by_network(song, start, end, pace)
        except CannotSeparate as missing:
            return replace(by_rules(song, start, end, pace), note=missing.note)

    @property
    def network(self) -> str:
        """The network that is here now, "" without one; it may come while the engine runs."""
        return self._separator.network

    def by_network(self, song: Song, start: int, end: int, pace: Pace) -> Stems:
        """Raises CannotSeparate where there is none, and RenderStopped."""

        def report(update: Progress) -> None:
            pace.aside(update.stage)

        found = self._separator.span(song, start, end, Pace(report, pace.stops))
        mix = song.samples[start:end]
        vocals, drums, bass = (found.stems[stem] for stem in ("vocals", "drums", "bass"))
        # What the network leaves over goes to the rest, so that the four sum to the mix.
        other = remainder(mix, vocals, drums, bass)
        share = energy(vocals) / max(energy(mix), 1e-20)
        return Stems(
            vocals, drums, bass, other, share, share >= LEAST_VOICE, confidence=found.confidence, by=found.by
        )

    def forget(self) -> None:
        """Frees the network's memory."""
        self._separator.forget()
