"""The metadata of a Broadcast WAV: the bext chunk, iXML, and the recipe of the take.

bext: EBU Tech 3285, "Specification of the Broadcast Wave Format", version 2 (2011). iXML: the iXML
specification, 3.01. The recipe is one JSON object and stands twice, as the body of an own chunk `tkbr` and
inside iXML: some programs keep iXML and drop chunks they do not know when they save a file, others the
reverse. `read_recipe` looks in both, and for the names they had when the product was called ACE Bridge: `aceb` and
ACE_BRIDGE_RECIPE. Those are never written.
"""

from __future__ import annotations

import json
import struct
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clip_store.audio.cue_points import CuePoint, cue_chunks
from clip_store.audio.riff import read_chunk
from clip_store.audio.time_stamp import MIN_BEXT
from clip_store.audio.xml_text import allowed, without_entities
from clip_store.audio.xmp import CHUNK as XMP_CHUNK

RECIPE_CHUNK = b"tkbr"
_OLD_RECIPE_CHUNK = b"aceb"

_BEXT = struct.Struct("<256s32s32s10s8sQH64s5h180s")
_VERSION = 2
_NOT_MEASURED = 0x7FFF  # Tech 3285 v2, 2.3: a loudness field that is not used holds 7FFFh
_RECIPE_TAG = "TAKEBRIDGE_RECIPE"
_OLD_RECIPE_TAG = "ACE_BRIDGE_RECIPE"


@dataclass(frozen=True)
class Bext:
    """The fields of a bext chunk that we fill.

    time_reference: position of the first sample on the timeline, in samples at the file's rate.
    date, time:     "yyyy-mm-dd" and "hh:mm:ss", given by the caller; this file asks no clock.

    The standard allows ASCII only: accents are dropped and other letters become "?" on encoding; the text as
    typed stands in iXML. Raises ValueError for a position or date the chunk cannot hold.
    """

    description: str = ""
    originator: str = ""
    originator_reference: str = ""
    date: str = "1970-01-01"
    time: str = "00:00:00"
    time_reference: int = 0
    coding_history: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.time_reference < 1 << 64:
            raise ValueError(f"time_reference must be 0..2**64-1 samples, got {self.time_reference}")
        if len(self.date) != 10 or len(self.time) != 8:
            raise ValueError(f"date, time must look like 2026-01-31, 23:59:59, got {self.date}, {self.time}")


def encode_bext(bext: Bext) -> bytes:
    """The body of a bext chunk, version 2, without UMID and loudness."""
    return _BEXT.pack(
        _ascii(bext.description, 256),
        _ascii(bext.originator, 32),
        _ascii(bext.originator_reference, 32),
        _ascii(bext.date, 10),
        _ascii(bext.time, 8),
        bext.time_reference,
        _VERSION,
        bytes(64),
        *[_NOT_MEASURED] * 5,
        bytes(180),
    ) + _ascii(bext.coding_history, None)


def decode_bext(body: bytes) -> Bext:
    """The inverse of encode_bext, for chunks of any version and of other programs.

    Raises ValueError when the body is too short to have a position.
    """
    if len(body) < MIN_BEXT:
        raise ValueError(f"a bext chunk has at least {MIN_BEXT} bytes, this one {len(body)}")
    fields = _BEXT.unpack_from(body.ljust(_BEXT.size, b"\0"))
    description, originator, reference, date, time = (_text(field) for field in fields[:5])
    return Bext(
        description,
        originator,
        reference,
        date.ljust(10)[:10],
        time.ljust(8)[:8],
        fields[5],
        _text(body[_BEXT.size :]),
    )


