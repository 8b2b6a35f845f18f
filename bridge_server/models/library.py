"""The folder of models: its content, and whether it is complete. Reads only; downloads.py writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import (
    CATALOGUE,
    Kind,
    Layout,
    ModelFolder,
    Published,
    PublishedFile,
    by_name,
    find_models,
    read_fields,
    read_header,
    v1_models,
)
from model.errors import NotLoaded

RECORD = "takebridge.json"
"""Record in each downloaded folder: its origin, and every file's size and SHA-256."""
OLD_RECORD = "ace-bridge.json"
"""The record of a download made under the product's old name."""
STAGING = ".downloads"
"""Folder where downloads are assembled; nothing in it is a model yet."""
INDEX = "model.safetensors.index.json"
CHUNK_BYTES = 2**22
FOLDERS = {entry.name: entry.folder for entry in CATALOGUE}

OnBytes = Callable[[int], None]


class State(Enum):
    """How a model is there."""

    ABSENT = "not here"
    BEGUN = "download begun"
    HERE = "here"
    DAMAGED = "damaged"  # files are missing or cut short


@dataclass(frozen=True)
class InstalledModel:
    """One model in the folder, or a published one that is not.

    entry: its entry in the catalogue; None for others.
    size:  bytes on disk.
    note:  problems and remarks.
    """

    name: str
    kind: Kind
    path: Path
    state: State
    entry: Published | None = None
    size: int = 0
    note: str = ""


@dataclass(frozen=True)
class Checked:
    """One file, compared with what it should be.

    wrong:   the reason why it cannot be used; "" when it can.
    differs: what should be known of it although it can be used; "" when nothing.
    """

    file: str
    wrong: str = ""
    differs: str = ""


def published(name: str) -> Published:
    """The model of this name in the catalogue. Raises ProtocolError when there is none."""
    entry = by_name(name)
    if entry is None:
        raise ProtocolError(
            ErrorCode.FILE_MISSING, f"No model called {name!r} is published.", names_there_are(), "name"
        )
    return entry


def names_there_are() -> str:
    return f"Published are: {', '.join(entry.name for entry in CATALOGUE)}."


# --- content ------------------------------------------------------------------------------------------


def look(models: Path) -> list[InstalledModel]:
    """Every published model and every other one in the folder; published ones first."""
    published = [installed_models(models, entry) for entry in CATALOGUE]
    known = {one.path for one in published}
    others = [one for one in _others(models) if one.path not in known]
    return published + others


def installed_models(models: Path, entry: Published) -> InstalledModel:
    """How one published model is there."""
    path = models / entry.folder
    # ComfyUI has a folder called vae too, with other files in it.
    if not any((path / name).exists() for name in (RECORD, OLD_RECORD, *(file.name for file in entry.files))):
        begun = _size(models / STAGING / entry.folder)
        return InstalledModel(
            entry.name, entry.kind, path, State.BEGUN if begun else State.ABSENT, entry, begun
        )
    wrong = [f"{checked.file}: {checked.wrong}" for checked in quick_check(path, entry) if checked.wrong]
    lacking = [need for need in entry.needs if not (models / FOLDERS[need]).is_dir()]
    state = State.DAMAGED if wrong else State.HERE
    note = "; ".join(wrong) or (f"cannot work without {' and '.join(lacking)}" if lacking else "")
    return InstalledModel(entry.name, entry.kind, path, state, entry, _size(path), note)


def _others(models: Path) -> Iterator[InstalledModel]:
    """Models of other names or layouts, and single files; the folder may itself be one model's, or one file."""
    if models.is_dir():
        folders = [path for path in sorted(models.iterdir()) if path.is_dir() and path.name != STAGING]
        for folder in (models, *folders):
            yield from _model_in(folder)
    yield from _single_files(models)
    yield from _single_v1(models)


def _single_files(models: Path) -> Iterator[InstalledModel]:
    """Music models as ComfyUI keeps them."""
    try:
        found = [model for model in find_models(models) if model.layout is Layout.COMFYUI]
    except NotLoaded:
        return  # of a broken folder, which is reported for that folder
    for model in found:
        size = model.path.stat().st_size
        state = State.DAMAGED if model.damage else State.HERE
        yield InstalledModel(model.name, Kind.MUSIC, model.path, state, None, size, in_words(model))


def _single_v1(models: Path) -> Iterator[InstalledModel]:
    """ACE-Step v1 as ComfyUI has it: one file."""
    for one in v1_models(models):
        size = one.path.stat().st_size
        lacking = f"; missing {' and '.join(one.missing)}" if one.missing else ""
        yield InstalledModel(
            one.name, Kind.MUSIC, one.path, State.HERE, None, size, f"ACE-Step v1, ComfyUI layout{lacking}"
        )


def _model_in(folder: Path) -> Iterator[InstalledModel]:
    """The model whose own folder this is, if it is one."""
    try:
        found = [model for model in find_models(folder) if model.path == folder]
        wrong = (
            [f"{one.file}: {one.wrong}" for one in quick_check(folder, None) if one.wrong] if found else []
        )
    except NotLoaded as broken:
        # A broken config further in is reported for its own folder.
        if broken_config_in(folder):
            yield InstalledModel(
                folder.name, Kind.MUSIC, folder, State.DAMAGED, None, _size(folder), str(broken)
            )
        return
    for model in found:
        state = State.DAMAGED if wrong else State.HERE
        note = "; ".join(wrong) or in_words(model)
        yield InstalledModel(model.name, Kind.MUSIC, folder, state, None, _size(folder), note)


