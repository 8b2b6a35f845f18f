"""The ledger of clips that lie in a folder by themselves, as a store keeps them.

Each says what it is and where it belongs. Which of them are in the song, and what plays between them, no clip says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from clip_store.audio.audio import MAX_RATE
from clip_store.exports.found_sounds import FoundSound
from clip_store.mix.song_ledger import DEFINITION, record_of_recipe
from clip_store.mix.whose import CROSSFADE, REARRANGED, RENDERED, merged
from clip_store.source_type import SourceType, of_mix, of_take
from daw_protocol.ledger import HUMAN, MACHINE, MIXED, Ledger, LedgerStretch, LedgerTake
from daw_protocol.receipt import MAX_SAMPLES, Receipt, receipt_in
from daw_protocol.recipe import Recipe, recipe_in
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline.span import Span

MAX_PLACE = MAX_SAMPLES // 2
"""Of a clip, in samples from zero: the difference of two still fits a ledger."""
ALONG = "a track that plays along with the song"
NEW = "a new song"
STEM = "a stem of the original"
SEVERAL = "several takes of one place; which of them is in the song, clips do not say"
ONLY_CLIPS = (
    "Read from clips alone: what is in the song, and the song between the clips, is not known. Shares are of the "
    "clips' own length."
)
UNPLACED = (
    "Clips of an earlier version do not say where in the song they begin: "
    "the timeline's zero counts as its start."
)
OTHER_RATE = "Clips at another sample rate than the first one are left out."


@dataclass(frozen=True)
class BareClip:
    """A take's clip that belongs to no export.

    song:     digest of the song it was made for, or its own where it is a new one.
    position: of the song's first sample on the timeline; None where the clip does not say.
    span:     its region in the song; fades: those in its own sound, at both ends.
    """

    song: str
    title: str
    rate: int
    position: int | None
    span: Span
    fades: tuple[Span, Span]
    whose: str
    reason: str
    take: LedgerTake

    def whose_at(self, sample: int) -> tuple[str, str]:
        """Whose a sample inside it is, and why."""
        if any(fade.start <= sample < fade.end for fade in self.fades):
            return MIXED, CROSSFADE
        return self.whose, self.reason


def clips_in(found: Iterable[FoundSound]) -> list[BareClip]:
    """The clips among sounds; what is no take's, or says too little, is none."""
    clips = (_clip(sound.recipe) for sound in found if sound.recipe.get("ledger") is None)
    return [clip for clip in clips if clip is not None]


def ledger_of_clips(found: Sequence[BareClip]) -> Ledger:
    """The ledger of one song's clips, of which there is at least one; a ledger counts at one rate, the first clip's."""
    clips = [clip for clip in found if clip.rate == found[0].rate]
    placed = [clip.position for clip in clips if clip.position is not None]
    stretches = tuple(merged(_stretches(clips)))
    shares: Counter[str] = Counter()
    for stretch in stretches:
        shares[stretch.whose] += stretch.end - stretch.start
    takes = tuple({clip.take.take: clip.take for clip in sorted(clips, key=_begins)}.values())
    kinds = (kind for take in takes if (kind := SourceType.named(take.source_type)) is not None)
    mixed = of_mix(kinds)
    return Ledger(
        title=clips[0].title,
        song=clips[0].song,
        position=placed[0] if placed else 0,
        rate=clips[0].rate,
        start=min(clip.span.start for clip in clips),
        end=max(clip.span.end for clip in clips),
        source_type=mixed.address if mixed else "",
        stretches=stretches,
        takes=takes,
        human=shares[HUMAN],
        machine=shares[MACHINE],
        mixed=shares[MIXED],
        notes=(
            DEFINITION,
            ONLY_CLIPS,
            *((UNPLACED,) if len(placed) < len(clips) else ()),
            *((OTHER_RATE,) if len(clips) < len(found) else ()),
        ),
    )


def _begins(clip: BareClip) -> int:
    return clip.span.start


def _stretches(clips: Sequence[BareClip]) -> Iterator[LedgerStretch]:
    spans = [span for clip in clips for span in (clip.span, *clip.fades)]
    for start, end in pairwise(sorted({edge for span in spans for edge in (span.start, span.end)})):
        there = [clip for clip in clips if clip.span.start <= start < clip.span.end]
        if not there:
            continue  # the song between clips
        owners = {clip.whose_at(start) for clip in there}
        names = {owner for owner, _ in owners}
        reason = SEVERAL if len(there) > 1 else next(reason for _, reason in owners)
        takes = tuple(dict.fromkeys(clip.take.take for clip in there))
        yield LedgerStretch(
            start=start, end=end, whose=names.pop() if len(names) == 1 else MIXED, takes=takes, reason=reason
        )


def _clip(recipe: Mapping[str, Any]) -> BareClip | None:
    """What a recipe says of its clip; None where it is not a take's, or damaged."""
    made, receipt = recipe_in(recipe.get("recipe")), receipt_in(recipe.get("receipt"))
    spec = TASKS.get(str(recipe.get("task")))
    if made is None or receipt is None or spec is None or not isinstance(recipe.get("request"), dict):
        return None
    try:
        stated = recipe.get("start")
        position, length = int(recipe["position"]), int(recipe["length"])
        start = position if stated is None else int(stated)
        span, rate = Span(start, start + length), int(recipe["rate"])
        if not 1 <= rate <= MAX_RATE or max(map(abs, (position, span.start, span.end))) > MAX_PLACE:
            return None
        whose, reason = _owner(spec.placement, made)
        noted = SourceType.named(made.source_type) or of_take(spec.name, made.neural)
        return BareClip(
            song=str(recipe["parent"] or recipe["audio"]),
            title=str(recipe.get("title", "")),
            rate=rate,
            position=None if stated is None else position - start,
            span=span,
            fades=_fades(span, receipt),
            whose=whose,
            reason=reason,
            take=record_of_recipe(recipe, made, noted),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _fades(span: Span, receipt: Receipt) -> tuple[Span, Span]:
    first, last = (min(fade or 0, span.length) for fade in (receipt.crossfade_in, receipt.crossfade_out))
    return Span(span.start, span.start + first), Span(span.end - last, span.end)


def _owner(placement: Placement, recipe: Recipe) -> tuple[str, str]:
    if placement is Placement.REPLACES:
        return (MACHINE, RENDERED) if recipe.neural else (MIXED, REARRANGED)
    if placement is Placement.ALONE:
        return MIXED, STEM
    return MACHINE, NEW if placement is Placement.NEW else ALONG