def encode_ixml(bext: Bext, recipe: Mapping[str, object], note: str, rate: int) -> bytes:
    """iXML with the position (again), the note as typed and the recipe as JSON in an own element."""
    root = ET.Element("BWFXML")
    _add(root, "IXML_VERSION", "3.01")
    _add(root, "PROJECT", str(recipe.get("title", "")))
    _add(root, "TAKE", str(recipe.get("number", "")))
    _add(root, "NOTE", note)
    speed = ET.SubElement(root, "SPEED")
    _add(speed, "FILE_SAMPLE_RATE", str(rate))
    _add(speed, "TIMESTAMP_SAMPLE_RATE", str(rate))
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", str(bext.time_reference >> 32))
    _add(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", str(bext.time_reference & 0xFFFFFFFF))
    copy = ET.SubElement(root, "BEXT")
    _add(copy, "BWF_DESCRIPTION", bext.description)
    _add(copy, "BWF_ORIGINATOR", bext.originator)
    _add(copy, "BWF_ORIGINATION_DATE", bext.date)
    _add(copy, "BWF_ORIGINATION_TIME", bext.time)
    _add(root, _RECIPE_TAG, _json(recipe))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def metadata_chunks(
    bext: Bext | None,
    recipe: Mapping[str, object] | None,
    note: str,
    rate: int,
    xmp: bytes = b"",
    cues: Sequence[CuePoint] = (),
) -> list[tuple[bytes, bytes]]:
    """The chunks (name, body) for a file, in the order they are written; all of them before the sound.

    xmp: a packet as `encode_xmp` makes it; b"" for none. cues: named places in the sound.
    """
    chunks: list[tuple[bytes, bytes]] = []
    if bext is not None:
        chunks.append((b"bext", encode_bext(bext)))
    if recipe is not None or note:
        chunks.append((b"iXML", encode_ixml(bext or Bext(), recipe or {}, note, rate)))
    if recipe is not None:
        chunks.append((RECIPE_CHUNK, _json(recipe).encode("ascii")))
    if xmp:
        chunks.append((XMP_CHUNK, xmp))
    return [*chunks, *cue_chunks(cues)]


def read_bext(path: Path) -> Bext | None:
    """The bext chunk of a WAV file; None when there is none that can be understood."""
    body = read_chunk(path, b"bext")
    try:
        return None if body is None else decode_bext(body)
    except ValueError:
        return None  # a foreign file's broken note is no reason to refuse its sound


def read_recipe(path: Path) -> dict[str, object] | None:
    """The recipe a take's file carries, from `tkbr` or else from iXML; None when it has neither."""
    for name in (RECIPE_CHUNK, _OLD_RECIPE_CHUNK):
        body = read_chunk(path, name)
        recipe = None if body is None else parse_recipe(body.decode("ascii", "replace"))
        if recipe is not None:
            return recipe
    xml = read_chunk(path, b"iXML")
    return None if xml is None else _recipe_from_ixml(xml)


def _recipe_from_ixml(xml: bytes) -> dict[str, object] | None:
    root = without_entities(xml.rstrip(b"\0"))
    if root is None:
        return None
    text = root.findtext(_RECIPE_TAG) or root.findtext(_OLD_RECIPE_TAG)
    return None if text is None else parse_recipe(text)


def parse_recipe(text: str) -> dict[str, object] | None:
    """The recipe in a text, whatever file that lay in: one JSON object; None where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json(recipe: Mapping[str, object]) -> str:
    """One line of ASCII, the same for the same recipe; other letters as \\u escapes survive any XML tool."""
    return json.dumps(dict(recipe), ensure_ascii=True, sort_keys=True, allow_nan=False)


def _ascii(text: str, length: int | None) -> bytes:
    """Letters without accents, cut and padded with zeros to length bytes (None: as long as it is)."""
    for typed, plain in _PLAIN.items():
        text = text.replace(typed, plain)
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    data = kept.encode("ascii", "replace")
    return data if length is None else data[:length].ljust(length, b"\0")


_PLAIN = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "œ": "oe",
    "ł": "l",
    "Ł": "L",
    "–": "-",
    "—": "-",
}


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii", "replace")


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = allowed(text)
