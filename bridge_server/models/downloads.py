"""Models from the hub into the folder of models. What has not come whole and right is never in a model's folder.

Files are fetched into a staging folder beside the models, each under a name that ends in .part, and compared with the
size and digest the hub states; a complete folder is moved into place in one step. What was fetched stays when a
download stops, and the next one goes on from there. The library's own download would begin each file anew.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridge_server.engines.registry import MODELS_ENGINE
from bridge_server.models.hub_errors import explained
from bridge_server.models.library import RECORD, STAGING, OnBytes, record_text, sha256_of
from bridge_server.version import VERSION
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Published, is_wanted
from model.whole_file import whole_file

HUB_SECONDS = 20.0  # how long the hub may take to say what it has
SHA256_DIGITS = 64
SPARE_BYTES = 2**28  # kept free: a full disk stops more than a download
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")

OnFile = Callable[[str], None]


@dataclass(frozen=True)
class HubFile:
    """One file as the hub states it.

    path:   in the repository; name: in the model's folder.
    sha256: of large files, or its first digits; git: the hub's digest of small ones, which are stored in git itself.
    """

    path: str
    name: str
    size: int
    sha256: str
    git: str

    @property
    def digest(self) -> str:
        return self.sha256 or self.git

    def is_it(self, path: Path, on_bytes: OnBytes) -> bool:
        """Whether the file at `path` is this one, to the byte."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        found = sha256_of(path, on_bytes) if self.sha256 else git_digest(path)
        return found.startswith(self.digest)


def git_digest(path: Path) -> str:
    """The SHA-1 under which git keeps a file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Listing:
    """What the hub has of one published model, at one revision."""

    entry: Published
    revision: str
    files: tuple[HubFile, ...]


@dataclass(frozen=True)
class Download:
    """The missing files of one model."""

    listing: Listing
    missing: tuple[HubFile, ...]
    size: int  # bytes still to come


class Hub:
    """The place models are published at. endpoint, token: None = what huggingface-hub itself is set to."""

    def __init__(self, endpoint: str | None = None, token: str | bool | None = None) -> None:
        self._endpoint = endpoint
        self._token = token
        prepare_library()

    def listing(self, entry: Published) -> Listing:
        """Asks for the files of a model. Raises ProtocolError when the hub cannot be asked or lacks some."""
        if entry.address:
            return _listing_elsewhere(entry)
        from huggingface_hub import HfApi

        with explained(entry):
            info = HfApi(
                endpoint=self._endpoint, token=self._token, library_name="takebridge", library_version=VERSION
            ).model_info(entry.repository, files_metadata=True, timeout=HUB_SECONDS)
        files = tuple(_wanted_files(entry, info.siblings or ()))
        lacking = sorted({file.name for file in entry.files} - {file.name for file in files})
        if lacking:
            raise ProtocolError(
                ErrorCode.FILE_MISSING,
                f"{entry.repository} no longer has {', '.join(lacking)} of {entry.name}.",
                "Update Takebridge: the model is now published in another form.",
            )
        return Listing(entry, str(info.sha), files)

    def fetch(self, listing: Listing, file: HubFile, part: Path, on_bytes: OnBytes) -> None:
        """Fetches the rest of a file into `part`. Raises ProtocolError; what has come by then stays there."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        address = listing.entry.address or hf_hub_url(
            listing.entry.repository, file.path, revision=listing.revision, endpoint=self._endpoint
        )
        # The hub's token is for the hub only.
        token = False if listing.entry.address else self._token
        headers = build_hf_headers(token=token, library_name="takebridge", library_version=VERSION)
        # A range counts the bytes of the file, not of its compressed form.
        headers["Accept-Encoding"] = "identity"
        with explained(listing.entry), CountingFile(part, on_bytes) as target:
            http_get(
                address, target, resume_size=target.begin, headers=headers, expected_size=file.size,
                displayed_filename=file.name,
            )  # fmt: skip
            target.flush()
            os.fsync(target.fileno())


def _listing_elsewhere(entry: Published) -> Listing:
    """Of a model that is one file outside the hub, with a known size and digest."""
    (file,) = entry.files
    assert file.size is not None, entry
    assert file.sha256, entry
    return Listing(entry, "", (HubFile(file.name, file.name, file.size, file.sha256, ""),))


def prepare_library() -> None:
    """Makes huggingface-hub, which only the extra brings along, quiet. Raises ProtocolError without it."""
    try:
        from huggingface_hub import constants
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
    except ImportError as missing:
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            "Downloading models needs the package huggingface-hub, which is not installed.",
            f"{MODELS_ENGINE.install}, or copy the folders of the official application and name them with --models.",
        ) from missing
    # No telemetry: it would also ask a server which program we run in.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    disable_progress_bars()


def _wanted_files(entry: Published, siblings: Any) -> Iterator[HubFile]:
    prefix = f"{entry.subfolder}/" if entry.subfolder else ""
    listed = {file.name for file in entry.files}
    for sibling in siblings:
        name = sibling.rfilename.removeprefix(prefix)
        if not sibling.rfilename.startswith(prefix):
            continue
        # Files listed one by one may be of any kind, and in folders: whoever listed them knows what reads them.
        if not (PLAIN_NAME.fullmatch(name) and is_wanted(name) if entry.whole else name in listed):
            continue
        sha256 = sibling.lfs.sha256 if sibling.lfs else ""
        yield HubFile(sibling.rfilename, name, int(sibling.size), sha256, str(sibling.blob_id))


