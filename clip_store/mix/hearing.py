"""The song as it stands, as a new take hears it: which accepted takes are in it, and its samples.

A take that takes the song's place hears what took it elsewhere, and the song's stems as they stand. What plays along
with the song is not in it: it goes on playing with the take, and would be there twice. A take that plays along hears
both.
"""

from __future__ import annotations

from collections.abc import Collection

from clip_store.audio.audio import Audio
from clip_store.blobs import BlobStore
from clip_store.comp import Comp
from clip_store.mix.accepted import AcceptedComp, AcceptedSong
from clip_store.mix.song_mix import SongMix
from clip_store.mix.stem_changes import audible_in
from daw_protocol.recipe import HeardSong
from daw_protocol.tasks import InSong, Placement
from daw_protocol.timeline.span import Span


def audible_to(placement: Placement, accepted: AcceptedSong) -> AcceptedSong:
    """What of the accepted takes a new one with this placement hears."""
    heard = (
        {Placement.REPLACES} if placement is Placement.REPLACES else {Placement.REPLACES, Placement.BESIDE}
    )

    def hears(comp: AcceptedComp) -> bool:
        if comp.stem and accepted.is_instrument(comp.stem) and Placement.BESIDE not in heard:
            return False
        return all(accepted.placement(part) in heard for part in comp.parts)

    return accepted.only(hears)


def without_alternatives(
    placement: Placement, accepted: AcceptedSong, region: Span, stems: Collection[str]
) -> AcceptedSong:
    """What is left to hear for a take of a region: it does not hear those that it may take the place of.

    These are the ones inside its region that play as it does. Takes of the song's stems are none of them: they made the
    song what it is. stems: the ones it is to have; empty: any.
    """

    def another(comp: AcceptedComp) -> bool:
        inside = all(region.start <= part.start and part.end <= region.end for part in comp.parts)
        alike = not comp.stem and all(accepted.placement(part) is placement for part in comp.parts)
        return inside and alike and (placement is Placement.REPLACES or not stems or comp.place.stem in stems)

    return accepted.only(lambda comp: not another(comp))


def stretches(accepted: AcceptedSong) -> tuple[tuple[InSong, Span], ...]:
    """What is accepted in a song and heard there, in samples from its first: the extent of each comp, and where changed
    stems are parts of what plays."""
    found = [(InSong.STEM, one.span) for one in audible_in(accepted)]
    for comp in accepted.comps:
        span = Span(min(part.start for part in comp.parts), max(part.end for part in comp.parts))
        if any(accepted.placement(part) is Placement.BESIDE for part in comp.parts):
            found.append((InSong.BACKING, span))
        elif accepted.replaces(comp) and not comp.stem:
            found.append((InSong.SONG, span))
        elif accepted.replaces(comp) and accepted.is_instrument(comp.stem):
            found.append((InSong.BACKING, span))
    return tuple(found)


def extent(accepted: AcceptedSong, frames: int) -> Span:
    """From the first to the last sample of a song of so many frames as it stands, from its own first sample."""
    spans = [part.span for comp in accepted.comps for part in comp.parts]
    return Span(min([0, *(span.start for span in spans)]), max([frames, *(span.end for span in spans)]))


def heard_audio(accepted: AcceptedSong, blobs: BlobStore) -> Audio:
    """The samples of the song as it stands, all in memory. Slow, for a thread.

    Raises StoreError when audio is missing or damaged, SpliceError when a clip does not fit the song.
    """
    mix = SongMix(accepted, blobs)
    return Audio(mix.read(mix.span).samples, mix.form.rate, mix.form.encoding)


def heard_record(accepted: AcceptedSong, digest: str, begins: int) -> HeardSong:
    """What recipes say of it. digest: of its audio; begins: of its first sample."""
    backing: Comp = tuple(part for comp in accepted.adding for part in comp)
    stems = tuple(part for stem in accepted.changed_stems for part in accepted.covering_of(stem))
    return HeardSong(digest=digest, begins=begins, parts=accepted.covering, backing=backing, stems=stems)


def no_longer_accepted(heard: HeardSong, accepted: AcceptedSong) -> tuple[str, ...]:
    """The takes in what a take heard that are not in the song any more."""
    there = {part.take for comp in accepted.audible for part in comp}
    return tuple(take for take in heard.takes if take not in there)
