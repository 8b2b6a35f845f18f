"""What kind of source a sound has, in IPTC's words: the one table of what takes, songs and comps are marked as.

The vocabulary: https://cv.iptc.org/newscodes/digitalsourcetype. docs/marks.md has this table with the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from daw_protocol.tasks import TASKS, Placement

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class SourceType(Enum):
    """The members of IPTC's vocabulary that are written here; the value is the last part of the address."""

    TRAINED = "trainedAlgorithmicMedia"  # made by a model that was trained on recordings
    EDITED_BY_TRAINED = "compositeWithTrainedAlgorithmicMedia"  # existing sound, changed by such a model
    WITH_SYNTHETIC = "compositeSynthetic"  # several elements, at least one of them from such a model
    COMPOSITE = "composite"  # several elements, put together; none from such a model as far as is known
    ALGORITHMIC = "algorithmicMedia"  # made by rules alone, without training
    ALTERED = "algorithmicallyEnhanced"  # existing sound, changed by an algorithm without training

    @property
    def address(self) -> str:
        """As XMP and C2PA have it."""
        return VOCABULARY + self.value

    @property
    def is_generative(self) -> bool:
        """Whether a trained model made some of it."""
        return self in (SourceType.TRAINED, SourceType.EDITED_BY_TRAINED, SourceType.WITH_SYNTHETIC)

    @classmethod
    def named(cls, text: str) -> SourceType | None:
        """The member that an address, or its last part, names; None for others."""
        last = text.rsplit("/", 1)[-1]
        return next((one for one in cls if one.value == last), None)


def of_take(
    task: str, neural: bool, song_is_generative: bool = False, recordings: bool = False
) -> SourceType:
    """What a take's clip is.

    neural: a trained network rendered it; song_is_generative: some of the song it was made from is such a network's;
    recordings: a file with recorded sounds was given to an engine that plays by rules, such as a SoundFont.
    """
    made_of_song = TASKS[task].placement in (Placement.REPLACES, Placement.ALONE)
    if neural:
        return SourceType.EDITED_BY_TRAINED if made_of_song else SourceType.TRAINED
    if made_of_song and song_is_generative:
        return SourceType.WITH_SYNTHETIC
    if TASKS[task].placement is Placement.ALONE:
        return SourceType.ALTERED
    if made_of_song or recordings:
        return SourceType.COMPOSITE
    return SourceType.ALGORITHMIC


def of_mix(takes: Iterable[SourceType], song: SourceType | None = None) -> SourceType | None:
    """What takes are together with the song they lie in. song: what its file says of itself; None: nothing.

    None: nothing of a take is in it, so it is what the file says.
    """
    found = set(takes)
    if not found:
        return song
    if found == {SourceType.EDITED_BY_TRAINED} and song in (None, SourceType.EDITED_BY_TRAINED):
        return SourceType.EDITED_BY_TRAINED
    if any(one.is_generative for one in found) or (song is not None and song.is_generative):
        return SourceType.WITH_SYNTHETIC
    return SourceType.COMPOSITE
