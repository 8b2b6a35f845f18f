"""Stems of one separation that are heard together: what is left after muting some, or soloing others."""

from __future__ import annotations

from dataclasses import dataclass

from clip_store.index import TakeIndex
from clip_store.stems import stems_with
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.audition import SILENCE


@dataclass(frozen=True)
class StemMix:
    """names: as asked for; takes: the stems that sound, none of them in silence."""

    names: tuple[str, ...]
    takes: tuple[Take, ...]


def stem_mix(index: TakeIndex, take: Take, names: tuple[str, ...]) -> StemMix | None:
    """The stems with these names of the separation a take belongs to; None where none is named.

    On the event loop. Raises ProtocolError for a take that is no stem, and for a stem there is not.
    """
    if not names:
        return None
    there = {stem.stem.lower(): stem for stem in stems_with(index, take)}
    if not there:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"stems: take {take.id} is no stem of a separation.",
            "Omit stems, or play a take of extract.",
            "stems",
        )
    if names == (SILENCE,):
        return StemMix(names, ())
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"stems: there is no stem {unknown[0]!r}.",
            f"Choose from {', '.join(there)}, or {SILENCE} for silence.",
            "stems",
        )
    return StemMix(names, tuple(there[name] for name in names))
