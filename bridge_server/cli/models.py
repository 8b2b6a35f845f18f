"""`takebridge models`: what there is, fetching it, checking it, and where it is."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen
from bridge_server.models.downloads import (
    Download,
    Hub,
    TransferMeter,
    carry_out,
    download,
    refuse_without_room,
)
from bridge_server.models.library import (
    Checked,
    InstalledModel,
    OnBytes,
    State,
    full_check,
    look,
    names_there_are,
    published,
)
from bridge_server.version import version_of
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Kind, Published, by_name, check_networks, with_needs

PULL_TURBO = "takebridge models pull turbo"


def run_models(
    screen: Screen, models: Path, action: str, names: Sequence[str], hub: Callable[[], Hub] = Hub
) -> int:
    """One of list, pull, verify and path. Returns the exit status; raises ProtocolError."""
    if action == "list":
        return list_models(screen, models)
    if action == "pull":
        return pull(screen, models, names, hub)
    if action == "verify":
        return verify(screen, models, names)
    return print_path(screen, models, names)


# --- list and path ------------------------------------------------------------------------------------


def list_models(screen: Screen, models: Path) -> int:
    """Every published model, whether it is there, and what else the folder holds."""
    found = look(models)
    screen.result([_fields(one) for one in found])
    table = Table("name", "", "size", "there", "what it is", box=None)
    for one in found:
        about = one.note or (one.entry.about if one.entry else "")
        licence = f"[dim]licence: {escape(one.entry.licence)}[/dim]" if one.entry else ""
        told = "\n".join(filter(None, (escape(about), licence)))
        table.add_row(escape(one.name), one.kind.value, _size_in_words(one), _state(one), told)
    if not screen.as_json:
        screen.say(f"Models in {escape(str(models))}:")
        screen.console.print(table)
        if not any(one.state is State.HERE for one in found):
            screen.say(f"None is here yet; begin with: {PULL_TURBO}")
    return DONE


def _fields(one: InstalledModel) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind.value,
        "state": one.state.name.lower(),
        "path": str(one.path),
        "bytes": one.size,
        "published_bytes": one.entry.size if one.entry else None,
        "repository": one.entry.repository if one.entry else None,
        "licence": one.entry.licence if one.entry else None,
        "needs": list(one.entry.needs) if one.entry else [],
        "note": one.note,
    }


def _size_in_words(one: InstalledModel) -> str:
    """Bytes on disk, or about what they will be."""
    if one.state is State.ABSENT and one.entry:
        return f"~{gigabytes(one.entry.size)}"
    return gigabytes(one.size)


def _state(one: InstalledModel) -> str:
    colour = {State.HERE: "green", State.DAMAGED: "red", State.BEGUN: "yellow"}.get(one.state, "dim")
    return f"[{colour}]{one.state.value}[/{colour}]"


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e7 else f"{size / 1e6:.2f} MB"


def print_path(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """The folder of models, or of each model named; alone on its line, for scripts."""
    paths = [one.path for one in _chosen(models, names)] if names else [models]
    screen.result([str(path) for path in paths])
    for path in paths if not screen.as_json else ():
        print(path)
    return DONE


def _chosen(models: Path, names: Sequence[str]) -> list[InstalledModel]:
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


# --- pull ---------------------------------------------------------------------------------------------


def pull(screen: Screen, models: Path, names: Sequence[str], hub: Callable[[], Hub]) -> int:
    """Downloads models and their dependencies; prints sizes and free space first. Raises ProtocolError."""
    entries = tuple(published(name) for name in names)
    if not entries:
        raise ProtocolError(ErrorCode.MISSING_FIELD, "Name what to pull.", names_there_are(), "name")
    source = hub()
    try:
        orders = _ordered(screen, source, tuple(with_needs(entries)), models)
        _announce(screen, orders, models)
        with _bar(screen, sum(one.size for one in orders)) as meter:
            folders = [carry_out(source, one, models, meter) for one in orders if one.missing]
    except KeyboardInterrupt:
        screen.say("Stopped. Downloaded data is kept; run the command again to resume.")
        return INTERRUPTED
    for folder in folders:
        screen.say(f"[green]✓[/green] {escape(str(folder))}")
    screen.result([{"name": one.listing.entry.name, "fetched_bytes": one.size} for one in orders])
    return DONE


def _ordered(screen: Screen, source: Hub, entries: tuple[Published, ...], models: Path) -> list[Download]:
    """The hub's files minus the existing ones, which are read to check them."""
    listings = [source.listing(entry) for entry in entries]
    with _bar(screen, None) as meter:
        orders = []
        for listing in listings:
            meter.on_file(f"looking at {listing.entry.name}")
            orders.append(download(listing, models, meter.on_bytes))
    return orders


