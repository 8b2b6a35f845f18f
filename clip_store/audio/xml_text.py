"""XML from files of others, read without risk, and text that XML can hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET


class _WithoutEntities(ET.TreeBuilder):
    """Entities can be made to expand without end, and no writer of metadata needs them. The parser looks for them: the
    bytes may be in any encoding."""

    def doctype(self, *_: object) -> None:
        raise ValueError("metadata has no document type")


def without_entities(xml: bytes | str) -> ET.Element | None:
    """The document's root; None for what is no XML, or in an encoding nobody knows, or defines entities."""
    try:
        return ET.fromstring(xml, ET.XMLParser(target=_WithoutEntities()))
    except (ET.ParseError, LookupError, ValueError):
        return None


def allowed(text: str) -> str:
    """The text without what makes an XML document unreadable."""
    return "".join(letter for letter in text if _xml_allows(letter))


def _xml_allows(letter: str) -> bool:
    """XML 1.0, production [2] Char."""
    code = ord(letter)
    return letter in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
