"""Which part of which sound plays where: takes cover the song, later takes cover earlier ones, and stems none of them.

Stems add up to the song as it was: what replaces it somewhere is heard there, whenever it was accepted. Pure.

A covered stretch of the original stays on its track, muted. A covered stretch of a take is left out of the track;
its file is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clip_store.exports.project import Clip, SoundFile, Track
from clip_store.take import MIX, Take
from daw_protocol.tasks import TASKS, Placement
from daw_protocol.timeline import Span

ORIGINAL = "Original"
CHOSEN = "Chosen takes"
TAKE = "Take"


@dataclass(frozen=True)
class Placed:
    """A take with the file of its clip, or a comp with its file and one of its takes.

    audible: it plays; otherwise it is muted. comment: its description.
    parts:   what of it plays, on the timeline; None for all of it.
    label:   the name the take was given; "" without one.
    """

    take: Take
    file: SoundFile
    audible: bool
    comment: str = ""
    parts: tuple[Span, ...] | None = None
    label: str = ""

    @property
    def spans(self) -> tuple[Span, ...]:
        """What of it is on its track, on the timeline."""
        whole = Span(self.file.position, self.file.position + self.file.frames)
        return (whole,) if self.parts is None else self.parts

    @property
    def name(self) -> str:
        """What its clips are called."""
        name = f"{self.take.title or 'song'} "
        name += "comp" if self.file.comp else self.label or f"{self.take.task} {self.take.number}"
        return name if self.take.stem == MIX else f"{name} {self.take.stem}"

    @property
    def group(self) -> tuple[str, int]:
        """Equal for stems that were rendered together, which do not cover one another."""
        return self.take.job, self.take.number


@dataclass(frozen=True)
class Piece:
    """A part of a file and its position on the timeline, which may be before zero."""

    name: str
    file: SoundFile
    span: Span
    muted: bool = False
    comment: str = ""


def tracks_of(
    original: SoundFile | None, placed: Sequence[Placed]
) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """The tracks, and notes about anything before the timeline's zero.

    placed: those that play in the order they were accepted.
    """
    tracks: list[tuple[str, bool, list[Piece]]] = []
    covering = [one for one in placed if one.audible and TASKS[one.take.task].placement.covers_song]
    covering.sort(key=lambda one: TASKS[one.take.task].placement is Placement.REPLACES)
    if original is not None:
        tracks.append((ORIGINAL, False, _original_pieces(original, covering)))
    for audible in (True, False):
        lanes: dict[str, list[Piece]] = {}
        for one in placed:
            if one.audible == audible:
                later = covering[covering.index(one) + 1 :] if one in covering else []
                covers = [span for other in later if other.group != one.group for span in other.spans]
                lanes.setdefault(_track_name(one), []).extend(_visible(one, covers))
        for name, pieces in lanes.items():
            for number, lane in enumerate(packed(pieces), 1):
                numbered = name == TAKE or number > 1
                tracks.append((f"{name} {number}" if numbered else name, not audible, lane))
    return _from_zero_on(tracks)


def uncovered(span: Span, covers: Iterable[Span]) -> list[tuple[Span, bool]]:
    """The span in pieces, in order: each with whether nothing covers it."""
    inside = [cover.clipped(span) for cover in covers if cover.start < span.end and cover.end > span.start]
    edges = sorted({span.start, span.end, *(edge for cover in inside for edge in (cover.start, cover.end))})
    found: list[tuple[Span, bool]] = []
    for start, end in pairwise(edges):
        free = not any(cover.start <= start and end <= cover.end for cover in inside)
        if found and found[-1][1] == free:
            start = found.pop()[0].start
        found.append((Span(start, end), free))
    return found


def packed(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """The pieces on as few tracks as their order allows, none overlapping another, each track in order of time."""
    lanes: list[list[Piece]] = []
    for piece in pieces:
        for lane in lanes:
            if all(
                piece.span.end <= other.span.start or other.span.end <= piece.span.start for other in lane
            ):
                lane.append(piece)
                break
        else:
            lanes.append([piece])
    return [sorted(lane, key=lambda piece: piece.span.start) for lane in lanes]


def _original_pieces(original: SoundFile, covering: Iterable[Placed]) -> list[Piece]:
    whole = Span(original.position, original.position + original.frames)
    parts = uncovered(whole, [span for one in covering for span in one.spans])
    return [Piece(ORIGINAL, original, span, muted=not free) for span, free in parts]


def _visible(one: Placed, covers: Iterable[Span]) -> list[Piece]:
    return [
        Piece(one.name, one.file, span, False, one.comment)
        for visible in one.spans
        for span, free in uncovered(visible, covers)
        if free
    ]


def _track_name(one: Placed) -> str:
    if one.label and not one.audible:
        return one.label if one.take.stem == MIX else f"{one.label} ({one.take.stem})"
    if one.take.stem != MIX:
        return one.take.stem if one.audible else f"{one.take.stem} (take)"
    return CHOSEN if one.audible else TAKE


def _from_zero_on(
    tracks: Iterable[tuple[str, bool, list[Piece]]],
) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """Tracks of clips: anything before zero is cut off, since no project file can hold it."""
    found: list[Track] = []
    cut: dict[str, int] = {}
    for name, muted, pieces in tracks:
        clips = []
        for piece in pieces:
            position = max(0, piece.span.start)
            if piece.span.start < 0:
                cut[piece.name] = max(cut.get(piece.name, 0), -piece.span.start)
            if piece.span.end > position:
                start, length = position - piece.file.position, piece.span.end - position
                clips.append(
                    Clip(piece.name, piece.file, position, start, length, piece.muted, piece.comment)
                )
        if clips:
            found.append(Track(name, tuple(clips), muted))
    notes = [
        f"{name} begins {samples} samples before the timeline's zero, where projects begin; its first {samples} "
        "samples are not shown."
        for name, samples in cut.items()
    ]
    return tuple(found), tuple(notes)