def _announce(screen: Screen, orders: list[Download], models: Path) -> None:
    """Sizes up front. Raises ProtocolError when there is no room."""
    for one in orders:
        entry = one.listing.entry
        if one.missing:
            screen.say(f"{entry.name}: {gigabytes(one.size)} to fetch from {entry.repository}")
            screen.say(f"    licence of the weights: {escape(entry.licence)} ({entry.page})")
            if entry.gated:
                screen.say("    accept it on that page, and sign in here with: hf auth login")
        else:
            screen.say(f"{entry.name}: here already, and whole")
    if any(one.missing for one in orders):
        free = refuse_without_room(orders, models)
        total = gigabytes(sum(one.size for one in orders))
        screen.say(f"{total} in all, into {escape(str(models))} ({gigabytes(free)} free)")


@contextmanager
def _bar(screen: Screen, total: int | None) -> Iterator[TransferMeter]:
    """A bar on the screen, and what moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen.console, disable=screen.as_json, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield TransferMeter(
            on_file=lambda name: progress.update(task, description=escape(name)),
            on_bytes=lambda count: progress.update(task, advance=count),
        )


# --- verify -------------------------------------------------------------------------------------------


def verify(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """Reads every byte of the models named, or of all: sizes, digests, and that the tensors are the networks'."""
    chosen = _chosen(models, names) if names else [one for one in look(models) if _can_be_verified(one)]
    results = []
    # Tensors are compared in a separate process, started when needed: networks never live in this one.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as child:
        for one in chosen:
            with _bar(screen, one.size) as meter:
                meter.on_file(f"reading {one.name}")
                checked = list(_checked(one, child, meter.on_bytes))
            results.append((one, checked))
            _print_checked(screen, one, checked)
    if not chosen:
        screen.say(f"There is no model in {escape(str(models))}; begin with: {PULL_TURBO}")
    screen.result(
        [
            {**_fields(one), "files": [vars(file) for file in checked], "sound": not _wrong(checked)}
            for one, checked in results
        ]
    )
    return PROBLEM if any(_wrong(checked) for _, checked in results) else DONE


def _can_be_verified(one: InstalledModel) -> bool:
    return one.state in (State.HERE, State.DAMAGED)


def _checked(one: InstalledModel, child: Executor, on_bytes: OnBytes) -> Iterator[Checked]:
    checked = list(full_check(one.path, one.entry, on_bytes))
    yield from checked
    if not _wrong(checked):
        yield Checked("tensors", *_check_tensors(one, child))


def _check_tensors(one: InstalledModel, child: Executor) -> tuple[str, str]:
    """Problems with the names and shapes of its tensors, and what could not be checked."""
    if one.kind in (Kind.PLANNER, Kind.TOKENIZER, Kind.LISTENER, Kind.WORDS):
        return "", ""  # read when it plans or listens; the tokenizer has no tensors
    library = "demucs" if one.kind is Kind.STEMS else "transformers"
    missing = [name for name in ("torch", library) if version_of(name) is None]
    if missing:
        return "", f"not compared with the networks: {' and '.join(missing)} not installed"
    if one.kind is Kind.OTHER_MUSIC:
        return "", ""  # its library compares them when it loads them
    try:
        return child.submit(check_networks, one.path, one.kind).result(), ""
    except BrokenExecutor as died:
        raise ProtocolError(
            ErrorCode.ENGINE_DIED,
            f"The process that looked at {one.name} died; perhaps memory ran out.",
            "Close other programs and run the command again.",
        ) from died


def _wrong(checked: list[Checked]) -> list[Checked]:
    return [file for file in checked if file.wrong]


def _print_checked(screen: Screen, one: InstalledModel, checked: list[Checked]) -> None:
    wrong = _wrong(checked)
    screen.say(
        f"{'[red]✗[/red]' if wrong else '[green]✓[/green]'} {escape(one.name)} ({escape(str(one.path))})"
    )
    for file in checked:
        if file.wrong:
            screen.say(f"    [red]{escape(file.file)}: {escape(file.wrong)}[/red]")
        elif file.differs:
            screen.say(f"    {escape(file.file)}: {escape(file.differs)}")
    if wrong and one.entry:
        screen.say(f"    Repair: takebridge models pull {one.entry.name}")
