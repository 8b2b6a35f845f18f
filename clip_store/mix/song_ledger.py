"""The ledger of a song as it stands, from the store: whose each stretch is, how its takes were made, who chose them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from clip_store.audio.xmp import decode_xmp, encode_xmp
from clip_store.index import TakeIndex, place_of
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.whose import owner_of, stretches_of_song
from clip_store.source_type import SourceType, of_mix
from clip_store.store import ClipStore, mark_of, recipe_of, source_type_of
from clip_store.take import Take
from daw_protocol.ledger import HUMAN, LATEST, MACHINE, MIXED, Ledger, LedgerTake
from daw_protocol.recipe import Recipe

UNMARKED = (
    "Nothing is known of how the original was made: its file carries no mark of it. It is counted as human."
)
DEFINITION = (
    "Human means the samples of the producer's own file, bit for bit. A ledger knows files and takes, no law."
)


def ledger_of(store: ClipStore, accepted: AcceptedSong, title: str, position: int) -> Ledger:
    """What plays in a song, and whose it is. position: of its first sample on the timeline.

    Raises StoreError when the song is gone.
    """
    info = store.blobs.probe(accepted.song)
    original = store.song_source_type(accepted.song)
    stretches = stretches_of_song(accepted, info.frames, original)
    playing = dict.fromkeys(take for stretch in stretches for take in stretch.takes)
    shares: Counter[str] = Counter()
    for stretch in stretches:
        shares[stretch.whose] += stretch.end - stretch.start
    kind = of_mix((source_type_of(accepted.takes[take]) for take in playing), original)
    return Ledger(
        title=title,
        song=accepted.song,
        position=position,
        rate=info.rate,
        start=stretches[0].start if stretches else 0,
        end=stretches[-1].end if stretches else info.frames,
        source_type=kind.address if kind else _told(store, accepted.song),
        stretches=stretches,
        takes=tuple(_record(store.index, accepted.takes[take]) for take in playing),
        human=shares[HUMAN],
        machine=shares[MACHINE],
        mixed=shares[MIXED],
        notes=tuple(_notes(store, accepted.song, original)),
    )


def xmp_of_song(store: ClipStore, accepted: AcceptedSong, ledger: Ledger) -> bytes:
    """The XMP packet of a song as it stands: its file's own, with the mark of what takes made of it. b"" for a song
    whose file had none and in which nothing of a take plays."""
    foreign = store.index.recall_xmp(accepted.song)
    kind = SourceType.named(ledger.source_type)
    if not ledger.takes or kind is None:
        return foreign.encode("utf-8")
    return encode_xmp(mark_of(kind, (accepted.takes[one.take] for one in ledger.takes)), foreign)


def _told(store: ClipStore, song: str) -> str:
    """What a song's file says of itself in words that are not ours, such as digitalCapture."""
    return decode_xmp(store.index.recall_xmp(song)).source_type


def _notes(store: ClipStore, song: str, original: SourceType | None) -> Iterator[str]:
    yield DEFINITION
    told = _told(store, song)
    if original is None and not told:
        yield UNMARKED
    elif original is None:
        yield f"The original's file says of itself: {told.rsplit('/', 1)[-1]}."
    elif owner_of(original) != HUMAN:
        yield f"The original is not human alone, by its own mark or the takes it was made by: {original.value}."


def _record(index: TakeIndex, take: Take) -> LedgerTake:
    chosen = index.chosen_by(place_of(take), take.id)
    record = record_of_recipe(recipe_of(take), take.recipe, source_type_of(take))
    if chosen is None:
        return record
    return record.evolve(chosen_by=chosen.chosen_by, chosen=chosen.chosen_at)


def record_of_recipe(about: Mapping[str, Any], recipe: Recipe, kind: SourceType) -> LedgerTake:
    """What a take's file says of it, but for who chose it, which it does not know. about: as `recipe_of` makes it.

    Raises KeyError, TypeError or ValueError for one that says something else.
    """
    request = about["request"]
    return LedgerTake(
        take=str(about["take"]),
        task=str(about["task"]),
        stem=str(about["stem"]),
        audio=str(about["audio"]),
        source_type=kind.address,
        engine=recipe.engine_label or recipe.engine,
        made_by=recipe.made_by,
        neural=recipe.neural,
        weights=recipe.weights,
        weights_digest=str(recipe.figures.get("weights_digest", "")),
        licence=recipe.licence,
        prompt=str(request.get("prompt", "")),
        lyrics=str(request.get("lyrics", "")),
        reference=recipe.reference.name if recipe.reference else "",
        made=min(max(0.0, float(about.get("created", 0.0))), LATEST),  # clips of earlier versions do not say
    )
