"""The engine that separates a mix with a trained network: stems of a region, and what remains of the source.

Describing needs neither torch nor the library; loading.py brings both in when the first song comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.engine import (
    Capability,
    EngineDescription,
    OnProgress,
    Piece,
    Rendered,
    RenderRequest,
    Report,
    Samples,
    ShouldStop,
    Task,
    TextLimit,
)
from model.errors import CannotRender, NotLoaded
from model.pace import Pace
from model.stem_notes import bleed_notes
from model.stems.clarity import Clarity
from model.stems.loading import GET_PACKAGES, GET_WEIGHTS, LABEL, Networks
from model.stems.published_stems import FOUR, SIX, StemModel, model_for, stem_models
from model.stems.span import OVERLAP, span_stems
from model.takes_in_order import takes_in_order
from model.vocabulary import PromptVocabulary

RESIDUAL = "residual"
OVERLAP_OPTION = "overlap"
MAX_OVERLAP = 0.9
NOTHING_DB = -50.0
"""Re the source: a stem below this holds nothing that was played in it."""
AUDIBLE_RATE = 48_000

_OPTIONS = {
    OVERLAP_OPTION: f"How much of each part the next one repeats, 0 to {MAX_OVERLAP} (default {OVERLAP}): more smooths "
    "what differs between parts, at 0.75 for three times the time.",
}
_ONLY_EXTRACT = "The Stems engine separates a mix and does nothing else."
_OTHER_ENGINE = "Choose the task extract, or another engine."


@dataclass(frozen=True)
class StemsConfig:
    """How the engine was set up (model/engine_config.py).

    folder: the folder of models; device: "auto", "cuda", "cuda:1", "xpu", "mps" or "cpu".
    """

    folder: str = ""
    device: str = "auto"


class StemsEngine:
    """Implements model.engine.Engine."""

    config_type = StemsConfig

    def __init__(self, config: StemsConfig = StemsConfig()) -> None:
        self._folder = Path(config.folder) if config.folder else None
        self._networks = Networks(config.device)

    def describe(self) -> EngineDescription:
        """The stems of the networks that are here, or how to get one."""
        found = stem_models(self._folder)
        missing = _missing(found)
        reasons = [
            Capability(task, False, _ONLY_EXTRACT, _OTHER_ENGINE) for task in Task if task is not Task.EXTRACT
        ]
        extract = (
            Capability(Task.EXTRACT, False, missing.sentence, missing.remedy)
            if missing
            else Capability(Task.EXTRACT, True)
        )
        stems = tuple(dict.fromkeys(stem for one in found for stem in one.stems))
        return EngineDescription(
            name="stems",
            label=LABEL,
            neural=True,
            tasks=(extract, *reasons),
            stems=stems or FOUR,
            max_seconds=7200.0,
            options=_OPTIONS,
            lyrics=TextLimit(tokens=0),
            words={Task.EXTRACT: PromptVocabulary()},
            weights=weights_name(found[0]) if found else "",
        )

    def load(self, progress: OnProgress) -> None:
        """Loads the first network. Raises NotLoaded."""
        self._networks.get(self._models()[0], progress)

    def unload(self) -> None:
        """Frees all memory."""
        self._networks.forget()

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Takes do not differ: nothing is drawn."""
        assert request.task is Task.EXTRACT, f"{request.task} is described as unavailable"
        yield from takes_in_order(
            request, progress, lambda one, report: self._extract(one, Pace(report, should_stop))
        )

    def _extract(self, request: RenderRequest, pace: Pace) -> Iterator[Rendered]:
        song = request.required_song
        overlap = overlap_of(request.options.get(OVERLAP_OPTION, OVERLAP))
        refuse_invalid(song.samples, pace)
        found = self._models()
        model = model_for(request.stems, found)
        if model is None:
            raise CannotRender(
                f"No network here separates {' and '.join(request.stems)} at once.",
                "Ask for vocals, drums, bass and other by themselves, or run `takebridge models pull stems-6`.",
            )
        network = self._networks.get(model, lambda update: pace.at(update.stage, 0.0))
        wanted = tuple(dict.fromkeys(request.stems)) or tuple(stem for stem in SIX if stem in network.sources)
        tally = Tally(request, wanted)
        pieces = span_stems(network, song, request.start, request.end, network.sources, pace, overlap)
        for stems in pieces:
            yield from tally.delivered(stems, pace)
        pace.at("stems are ready", 1.0)
        yield tally.report(model, overlap, self._networks.digest_of(model))

    def _models(self) -> tuple[StemModel, ...]:
        """The networks that are here. Raises NotLoaded."""
        found = stem_models(self._folder)
        if missing := _missing(found):
            raise missing
        return found


