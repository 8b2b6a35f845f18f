"""Separation for other engines: the stems of a song's span from the network that is here, in one call.

An engine that separates by rules of its own asks this first. Nothing is fetched, and where there is no network, or no
library, it says so at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.engine import Samples, Song
from model.errors import NotLoaded
from model.pace import Pace
from model.stems.clarity import Clarity
from model.stems.loading import GET_PACKAGES, LABEL, Networks
from model.stems.published_stems import FOUR, StemModel, model_for, stem_models
from model.stems.span import span_stems

if TYPE_CHECKING:
    from model.stems.network import StemNetwork

MAX_CHANNELS = 2


class CannotSeparate(Exception):
    """There is no network to separate with.

    note: a sentence for the producer with the remedy; "" where no network was fetched, as it is optional.
    """

    def __init__(self, note: str = "") -> None:
        super().__init__(note or "no network is here")
        self.note = note


@dataclass(frozen=True)
class SpanStems:
    """The stems of a span: float32 [frames, channels] each; they sum to it only nearly.

    confidence: per stem, 0..1 (clarity.py); by: the network, for receipts.
    """

    stems: Mapping[str, Samples]
    confidence: Mapping[str, float]
    by: str


class Separator:
    """The network with four stems, or else that with six, loaded at the first song and kept.

    models: the folder of models, None without one. device: as in model/torch_device.py.
    """

    def __init__(self, models: Path | None, device: str = "auto") -> None:
        self._models = models
        self._networks = Networks(device)

    @property
    def network(self) -> str:
        """The network that the next span is separated with; "" = none is here. Cheap."""
        model = self._model()
        return model.path.stem if model is not None else ""

    def _model(self) -> StemModel | None:
        return model_for(FOUR, stem_models(self._models))

    def span(self, song: Song, start: int, end: int, pace: Pace) -> SpanStems:
        """The stems of the song's frames [start, end). Raises CannotSeparate and RenderStopped."""
        model = self._model()
        if model is None or song.channels > MAX_CHANNELS:
            raise CannotSeparate
        network = self._loaded(model, pace)
        clarity = Clarity(song.rate)
        found: dict[str, list[Samples]] = {stem: [] for stem in FOUR}
        for piece in span_stems(network, song, start, end, network.sources, pace):
            clarity.add(piece, pace.check)
            for stem, parts in found.items():
                parts.append(piece[stem])
        stems = {stem: np.concatenate(parts) for stem, parts in found.items()}
        return SpanStems(stems, {stem: clarity.of(stem) for stem in FOUR}, f"{LABEL} {model.path.stem}")

    def _loaded(self, model: StemModel, pace: Pace) -> StemNetwork:
        """Raises CannotSeparate, with what to do, where a network is here and cannot be used."""
        missing = Networks.missing_packages()
        if missing:
            raise CannotSeparate(
                f"A separation network is here, but not what it needs ({', '.join(missing)}): {GET_PACKAGES}"
            )
        try:
            return self._networks.get(model, lambda update: pace.at(update.stage, 0.0))
        except NotLoaded as broken:
            raise CannotSeparate(f"The separation network could not be used. {broken}") from broken
        except (ImportError, OSError) as broken:  # a library built for another torch
            raise CannotSeparate(
                f"The separation network could not be loaded ({broken}): {GET_PACKAGES}"
            ) from broken

    def forget(self) -> None:
        """Frees the network's memory."""
        self._networks.forget()