class CountingFile(io.BufferedWriter):
    """The .part file, opened at its end; reports the bytes it gets.

    begin: how many it had.
    """

    def __init__(self, path: Path, on_bytes: OnBytes) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self.begin = self.tell()
        self._on_bytes = on_bytes

    def write(self, data: Any) -> int:
        count = super().write(data)
        self._on_bytes(count)
        return count

    def truncate(self, size: int | None = None) -> int:
        """The hub starts over when it cannot resume."""
        self.flush()
        self._on_bytes(-os.fstat(self.fileno()).st_size)
        length = super().truncate(size)
        self._on_bytes(length)
        return length


# --- pulling ------------------------------------------------------------------------------------------


def download(listing: Listing, models: Path, on_bytes: OnBytes = lambda _count: None) -> Download:
    """The missing files of a model. Reads existing ones to the last byte, so damaged files are repaired too."""
    folder, staging = _folders(listing.entry, models)
    with explained(listing.entry):
        missing = tuple(file for file in listing.files if not file.is_it(folder / file.name, on_bytes))
        come = sum(min(file.size, _come_so_far(staging, file)) for file in missing)
    return Download(listing, missing, sum(file.size for file in missing) - come)


def _come_so_far(staging: Path, file: HubFile) -> int:
    return _size_of(staging / file.name) or _size_of(_part(staging, file))


def refuse_without_room(orders: list[Download], models: Path) -> int:
    """Free bytes in the models folder. Raises ProtocolError when the downloads would not fit."""
    place = next(folder for folder in (models, *models.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    needed = sum(one.size for one in orders) + SPARE_BYTES
    if needed > free:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{needed / 1e9:.1f} GB needed in {models}, {free / 1e9:.1f} GB free.",
            "Free some space, or name a folder on another disk with --models.",
        )
    return free


@dataclass
class TransferMeter:
    """Callbacks for a download's progress: the current file, and bytes received; a negative count takes some back."""

    on_file: OnFile = field(default=lambda _name: None)
    on_bytes: OnBytes = field(default=lambda _count: None)


def carry_out(hub: Hub, what: Download, models: Path, meter: TransferMeter) -> Path:
    """Downloads a model's missing files and puts them in place; returns its folder. Raises ProtocolError."""
    entry = what.listing.entry
    folder, staging = _folders(entry, models)
    with explained(entry):
        staging.mkdir(parents=True, exist_ok=True)
        lock = FileLock(staging.with_name(f"{staging.name}.lock"))
    try:
        with lock.acquire(timeout=0):
            for file in what.missing:
                _fetch_whole(hub, what.listing, file, staging, meter)
            with explained(entry):
                _put_in_place(what.listing, staging, folder)
    except Timeout as taken:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"{entry.name} is already being downloaded.",
            "Wait for that download to end.",
        ) from taken
    return folder


def _fetch_whole(hub: Hub, listing: Listing, file: HubFile, staging: Path, meter: TransferMeter) -> None:
    """One file into staging, under its own name only when it is the one the hub stated."""
    meter.on_file(file.name)
    if file.is_it(staging / file.name, lambda _count: None):
        return
    part = _part(staging, file)
    with explained(listing.entry):
        part.parent.mkdir(parents=True, exist_ok=True)
    if _size_of(part) > file.size:
        part.unlink()
    _fetch_while_it_comes(hub, listing, file, part, meter.on_bytes)
    meter.on_file(f"checking {file.name}")
    if not file.is_it(part, lambda _count: None):
        part.unlink(missing_ok=True)
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE,
            f"{file.name} of {listing.entry.name} arrived damaged (its digest differs from the hub's) and was "
            "removed.",
            "Try again. If it happens twice, a proxy or virus scanner may be changing downloads.",
        )
    part.replace(staging / file.name)


def _fetch_while_it_comes(hub: Hub, listing: Listing, file: HubFile, part: Path, on_bytes: OnBytes) -> None:
    """Resumes after a broken connection, as long as every try makes progress."""
    while True:
        begin = _size_of(part)
        try:
            hub.fetch(listing, file, part, on_bytes)
            return
        except ProtocolError as broken:
            # Full disks and refused access are reported at once.
            if broken.code is not ErrorCode.FILE_UNREADABLE or not begin < _size_of(part) <= file.size:
                raise


def _put_in_place(listing: Listing, staging: Path, folder: Path) -> None:
    """The staged files into the model's folder: as a whole when there is none, else each over the one it replaces."""
    if folder.is_dir():
        for file in listing.files:
            if (staging / file.name).is_file():
                (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
                (staging / file.name).replace(folder / file.name)
        _write_record(listing, folder)
        shutil.rmtree(staging)
        return
    for left in staging.rglob("*.part"):  # of an earlier revision
        left.unlink()
    _write_record(listing, staging)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging.replace(folder)


def _write_record(listing: Listing, folder: Path) -> None:
    about = {file.name: {"size": file.size, "sha256": _whole_digest(file, folder)} for file in listing.files}
    with whole_file(folder / RECORD, folder / f"{RECORD}.part") as file:
        file.write(record_text(listing.entry.repository, listing.revision, about).encode())


def _whole_digest(file: HubFile, folder: Path) -> str:
    return file.sha256 if len(file.sha256) == SHA256_DIGITS else sha256_of(folder / file.name)


def _folders(entry: Published, models: Path) -> tuple[Path, Path]:
    """Where a model goes, and where it is put together."""
    return models / entry.folder, models / STAGING / entry.folder


def _part(staging: Path, file: HubFile) -> Path:
    """Named by digest too, so that nothing is ever added to a part of another version."""
    return staging / f"{file.name}.{file.digest[:12]}.part"


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
