"""`takebridge plan` and `takebridge rewrite`: a song in words, printed and written to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge_server.cli.client import as_error
from bridge_server.cli.commands import DONE, PROBLEM, Screen, follow, progress_bar, some_server
from bridge_server.jobs.replies import plan_in_words
from bridge_server.settings import Settings
from daw_protocol.addresses import Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.replies import Failed
from daw_protocol.results import JobWithTakes


async def write_plan(
    settings: Settings, screen: Screen, command: Command, fields: Mapping[str, Any], out: Path
) -> int:
    """Has a song planned or a prompt rewritten, and writes each blueprint into `out`. Returns the exit status."""
    async with some_server(settings, renders=True) as client:
        with progress_bar(screen) as bar:
            task = bar.add_task("starting", total=1.0)
            try:
                answer = await client.call(command.name, **fields)
            except ProtocolError as refused:
                screen.result({"reply": Failed.name, **Failed.from_error(refused).to_fields()})
                raise
            name, terminal, _ = await follow(client, answer["job"], bar, task)
        if name != "done":
            screen.result({"reply": name, **terminal})
            if name == "failed":
                raise as_error(terminal)
            screen.say("[yellow]Cancelled.[/yellow]")
            return PROBLEM
        job = JobWithTakes.from_stored(await client.call("jobs.show", job=answer["job"]))
    results = []
    for number, found in enumerate(job.blueprints, 1):
        named = f"{job.job}:{number}" if number > 1 else job.job
        path = _written(out / f"blueprint {named.replace(':', ' ')}.json", found)
        show(screen, found)
        screen.say(f"→ {escape(str(path))}")
        screen.say(f"[dim]Render it: takebridge generate --blueprint {named}, or the file, edited.[/dim]")
        results.append({"blueprint": named, "file": str(path), **found.to_fields()})
    screen.result({"reply": name, **terminal, "note": answer.get("note", ""), "results": results})
    return DONE


def show(screen: Screen, found: BlueprintRecord) -> None:
    """Prints a blueprint: its facts, its sections on their bars, and its lyrics."""
    screen.say(escape(plan_in_words(found)))
    for section in found.sections:
        screen.say(f"    section {escape(section.name)}, bars {section.bars}")
    for line in found.lyrics:
        screen.say(f"    {escape(line.text)}")
    if found.fit:
        screen.say(f"    {fit_in_words(found.fit)}")
    for note in found.notes:
        screen.say(f"[dim]{escape(note)}[/dim]")


def fit_in_words(fit: Mapping[str, float]) -> str:
    """How well a plan's codes fit its words: "fit 0.62 (caption 0.71, lyrics 0.48, facts 0.63)"."""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in fit.items() if name != "total")
    return f"fit {fit.get('total', 0):.2f} ({parts})"


def _written(path: Path, found: BlueprintRecord) -> Path:
    """Raises ProtocolError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found.to_fields(), ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{path} cannot be written: {error.strerror}.",
            "Choose another folder.",
        ) from error
    return path


def blueprint_typed(text: str) -> str | dict[str, Any]:
    """The blueprint in a file of this name, or the text itself: a plan's job. Raises ProtocolError."""
    path = Path(text)
    if path.suffix.casefold() != ".json":
        return text
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"blueprint: {text} cannot be read: {error.strerror}.",
            "Name the file that `takebridge plan` wrote, or its job.",
            "blueprint",
        ) from error
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"blueprint: {text} is not valid JSON: {error}.",
            "Correct it there, or plan the song again.",
            "blueprint",
        ) from error
    if not isinstance(found, dict):
        raise ProtocolError(
            ErrorCode.WRONG_TYPE,
            f"blueprint: {text} holds no blueprint.",
            "Name the file that `takebridge plan` wrote, or its job.",
            "blueprint",
        )
    return found
