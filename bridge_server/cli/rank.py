"""`takebridge rank`: takes by how well they follow their prompt, beside the figures of their receipts."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape

from bridge_server.cli.commands import DONE, Screen, answer_with_bar, some_server
from bridge_server.cli.console import ListTable, label, own_words
from bridge_server.settings import Settings
from daw_protocol.take_results import HeardTakes, RankedTakes, TakeList, TakeRecord


async def rank(settings: Settings, screen: Screen, values: Mapping[str, object]) -> int:
    """The command; returns the exit status. values: of the request. Raises ProtocolError."""
    async with some_server(settings) as client:
        answer = await answer_with_bar(client, screen, "takes.rank", values)
        filters = {name: value for name, value in values.items() if name != "prompt"}
        listed = await client.call("takes.list", **{"limit": 20, **filters})
    screen.result(answer)
    if not screen.as_json:
        takes = {one.take: one for one in TakeList.from_stored(listed).takes}
        screen.console.print(table_of(RankedTakes.from_stored(answer), takes))
    return DONE


async def words(settings: Settings, screen: Screen, values: Mapping[str, object]) -> int:
    """The command with --words; returns the exit status. values: of the request. Raises ProtocolError."""
    async with some_server(settings) as client:
        answer = await answer_with_bar(client, screen, "takes.words", values)
    screen.result(answer)
    if not screen.as_json:
        screen.console.print(table_of_words(HeardTakes.from_stored(answer)))
    return DONE


def table_of_words(found: HeardTakes) -> ListTable:
    """What was heard, as a table."""
    table = ListTable("take", "words", "sure", "language", "heard")
    for one in found.takes:
        count = "" if one.match is None else f"{round(one.match * one.words)} of {one.words}"
        sure = "" if one.match is None else f"{one.confidence:.2f}"
        table.add_row(one.take, count, sure, one.language, own_words(one.text))
    return table


def table_of(ranked: RankedTakes, takes: Mapping[str, TakeRecord]) -> ListTable:
    """The ranking as a table. takes: what is known of each; one that was made or deleted meanwhile may lack."""
    table = ListTable("take", "follows", "likeness", "loudness", "receipt", "prompt")
    for one in ranked.takes:
        take = takes.get(one.take)
        receipt = take.receipt if take else None
        warnings = receipt.warnings if receipt else ()
        table.add_row(
            one.take,
            _figure(one.match, ""),
            _figure(receipt.correlation if receipt else None, ""),
            _figure(receipt.loudness_lufs if receipt else None, " LUFS", 1),
            escape(warnings[0]) if warnings else label("passed") if receipt else "",
            own_words(one.prompt),
        )
    return table


def _figure(value: float | None, unit: str, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}{unit}"
