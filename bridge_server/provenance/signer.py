"""Signs WAV and FLAC files with C2PA: what was done to the original, by what, sealed with this machine's own key.

C2PA: Content Credentials, technical specification 2.2. In WAV the library appends a chunk `C2PA`, in FLAC it puts an
ID3 tag in front of the stream, as the specification has it; everything else stays as it is. A reader calls such a file
valid, and its signer untrusted: nobody has vouched for a certificate made at home.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from bridge_server.provenance.local_key import local_key
from bridge_server.version import VERSION
from clip_store.atomic_file import temporary_path
from clip_store.audio.flac import start_of
from daw_protocol.errors import ErrorCode, ProtocolError

VALID = ("Valid", "Trusted")
_ORIGINAL = "original"


class FileFormat(Enum):
    """The kinds of file that are signed; the value is the media type, as the library knows it."""

    WAV = "audio/wav"
    FLAC = "audio/flac"

    @property
    def ending(self) -> str:
        """Of such a file's name."""
        return f".{self.name.lower()}"


GET_IT = "Install it with: pip install 'takebridge[provenance]'"


@dataclass(frozen=True)
class Claim:
    """What is said of a file.

    title:       its name.
    source_type: an address in IPTC's vocabulary; "" where nothing was made by a machine, as far as is known.
    original:    the song it was made from; None where there was none.
    steps:       what was done, in order: (program or network, in words).
    """

    title: str
    source_type: str = ""
    original: Path | None = None
    steps: Sequence[tuple[str, str]] = ()


class ProvenanceSigner:
    """Signs files with the key in a folder. For a thread: the original is read, and the file written again."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made before the first file. Raises ProtocolError where the package is missing."""
        self._folder = folder
        self._c2pa = _package()

    def sign(self, path: Path, claim: Claim) -> None:
        """Puts the signed file in the place of the plain one. Raises ProtocolError, OSError."""
        part = temporary_path(path)
        try:
            kind = format_of(path)
            builder = self._c2pa.Builder(json.dumps(manifest(claim, kind)))
            if claim.original is not None:
                about = {
                    "title": f"{claim.title}: the original",
                    "relationship": "parentOf",
                    "instance_id": _ORIGINAL,
                }
                with claim.original.open("rb") as original:
                    known = json.dumps({**about, "label": _ORIGINAL})
                    builder.add_ingredient(known, FileFormat.WAV.value, original)  # a blob of the store
            with path.open("rb") as plain, part.open("x+b") as signed:
                builder.sign(self._signer(), kind.value, plain, signed)
                signed.flush()
                os.fsync(signed.fileno())
            if self.state(part) not in VALID:
                raise _failed(path, "the signed file does not verify")
            os.replace(part, path)
        except self._c2pa.C2paError as error:
            raise _failed(path, str(error)) from error
        finally:
            part.unlink(missing_ok=True)

    def state(self, path: Path) -> str:
        """What a reader says of a signed file: "Valid", "Trusted" or "Invalid". Raises C2paError for a plain one."""
        kind = format_of(path).value
        with path.open("rb") as file, self._c2pa.Reader(kind, file) as reader:
            return str(reader.get_validation_state())

    def _signer(self) -> Any:
        found = local_key(self._folder, time.time())
        info = self._c2pa.C2paSignerInfo(b"es256", found.certificates, found.key, None)
        return self._c2pa.Signer.from_info(info)


def format_of(path: Path) -> FileFormat:
    """By what is in the file: while it is written its name does not say. Raises OSError."""
    with path.open("rb") as file:
        return FileFormat.WAV if start_of(file) is None else FileFormat.FLAC


def manifest(claim: Claim, file: FileFormat = FileFormat.WAV) -> dict[str, Any]:
    """The manifest's definition, as the library reads it."""
    actions: list[dict[str, Any]] = []
    kind = {"digitalSourceType": claim.source_type} if claim.source_type else {}
    if claim.original is not None:
        actions.append({"action": "c2pa.opened", "parameters": {"ingredientIds": [_ORIGINAL]}})
    for number, (program, what) in enumerate(claim.steps):
        action = "c2pa.created" if claim.original is None and number == 0 else "c2pa.edited"
        actions.append({"action": action, "softwareAgent": {"name": program}, "description": what, **kind})
    return {
        "claim_generator_info": [{"name": "Takebridge", "version": VERSION}],
        "title": claim.title,
        "format": file.value,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def _package() -> Any:
    try:
        import c2pa
        import cryptography  # noqa: F401  # local_key needs it, and it comes with the other
    except ImportError as error:
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            "Signing needs the package c2pa-python, which is not installed.",
            GET_IT,
            "sign",
        ) from error
    return c2pa


def _failed(path: Path, why: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"{path.name} could not be signed: {why}.",
        "Export it without signing, or remove the key's folder: a new key is made then.",
    )