def broken_config_in(folder: Path) -> bool:
    try:
        return not read_fields(folder / "config.json")
    except NotLoaded:
        return (folder / "config.json").is_file()


def in_words(model: ModelFolder) -> str:
    """The kind of model, and which parts are missing."""
    missing = model.what_is_missing()
    size = "XL, " if model.traits.xl else ""
    return f"{size}{model.variant.value}, {model.layout.value} layout" + (
        f"; {missing[0]}" if missing else ""
    )


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0


# --- whether it is whole ------------------------------------------------------------------------------


def quick_check(folder: Path, entry: Published | None) -> list[Checked]:
    """Checks without reading the weights: all files exist and none is truncated."""
    recorded = bool(read_record(folder))
    return [_compare(folder, file, None, recorded) for file in expected_files(folder, entry)]


def full_check(folder: Path, entry: Published | None, on_bytes: OnBytes) -> Iterator[Checked]:
    """Compares every file with its record or with the published one; reads every byte."""
    if folder.is_file():
        yield _check_single(folder, on_bytes)
        return
    recorded = bool(read_record(folder))
    for file in expected_files(folder, entry):
        path = folder / file.name
        digest = sha256_of(path, on_bytes) if path.is_file() and file.sha256 else None
        yield _compare(folder, file, digest, recorded)


def _check_single(file: Path, on_bytes: OnBytes) -> Checked:
    """One of ComfyUI's files: a music model there is the published file under another name."""
    checked = _compare(file.parent, PublishedFile(file.name), None, recorded=False)
    if checked.wrong:
        return checked
    digest = sha256_of(file, on_bytes)
    known = tuple(one.sha256 for entry in CATALOGUE for one in entry.files if one.sha256)
    if digest.startswith(known):
        return checked
    return Checked(file.name, differs=f"whole; its sha256 ({digest[:8]}…) is none that is known here")


def expected_files(folder: Path, entry: Published | None) -> list[PublishedFile]:
    """The files that should be in a folder: by its record, else by the catalogue, else those that are there."""
    recorded = read_record(folder)
    if recorded:
        files = [PublishedFile(name, about["size"], about["sha256"]) for name, about in recorded.items()]
    elif entry is not None:
        files = _as_cut_here(folder, entry.files)
    else:
        files = []
    listed = {file.name for file in files}
    others = {path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")} | set(
        _shards(folder)
    )
    return files + [PublishedFile(name) for name in sorted(others - listed)]


def _as_cut_here(folder: Path, published: tuple[PublishedFile, ...]) -> list[PublishedFile]:
    """The published files, less the weights where this folder has them in one file or in other shards."""
    shards = _shards(folder)
    if shards:
        return [file for file in published if not file.name.endswith(".safetensors") or file.name in shards]
    if (folder / "model.safetensors").is_file():
        return [file for file in published if file.name != INDEX and "-of-" not in file.name]
    return list(published)


def read_record(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """File name -> size and sha256 as downloaded; empty without a record."""
    record = folder / RECORD
    try:
        files = read_fields(record if record.is_file() else folder / OLD_RECORD).get("files")
    except NotLoaded:
        return {}
    if not isinstance(files, dict):
        return {}
    return {
        name: about
        for name, about in files.items()
        if isinstance(about, dict) and {"size", "sha256"} <= about.keys() and _is_inside(name)
    }


def _is_inside(name: str) -> bool:
    """Whether a file's name leads nowhere but into its model's folder, on every system."""
    return not set("\\:") & set(name) and not {"", ".", ".."} & set(name.split("/"))


def record_text(repository: str, revision: str, files: Mapping[str, Mapping[str, Any]]) -> str:
    return json.dumps({"repository": repository, "revision": revision, "files": files}, indent=1) + "\n"


def sha256_of(path: Path, on_bytes: OnBytes = lambda _count: None) -> str:
    """The file's digest, in hexadecimal. on_bytes gets the number of bytes read since its last call."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def _shards(folder: Path) -> list[str]:
    """Files an index names, each in the folder itself."""
    try:
        shards = read_fields(folder / INDEX).get("weight_map")
    except NotLoaded:
        return []
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    return [name for name in names if Path(name).name == name]


def _compare(folder: Path, file: PublishedFile, digest: str | None, recorded: bool) -> Checked:
    path = folder / file.name
    if not path.is_file():
        return Checked(file.name, wrong="missing")
    if path.suffix == ".safetensors":
        try:
            read_header(path)
        except (NotLoaded, OSError) as broken:
            return Checked(file.name, wrong=str(broken))
    elif path.suffix == ".json":
        try:
            json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as broken:
            return Checked(file.name, wrong=f"not readable: {broken}")
    return _compare_figures(path, file, digest, recorded)


def _compare_figures(path: Path, file: PublishedFile, digest: str | None, recorded: bool) -> Checked:
    """Against size and digest. Without a record, another size may be a user's own version, not damage."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        text = f"{size} bytes instead of {file.size}"
        if recorded:
            return Checked(file.name, wrong=text)
        return Checked(file.name, differs=f"whole, but not the published file ({text})")
    if digest is not None and not digest.startswith(file.sha256):
        return Checked(file.name, wrong=f"its sha256 is {digest[:8]}… instead of {file.sha256[:8]}…")
    return Checked(file.name)