def _missing(found: tuple[StemModel, ...]) -> NotLoaded | None:
    """Why nothing can be separated: packages or weights; None if both are here."""
    lacking = Networks.missing_packages()
    if lacking:
        return NotLoaded(
            f"Separation by network needs packages that are not installed: {', '.join(lacking)}.",
            GET_PACKAGES,
        )
    return None if found else NotLoaded("No separation network is here.", GET_WEIGHTS)


def in_steps(samples: Samples) -> Samples:
    """The samples rounded to whole steps of a 24-bit file."""
    return np.asarray(np.rint(samples * np.float32(2**23)) * np.float32(2**-23), dtype=np.float32)


def weights_name(model: StemModel) -> str:
    """A network as receipts name it: by its folder and its author's number for the training."""
    return f"{model.path.parent.name} {model.path.stem}"


def refuse_invalid(samples: Samples, pace: Pace) -> None:
    """Raises CannotRender for a song with samples that are no numbers: all stems depend on the whole song's level."""
    for first in range(0, len(samples), 1 << 20):
        pace.check()
        if not np.isfinite(samples[first : first + (1 << 20)]).all():
            raise CannotRender(
                "The song contains invalid samples (NaN or infinity).", "Bounce the source again."
            )


def overlap_of(value: Any) -> float:
    """The option `overlap`. Raises CannotRender."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_OVERLAP:
        raise CannotRender(
            f"The option {OVERLAP_OPTION} cannot be {value!r}.", f"Use a number from 0 to {MAX_OVERLAP}."
        )
    return float(value)


class Tally:
    """Delivers stems and adds up what the report says of them."""

    def __init__(self, request: RenderRequest, wanted: tuple[str, ...]) -> None:
        self._request = request
        self._wanted = wanted
        self._clarity = Clarity(request.rate)
        self._energy = dict.fromkeys((*wanted, RESIDUAL), 0.0)
        self._source = 0.0
        self._done = request.start

    def delivered(self, stems: dict[str, Samples], pace: Pace) -> Iterator[Piece]:
        """The stems asked for, and the residual with which they sum to the source.

        Exactly so for 16- and 24-bit sources, in whichever order they are added: stems are rounded to steps of 24 bits,
        which nobody hears. For others, within the rounding of a float32.
        """
        self._clarity.add(stems, pace.check)
        frames = len(next(iter(stems.values())))
        source = self._request.required_song.samples[self._done : self._done + frames]
        self._source += energy(source)
        wanted = {stem: in_steps(stems[stem]) for stem in self._wanted}
        total = np.sum(list(wanted.values()), axis=0, dtype=np.float64)
        wanted[RESIDUAL] = (source - total).astype(np.float32)
        for stem, samples in wanted.items():
            self._energy[stem] += energy(samples)
            yield Piece(stem, self._done, samples)
        self._done += frames

    def report(self, model: StemModel, overlap: float, digest: str) -> Report:
        """The method, the measurements and the notes."""
        whole = max(self._source, 1e-20)
        share = {stem: found / whole for stem, found in self._energy.items()}
        clarity = {stem: self._clarity.of(stem) for stem in self._wanted}
        figures = {
            "share": {stem: round(found, 4) for stem, found in share.items()},
            "confidence": {stem: round(found, 3) for stem, found in clarity.items()},
            "overlap": overlap,
            "weights_digest": digest,
        }
        method = f"{LABEL} ({model.name}), a neural network: the stems and the residual sum to the source."
        notes = tuple(stem_notes(share, clarity, self._request.rate)) if self._source else ()
        return Report(method, figures, notes, weights_name(model))


def stem_notes(share: dict[str, float], clarity: dict[str, float], rate: int) -> Iterator[str]:
    """What a producer should know of these stems. share: of the source's energy; clarity: 0..1."""
    empty = [stem for stem in clarity if share[stem] < 10 ** (NOTHING_DB / 10)]
    if empty:
        yield (
            f"Nothing was found for {' and '.join(empty)}: at most {-NOTHING_DB:.0f} dB below the source is in "
            f"{'this stem' if len(empty) == 1 else 'these stems'}."
        )
    yield from bleed_notes({stem: clear for stem, clear in clarity.items() if stem not in empty})
    if rate > AUDIBLE_RATE:
        yield "The network hears up to 22 kHz; what the source has above that is in the residual."


def energy(samples: Samples) -> float:
    """Sum of squares over all frames and channels."""
    return float(np.einsum("fc,fc->", samples, samples, dtype=np.float64))
