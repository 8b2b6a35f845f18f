"""The receipt of a mix: what was accepted where, whether anything else changed, how the joins sound.

Everything is read in stretches. Seams are compared with the song's own steps within SEAM_SECONDS of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from clip_store.audio.audio import Audio, Samples, encode_samples, new_digest
from clip_store.comp import Comp, Part, overlay
from clip_store.likeness import power
from clip_store.measure.alignment import about_seam
from clip_store.measure.seams import Seam, measure_seams, rank_together
from clip_store.mix.accepted import AcceptedComp
from clip_store.mix.joins import edges_of
from clip_store.mix.song_mix import BLOCK, FULL_SCALE, SongMix
from clip_store.mix.stem_changes import unheard
from daw_protocol.song_receipt import AcceptedRegion, SongReceipt
from daw_protocol.timeline.span import Span
from model.dsp.offset import without_drift

SEAM_SECONDS = 6.0
"""How much of the song on each side a seam is compared with: at 96 kHz that takes 80 MB of memory."""

OnFraction = Callable[[float], None]


@dataclass(frozen=True)
class MeasuredMix:
    """digest: of the mix's audio, as Audio.digest has it."""

    digest: str
    receipt: SongReceipt


def measure_mix(mix: SongMix, position: int, progress: OnFraction) -> MeasuredMix:
    """Put a mix together once and measure it. position: of the original's first sample on the timeline.

    progress: from 0 to 1. Raises OSError when audio has gone.
    """
    form, changed = mix.form, mix.changed
    sha = new_digest(form.encoding, form.rate, form.channels, form.frames)
    identical, over, clipped = True, 0, mix.clipped
    for block in mix.blocks():
        sha.update(encode_samples(block.samples, form.encoding))
        clipped += block.clipped
        inside = _mask(changed, block.span)
        over += int(np.count_nonzero(np.abs(block.samples[inside]) > FULL_SCALE))
        identical = identical and _same(block.samples[~inside], mix.untouched(block.span)[~inside])
        progress(0.7 * (block.span.end - mix.span.start) / max(1, mix.span.length))
    visible = list(_visible(mix))
    regions = []
    for number, (comp, parts) in enumerate(visible, 1):

        def moved(done: float, begun: int = number - 1) -> None:
            progress(0.7 + 0.3 * (begun + done) / len(visible))

        regions.append(_region(mix, comp, parts, position, moved))
        moved(1.0)
    receipt = SongReceipt(
        position=position + mix.span.start,
        length=form.frames,
        rate=form.rate,
        encoding=form.encoding.value,
        exact=True,  # a file that turns out otherwise is not kept
        outside_identical=identical,
        clipped=clipped,
        over=over,
        regions=tuple(regions),
        warnings=tuple(_faults(identical, clipped)),
    )
    return MeasuredMix(sha.hexdigest(), receipt)


def _faults(identical: bool, clipped: int) -> Iterator[str]:
    if not identical:
        yield "The song outside the accepted regions has changed."
    if clipped:
        yield f"{clipped} samples beyond full scale were cut off."


def _visible(mix: SongMix) -> Iterator[tuple[AcceptedComp, Comp]]:
    """Each accepted place with what is heard of it: not what later ones cover, nor takes of stems that are no part of
    what plays."""
    comps, silent = mix.accepted.comps, tuple(unheard(mix.accepted))
    for number, comp in enumerate(comps):
        if not mix.accepted.replaces(comp):
            yield comp, comp.parts
            continue
        seen: Comp = comp.parts
        for later in comps[number + 1 :]:
            if later.stem == comp.stem and mix.accepted.replaces(later):
                for part in later.parts:
                    seen = _cut(seen, part.span)
        for one in silent if comp.stem else ():
            if one.take in {part.take for part in seen}:
                seen = _cut(seen, one.span)
        yield comp, seen


def _cut(comp: Comp, span: Span) -> Comp:
    """The comp without what is in a span."""
    return tuple(one for one in overlay(comp, Part("", span.start, span.end)) if one.take)


def _region(
    mix: SongMix, comp: AcceptedComp, visible: Comp, position: int, progress: OnFraction
) -> AcceptedRegion:
    accepted = mix.accepted
    start = min(part.start for part in comp.parts)
    end = max(part.end for part in comp.parts)
    covers = accepted.replaces(comp)
    seams = tuple(_seams(mix, comp.stem, Span(start, end))) if covers else ()
    rank = rank_together(seams)
    return AcceptedRegion(
        position=position + start,
        length=end - start,
        task=accepted.takes[comp.parts[0].take].task,
        stem=accepted.takes[comp.stem].stem if comp.stem else comp.place.stem,
        parts=tuple((part.take, part.start + position, part.end + position) for part in visible),
        covered=_length(comp.parts) - _length(visible),
        correlation=_likeness(mix, Span(start, end), progress) if covers and _length(visible) else None,
        seams=len(seams),
        seam_db=max((seam.level.value for seam in seams), default=None),
        seam_rank=None if rank is None else 100 * rank,
        warnings=tuple(sentence for seam in seams for sentence in about_seam(seam)),
    )


def _length(comp: Comp) -> int:
    return sum(part.end - part.start for part in comp)


def _seams(mix: SongMix, stem: str, region: Span) -> Iterator[Seam]:
    """The seams in a region of the song, or of a stem, each measured in the song, in the stretch around it."""
    reach = round(SEAM_SECONDS * mix.form.rate)
    song, lane = Span(0, mix.original.form.frames), mix.stems[stem] if stem else mix.covering
    for edge, inner in edges_of(mix.accepted, lane.comp, stem, lane.base.bare):
        if not region.start <= edge <= region.end or not 0 < edge < song.end:
            continue
        around = Span(edge - reach, edge + reach).clipped(song)
        rate, encoding = mix.form.rate, mix.form.encoding
        old = Audio(mix.untouched(around), rate, encoding)
        new = Audio(mix.read(around).samples, rate, encoding)
        at = (edge - around.start, inner - around.start)
        for seam in measure_seams(old, new, 0, [at]):
            yield replace(seam, position=edge)


def _likeness(mix: SongMix, region: Span, progress: OnFraction) -> float | None:
    """As likeness.correlation, block by block."""
    inside = region.clipped(Span(0, mix.original.form.frames))
    product = old_power = new_power = 0.0
    for first in range(inside.start, inside.end, BLOCK):
        span = Span(first, min(first + BLOCK, inside.end))
        old = without_drift(mix.untouched(span), mix.form.rate)
        new = without_drift(mix.read(span).samples, mix.form.rate)
        product += float(old.ravel() @ new.ravel())
        old_power += power(old)
        new_power += power(new)
        progress((span.end - inside.start) / inside.length)
    if old_power <= 0.0 or new_power <= 0.0:
        return None
    return round(max(-1.0, min(1.0, product / math.sqrt(old_power * new_power))), 6)


def _mask(changed: tuple[Span, ...], span: Span) -> np.ndarray:
    found = np.zeros(span.length, bool)
    for one in changed:
        inside = one.clipped(span)
        found[inside.start - span.start : inside.end - span.start] = True
    return found


def _same(one: Samples, other: Samples) -> bool:
    """Equal bit by bit: by value, with the sign of zero."""
    kind = np.dtype(f"u{one.dtype.itemsize}")
    return one.dtype == other.dtype and bool(np.array_equal(one.view(kind), other.view(kind)))
