"""`takebridge models`: what there is, fetching it, checking it, and where it is."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen
from bridge_server.cli.console import ListTable
from bridge_server.cli.halve import halve, unhalve
from bridge_server.cli.model_screen import chosen_models, gigabytes, transfer_bar
from bridge_server.models.downloads import (
    Download,
    Hub,
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
from model.checkpoints import (
    Kind,
    Published,
    check_networks,
    half_copy_place,
    with_needs,
    wrong_in_half_copy,
)

PULL_TURBO = "takebridge models pull turbo"


def run_models(
    screen: Screen, models: Path, action: str, names: Sequence[str], hub: Callable[[], Hub] = Hub
) -> int:
    """One of list, pull, verify, path, halve and unhalve. Returns the exit status; raises ProtocolError."""
    if action == "list":
        return list_models(screen, models)
    if action == "pull":
        return pull(screen, models, names, hub)
    if action == "verify":
        return verify(screen, models, names)
    if action in ("halve", "unhalve"):
        return (halve if action == "halve" else unhalve)(screen, models, names)
    return print_path(screen, models, names)


# --- list and path ------------------------------------------------------------------------------------


def list_models(screen: Screen, models: Path) -> int:
    """Every published model, whether it is there, and what else the folder holds."""
    found = look(models)
    screen.result([_fields(one) for one in found])
    table = ListTable("name", "", "size", "there", "what it is", whole=("size", "there"))
    for one in found:
        about = one.note or (one.entry.about if one.entry else "")
        licence = f"[dim]licence: {escape(one.entry.licence)}[/dim]" if one.entry else ""
        half = _half_copy_bytes(one)
        copy = f"also in half precision: {gigabytes(half)}" if half else ""
        told = "\n".join(filter(None, (escape(about), copy, licence)))
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
        "half_copy_bytes": _half_copy_bytes(one),
        "published_bytes": one.entry.size if one.entry else None,
        "repository": one.entry.repository if one.entry else None,
        "licence": one.entry.licence if one.entry else None,
        "needs": list(one.entry.needs) if one.entry else [],
        "note": one.note,
    }


def _half_copy_bytes(one: InstalledModel) -> int:
    """Bytes of its transformer's copy in half precision; 0 = there is none."""
    place = half_copy_place(one.path)
    return place.stat().st_size if one.kind is Kind.MUSIC and place.is_file() else 0


def _size_in_words(one: InstalledModel) -> str:
    """Bytes on disk, or about what they will be."""
    if one.state is State.ABSENT and one.entry:
        return f"~{gigabytes(one.entry.size)}"
    return gigabytes(one.size)


def _state(one: InstalledModel) -> str:
    colour = {State.HERE: "green", State.DAMAGED: "red", State.BEGUN: "yellow"}.get(one.state, "dim")
    return f"[{colour}]{one.state.value}[/{colour}]"


def print_path(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """The folder of models, or of each model named; alone on its line, for scripts."""
    paths = [one.path for one in chosen_models(models, names)] if names else [models]
    screen.result([str(path) for path in paths])
    for path in paths if not screen.as_json else ():
        print(path)
    return DONE


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
        with transfer_bar(screen, sum(one.size for one in orders)) as meter:
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
    with transfer_bar(screen, None) as meter:
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


# --- verify -------------------------------------------------------------------------------------------


def verify(screen: Screen, models: Path, names: Sequence[str]) -> int:
    """Reads every byte of the models named, or of all: sizes, digests, and that the tensors are the networks'."""
    chosen = chosen_models(models, names) if names else [one for one in look(models) if _can_be_verified(one)]
    results = []
    # Tensors are compared in a separate process, started when needed: networks never live in this one.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as child:
        for one in chosen:
            with transfer_bar(screen, one.size) as meter:
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
        wrong, differs = _check_tensors(one, child)
        yield Checked("tensors", wrong, differs)
        if _half_copy_bytes(one) and not wrong and not differs:
            yield Checked(half_copy_place(one.path).name, _asked(child, wrong_in_half_copy, one))


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
    return _asked(child, check_networks, one, one.kind), ""


def _asked(child: Executor, question: Callable[..., str], one: InstalledModel, *more: Kind) -> str:
    try:
        return child.submit(question, one.path, *more).result()
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
    if wrong and wrong[0].file == half_copy_place(one.path).name:  # looked at only where all else is whole
        screen.say(f"    Repair: takebridge models unhalve {escape(one.name)}")
        screen.say(f"    and then: takebridge models halve {escape(one.name)}")
    elif wrong and one.entry:
        screen.say(f"    Repair: takebridge models pull {one.entry.name}")
