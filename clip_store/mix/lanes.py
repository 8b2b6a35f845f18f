"""The lanes of a song as it stands: what lies over the song, over each of its changed stems, and what plays along."""

from __future__ import annotations

from collections.abc import Iterable

from clip_store.audio.audio import Encoding
from clip_store.audio.riff import WaveForm
from clip_store.audio.stored_wave import StoredWave
from clip_store.blobs import BlobStore
from clip_store.comp import Comp
from clip_store.errors import SpliceError
from clip_store.mix.accepted import AcceptedSong
from clip_store.mix.comp_lane import Base, Change, CompLane
from clip_store.mix.stem_changes import stretches_of
from clip_store.take import Take

_WIDE = (Encoding.PCM_32, Encoding.DOUBLE)


class Lanes:
    """Makes the lanes; opens what they read, and nothing else."""

    def __init__(self, accepted: AcceptedSong, blobs: BlobStore) -> None:
        """Raises StoreError when the song's audio is missing or damaged."""
        self.accepted = accepted
        self.original = blobs.wave(accepted.song)
        self._blobs = blobs
        self._clips: dict[str, StoredWave] = {}
        self._changes: dict[str, Change] = {}

    @property
    def widest(self) -> Encoding:
        """What holds sums with the song without rounding it."""
        return Encoding.DOUBLE if self.original.form.encoding in _WIDE else Encoding.FLOAT

    def needed(self, comps: Iterable[Comp], *, adds: bool) -> Encoding:
        """What holds the song with comps in it: its encoding, a wider one that a clip has, or floats where one is added
        to it."""
        if adds:
            return self.widest
        found = self.original.form.encoding
        for comp in comps:
            for part in comp:
                found = found.holding(self.clip(part.take).form.encoding)
        return found

    def covering(self) -> CompLane:
        """What takes the song's place, over the song. As without what plays along: its crossfades are the same then,
        bit for bit. Raises StoreError when audio is missing or damaged, SpliceError when a clip does not fit the song.
        """
        comp = self.accepted.covering
        own = self.needed([comp], adds=False)
        return self._lane(comp, Base(self.original), own, self._changes_in(""))

    def adding(self, comp: Comp) -> CompLane:
        """What plays along with the song, over silence. Raises as `covering`."""
        takes = {part.take for part in comp}
        changed = [stem for stem in self.accepted.stems if stem in takes]
        return self._lane(comp, Base(None), self.widest, tuple(map(self._change, changed)))

    def stem(self, stem: str) -> CompLane:
        """A stem as it stands. Raises as `covering`."""
        return self._change(stem).lane

    def clip(self, take: str) -> StoredWave:
        """The audio of a take. Raises as `covering`."""
        if take not in self._clips:
            self._clips[take] = clip = self._blobs.wave(self.accepted.takes[take].audio)
            _check_fits(self.original.form, clip, self.accepted.takes[take])
        return self._clips[take]

    def _changes_in(self, lane: str) -> tuple[Change, ...]:
        stems = self.accepted.stems.items()
        below = (stem for stem, one in stems if one.above == lane and not self.accepted.is_instrument(stem))
        return tuple(change for stem in below if (change := self._change(stem)).stretches)

    def _change(self, stem: str) -> Change:
        if stem not in self._changes:
            region = self.accepted.region(stem)
            ends = {region.start, region.end} - {0, self.original.form.frames}
            if self.accepted.is_instrument(stem):
                ends = set()  # it comes out of silence there, as what takes its place does
            base = Base(self.clip(stem), region.start, stem, frozenset(ends))
            lane = self._lane(self.accepted.covering_of(stem), base, self.widest, self._changes_in(stem))
            self._changes[stem] = Change(lane, stretches_of(self.accepted, stem))
        return self._changes[stem]

    def _lane(self, comp: Comp, base: Base, own: Encoding, changes: tuple[Change, ...]) -> CompLane:
        clips = {part.take: self.clip(part.take) for part in comp}
        channels = self.original.form.channels
        return CompLane(self.accepted, comp, base, clips, own, self.widest, channels, changes)


def _check_fits(song: WaveForm, clip: StoredWave, take: Take) -> None:
    form = clip.form
    if form.rate != song.rate or form.channels not in (song.channels, 1):
        raise SpliceError(
            f"Take {take.id} has {form.channels} channels at {form.rate} Hz; the song has {song.channels} at "
            f"{song.rate} Hz.",
            "Revert it, then save the song again.",
        )
