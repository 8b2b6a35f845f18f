"""The ledger of a song in words: for the page, the command line and replies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from clip_store.source_type import SourceType
from daw_protocol.ledger import ABSENT, EDITED, HUMAN, MACHINE, MIXED, SAME, WHOSE, Ledger, LedgerTake

_WHOSE = {HUMAN: "human", MACHINE: "machine", MIXED: "both"}
_SHARES = {
    HUMAN: "human: the original, bit for bit",
    MACHINE: "machine: rendered",
    MIXED: "both: crossfades, backings, the original rearranged",
}
_FILES = {
    SAME: "its samples are in the files, unchanged",
    EDITED: "edited since it was rendered",
    ABSENT: "its clip is not among the files",
}
_TYPES = {
    SourceType.TRAINED: "Made by a trained model.",
    SourceType.EDITED_BY_TRAINED: "A recording with stretches from a trained model.",
    SourceType.WITH_SYNTHETIC: "Put together from several elements, at least one of them from a trained model.",
    SourceType.COMPOSITE: "Put together from several elements by rules; no trained model made any of its sound.",
    SourceType.ALGORITHMIC: "Made by rules, without a trained model.",
    SourceType.ALTERED: "A recording, altered by an algorithm without a trained model.",
}
_PANEL = re.compile(r"ws:panel-")
_RANDOM = re.compile(r"[0-9a-f]{16}")
_NAMED_OSC = re.compile(r"osc:[^:@]*:([^@]+)")


def whose_in_words(whose: str) -> str:
    return _WHOSE[whose]


def share_lines(ledger: Ledger) -> list[str]:
    """What part of the song is whose, a line for each of WHOSE."""
    whole = max(1, ledger.human + ledger.machine + ledger.mixed)
    counts = {HUMAN: ledger.human, MACHINE: ledger.machine, MIXED: ledger.mixed}
    return [f"{_percent(counts[whose] / whole)} {_SHARES[whose]}" for whose in WHOSE]


def ledger_in_words(ledger: Ledger) -> Iterator[str]:
    """The ledger, a line for each fact."""
    yield from share_lines(ledger)
    for one in ledger.stretches:
        first, last = ((sample - ledger.start) / ledger.rate for sample in (one.start, one.end))
        takes = f" ({', '.join(one.takes)})" if one.takes else ""
        samples = f"samples {one.start} to {one.end}"
        yield f"{clock(first)} – {clock(last)}  {whose_in_words(one.whose)}: {one.reason}{takes}; {samples}"
    for take in ledger.takes:
        made = f"{take.engine or 'an unknown engine'}{f', {take.weights}' if take.weights else ''}"
        licence = f" (licence: {take.licence})" if take.licence else ""
        file = "".join(f"; {state}" for state in states_in_words(take.file))
        yield f"{take.take}: {take.task} by {made}{licence}; chosen: {chooser_in_words(take)}{file}"


def states_in_words(state: str) -> tuple[str, ...]:
    """What the files say of a take; nothing of a ledger from the store."""
    return (_FILES[state],) if state in _FILES else ()


def source_type_in_words(address: str) -> str:
    """A song's digital source type in a sentence, with its name in IPTC's vocabulary."""
    kind = SourceType.named(address)
    if kind is not None:
        return f"{_TYPES[kind]} IPTC digital source type: {kind.value}."
    if address:
        return f"IPTC digital source type, by its own file: {address.rsplit('/', 1)[-1]}."
    return "The original, unchanged; its file says nothing of how it was made."


def chooser_in_words(take: LedgerTake) -> str:
    """Who chose a take, and when: "panel, 3 May 2026, 14:05 UTC"."""
    when = _day(take.chosen) if take.chosen is not None else ""
    return ", ".join(one for one in (take.chosen_by, when) if one) or "not noted"


def program_of(client: str) -> str:
    """What a client is called in a ledger, by the key the server knows it by: no addresses, no random names."""
    if _PANEL.match(client):
        return "panel"
    if client == "midi":
        return "MIDI pad"
    if client.startswith("http:"):
        return "script"
    named = _NAMED_OSC.match(client)
    if client.startswith("osc:"):
        return named[1] if named else "OSC program"
    name = client.partition(":")[2]
    return name if name and not _RANDOM.fullmatch(name) else "another program"


def clock(seconds: float) -> str:
    """1:02.345; tenths of a millisecond do not show at any print size."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 60_000}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y, %H:%M UTC").lstrip("0")
