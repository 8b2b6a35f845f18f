"""Which part of which sound plays where: takes cover the song, later takes cover earlier ones. Pure.

A covered stretch of the original stays on its track, muted. A covered stretch of a take is left out of the track;
its file is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clip_store.exports.project import Clip, SoundFile, Track
from clip_store.take import MIX, Take
from daw_protocol.tasks import TASKS
from daw_protocol.timeline import Span

ORIGINAL = "Original"
CHOSEN = "Chosen takes"
TAKE = "Take"


@dataclass(frozen=True)
class Placed:
    """A take with the file of its clip. audible: it plays; otherwise it is muted. comment: its description."""

    take: Take
    file: SoundFile
    audible: bool
    comment: str = ""

    @property
    def span(self) -> Span:
        """Its span on the timeline."""
        return Span(self.file.position, self.file.position + self.take.length)

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

    placed: in the order they were made.
    """
    tracks: list[tuple[str, bool, list[Piece]]] = []
    covering = [one for one in placed if one.audible and TASKS[one.take.task].placement.covers_song]
    if original is not None:
        tracks.append((ORIGINAL, False, _original_pieces(original, covering)))
    for audible in (True, False):
        lanes: dict[str, list[Piece]] = {}
        for one in placed:
            if one.audible == audible:
                later = covering[covering.index(one) + 1 :] if one in covering else []
                covers = [other.span for other in later if other.group != one.group]
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
    parts = uncovered(whole, [one.span for one in covering])
    return [Piece(ORIGINAL, original, span, muted=not free) for span, free in parts]


def _visible(one: Placed, covers: Iterable[Span]) -> list[Piece]:
    name = f"{one.take.title or 'song'} {one.take.task} {one.take.number}"
    if one.take.stem != MIX:
        name += f" {one.take.stem}"
    return [
        Piece(name, one.file, span, False, one.comment) for span, free in uncovered(one.span, covers) if free
    ]


def _track_name(one: Placed) -> str:
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
