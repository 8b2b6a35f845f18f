"""The ledger of a song in words, in a language: for the page, the command line and replies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import text_in
from clip_store.source_type import SourceType
from daw_protocol.ledger import ABSENT, EDITED, HUMAN, MACHINE, MIXED, SAME, WHOSE, Ledger, LedgerTake

_SHARES = {
    HUMAN: "{share:.1f} % human: the original, bit for bit",
    MACHINE: "{share:.1f} % machine: rendered",
    MIXED: "{share:.1f} % both: crossfades, backings, the original rearranged",
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
PANEL, SCRIPT = "panel", "script"
_FROM_A_PANEL = re.compile(r"ws:panel-")
_RANDOM = re.compile(r"[0-9a-f]{16}")
_NAMED_OSC = re.compile(r"osc:[^:@]*:([^@]+)")


def whose_in_words(whose: str, language: str = ENGLISH) -> str:
    if whose == HUMAN:
        return text_in("human", language)
    return text_in("machine", language) if whose == MACHINE else text_in("both", language)


def share_lines(ledger: Ledger, language: str = ENGLISH) -> list[str]:
    """What part of the song is whose, a line for each of WHOSE."""
    whole = max(1, ledger.human + ledger.machine + ledger.mixed)
    counts = {HUMAN: ledger.human, MACHINE: ledger.machine, MIXED: ledger.mixed}
    return [text_in(_SHARES[whose].format(share=100 * counts[whose] / whole), language) for whose in WHOSE]


def ledger_in_words(ledger: Ledger, language: str = ENGLISH) -> Iterator[str]:
    """The ledger, a line for each fact."""
    yield from share_lines(ledger, language)
    for one in ledger.stretches:
        first, last = (clock((sample - ledger.start) / ledger.rate) for sample in (one.start, one.end))
        whose, reason = whose_in_words(one.whose, language), text_in(one.reason, language)
        takes = f" ({', '.join(one.takes)})" if one.takes else ""
        samples = text_in(f"samples {one.start} to {one.end}", language)
        yield f"{first} – {last}  {whose}: {reason}{takes}; {samples}"
    for take in ledger.takes:
        made = ", ".join(one for one in (take.engine, take.weights) if one)
        facts = [
            text_in(f"made with {made}" if made else "made with an unknown engine", language),
            *((text_in(f"licence: {take.licence}", language),) if take.licence else ()),
            text_in(f"chosen: {chooser_in_words(take, language)}", language),
            *states_in_words(take.file, language),
        ]
        yield f"{take.take}: {take.task}, {'; '.join(facts)}"


def states_in_words(state: str, language: str = ENGLISH) -> tuple[str, ...]:
    """What the files say of a take; nothing of a ledger from the store."""
    return (text_in(_FILES[state], language),) if state in _FILES else ()


def source_type_in_words(address: str, language: str = ENGLISH) -> str:
    """A song's digital source type in a sentence, with its name in IPTC's vocabulary."""
    kind = SourceType.named(address)
    if kind is not None:
        return text_in(f"{_TYPES[kind]} IPTC digital source type: {kind.value}.", language)
    if address:
        return text_in(f"IPTC digital source type, by its own file: {address.rsplit('/', 1)[-1]}.", language)
    return text_in("The original, unchanged; its file says nothing of how it was made.", language)


def chooser_in_words(take: LedgerTake, language: str = ENGLISH) -> str:
    """Who chose a take, and when: "panel, 2026-05-03 14:05 UTC"."""
    programs = {PANEL: text_in("panel", language), SCRIPT: text_in("script", language)}
    who = programs.get(take.chosen_by) or text_in(take.chosen_by, language)
    when = moment(take.chosen) if take.chosen is not None else ""
    return ", ".join(one for one in (who, when) if one) or text_in("not noted", language)


def program_of(client: str) -> str:
    """What a client is called in a ledger, by the key the server knows it by: no addresses, no random names."""
    if _FROM_A_PANEL.match(client):
        return PANEL
    if client == "midi":
        return "MIDI pad"
    if client.startswith("http:"):
        return SCRIPT
    named = _NAMED_OSC.match(client)
    if client.startswith("osc:"):
        return named[1] if named else "OSC program"
    name = client.partition(":")[2]
    return name if name and not _RANDOM.fullmatch(name) else "another program"


def clock(seconds: float) -> str:
    """1:02.345; tenths of a millisecond do not show at any print size."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 60_000}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def moment(seconds: float) -> str:
    """Seconds since 1970 as a date and a time that read the same everywhere."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
