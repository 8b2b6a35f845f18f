"""What the commands about models share on the screen: which are meant, sizes, and a bar for bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from bridge_server.cli.commands import Screen
from bridge_server.models.downloads import TransferMeter
from bridge_server.models.library import InstalledModel, State, look, names_there_are
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import by_name


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e7 else f"{size / 1e6:.2f} MB"


def chosen_models(models: Path, names: Sequence[str]) -> list[InstalledModel]:
    """The models of these names that are there. Raises ProtocolError for one that is not."""
    found = look(models)
    return [_the_one(found, models, name) for name in names]


def _the_one(found: list[InstalledModel], models: Path, name: str) -> InstalledModel:
    entry = by_name(name)
    for one in found:
        if one.state in (State.HERE, State.DAMAGED) and (
            one.entry is entry if entry else one.name.lower() == name.lower()
        ):
            return one
    if entry is None:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"There is no model called {name!r} in {models}.",
            names_there_are(),
            "name",
        )
    raise ProtocolError(
        ErrorCode.FILE_MISSING,
        f"{entry.name} is not in {models}.",
        f"takebridge models pull {entry.name}",
        "name",
    )


@contextmanager
def transfer_bar(screen: Screen, total: int | None) -> Iterator[TransferMeter]:
    """A bar on the screen, and what moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with screen.bar(*columns) as progress:
        task = progress.add_task("", total=total)
        yield TransferMeter(
            on_file=lambda name: progress.update(task, description=escape(name)),
            on_bytes=lambda count: progress.update(task, advance=count),
        )
