"""XMP packets in sound files: what kind of source the sound has, beside whatever a producer's file said already.

XMP: ISO 16684-1; in WAV and RF64 the packet is the body of the chunk `_PMX` (XMP specification, part 3). FLAC has no
place of its own for it: the chunk stands in an APPLICATION block `riff` (RFC 9639, 8.4 and its registry), where
FLAC's own tools keep the chunks of a WAV file. The property is IPTC's DigitalSourceType.

A packet that a song came with is kept: ours is one more description in it, and only what ours says is replaced.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.dom import minidom

from clip_store.audio import flac
from clip_store.audio.riff import is_riff, walk
from clip_store.audio.xml_text import allowed, without_entities

CHUNK = b"_PMX"
MAX_XMP = 1 << 18
"""Bytes of a packet that is kept; longer ones carry pictures, and are left where they are."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
BASIC = "http://ns.adobe.com/xap/1.0/"
_META = "adobe:ns:meta/"
_XMLNS = "http://www.w3.org/2000/xmlns/"

_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = '\n<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="{_META}"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'

_SOURCE_TYPE = (IPTC, "Iptc4xmpExt", "DigitalSourceType")
_SYSTEM = (IPTC, "Iptc4xmpExt", "AISystemUsed")
_TOOL = (BASIC, "xmp", "CreatorTool")


@dataclass(frozen=True)
class SourceMark:
    """What a packet says of how a sound came about; "" for what it does not say.

    source_type: an address in IPTC's vocabulary; system: the AI system used; tool: the program that wrote the sound.
    """

    source_type: str = ""
    system: str = ""
    tool: str = ""


def encode_xmp(mark: SourceMark, foreign: str = "") -> bytes:
    """A packet with the mark, in UTF-8. foreign: the packet of the song this sound was made from; what it says
    otherwise stays, the AI systems it names too, and one that cannot be read is left out. Equal marks give equal bytes.
    """
    before = decode_xmp(foreign)
    system = ", ".join(dict.fromkeys(one for one in (before.system, mark.system) if one))
    if before.system and mark.system in before.system:
        system = before.system
    document = minidom.parseString(_readable(foreign) or _EMPTY)  # entities were refused before
    (rdf,) = document.getElementsByTagNameNS(RDF, "RDF")[:1]
    values = {_SOURCE_TYPE: mark.source_type, _SYSTEM: system, _TOOL: mark.tool or before.tool}
    for name in values:
        _remove(rdf, name)
    rdf.appendChild(_description(document, values))
    root = document.documentElement
    assert root is not None, "it was parsed"
    return (_HEAD + root.toxml() + _TAIL).encode("utf-8")


def decode_xmp(packet: str) -> SourceMark:
    """What a packet says, in any of the forms RDF allows; an empty mark where it says nothing or is none."""
    text = _readable(packet)
    if not text:
        return SourceMark()
    root = ET.fromstring(text)
    return SourceMark(
        *(_value(root, f"{{{space}}}{name}") for space, _, name in (_SOURCE_TYPE, _SYSTEM, _TOOL))
    )


def read_xmp(path: Path) -> str:
    """The packet of a WAV, RF64 or FLAC file; "" without one. Raises OSError when the file cannot be read."""
    with open(path, "rb") as file:
        return xmp_in(file)


def xmp_in(file: BinaryIO) -> str:
    """As `read_xmp`, of an open file; moves its position."""
    body = _riff_packet(file) if is_riff(file) else next(_flac_packets(file), b"")
    return body.rstrip(b"\0").decode("utf-8", "replace")


def flac_block(packet: bytes) -> bytes:
    """The body of FLAC's APPLICATION block with a packet."""
    return b"riff" + struct.pack("<4sI", CHUNK, len(packet)) + packet + b"\0" * (len(packet) & 1)


def _riff_packet(file: BinaryIO) -> bytes:
    for chunk in walk(file):
        if chunk.name == CHUNK and chunk.size <= MAX_XMP:
            file.seek(chunk.start)
            return file.read(chunk.present)
    return b""


def _flac_packets(file: BinaryIO) -> Iterator[bytes]:
    for kind, at, size, _ in flac.blocks(file):
        if kind == flac.APPLICATION and 12 <= size <= MAX_XMP:
            file.seek(at)
            body = file.read(size)
            if body[:8] == b"riff" + CHUNK:
                yield body[12 : 12 + struct.unpack_from("<I", body, 8)[0]]


def _readable(packet: str) -> str:
    """The packet's XML without the wrapper, when it is RDF without entities; "" otherwise."""
    start, end = packet.find("<?xpacket begin"), packet.rfind("<?xpacket end")
    text = packet
    if start >= 0:
        text = packet[packet.find("?>", start) + 2 : end if end > start else len(packet)]
    text = text.strip().lstrip("\ufeff")
    root = without_entities(text)
    found = root is not None and (root.tag == f"{{{RDF}}}RDF" or root.find(f".//{{{RDF}}}RDF") is not None)
    return text if found else ""


def _value(root: ET.Element, tag: str) -> str:
    """A property as an element, with its text or an address, or as an attribute of a description."""
    for element in root.iter(tag):
        return (element.text or "").strip() or element.get(f"{{{RDF}}}resource", "")
    described = root.iter(f"{{{RDF}}}Description")
    return next((found for element in described if (found := element.get(tag))), "")


def _remove(rdf: minidom.Element, name: tuple[str, str, str]) -> None:
    space, _, local = name
    for element in list(rdf.getElementsByTagNameNS(space, local)):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
    for element in rdf.getElementsByTagNameNS(RDF, "Description"):
        if element.hasAttributeNS(space, local):
            element.removeAttributeNS(space, local)
        if element.parentNode is not None and _is_empty(element):
            element.parentNode.removeChild(element)


def _is_empty(description: minidom.Element) -> bool:
    """Whether a description says nothing but what it is about."""
    names = [name for name in description.attributes.keys() if not name.startswith("xmlns")]  # noqa: SIM118  # no dict
    children = [child for child in description.childNodes if child.nodeType == child.ELEMENT_NODE]
    return not children and all(name.rsplit(":", 1)[-1] == "about" for name in names)


def _description(document: minidom.Document, values: dict[tuple[str, str, str], str]) -> minidom.Element:
    """One rdf:Description with the values that are not empty. It declares what it uses: a foreign packet may give
    other prefixes to these names."""
    made = document.createElementNS(RDF, "rdf:Description")
    made.setAttributeNS(_XMLNS, "xmlns:rdf", RDF)
    made.setAttributeNS(RDF, "rdf:about", _about(document))
    for (space, prefix, local), text in values.items():
        if text:
            made.setAttributeNS(_XMLNS, f"xmlns:{prefix}", space)
            element = document.createElementNS(space, f"{prefix}:{local}")
            element.appendChild(document.createTextNode(allowed(text)))
            made.appendChild(element)
    return made


def _about(document: minidom.Document) -> str:
    """What the packet's other descriptions are about: all of one packet name the same thing."""
    for element in document.getElementsByTagNameNS(RDF, "Description"):
        return element.getAttributeNS(RDF, "about")
    return ""
