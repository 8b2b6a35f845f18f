"""Reads an AAF file with olefile, a reader of structured storage that knows nothing of AAF, and AAF's published tables.

Nothing of pyaaf2, which writes our files, is used. Objects are storages; their values lie in a stream `properties`: AAF
Low-Level Container Specification 1.0.1, chapters "Properties" and "References". Numbers of properties: AAF Object
Specification 1.1, appendix A.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import olefile

LENGTH, COMPONENTS, START, SOURCE = 0x0202, 0x1001, 0x1201, 0x1101
SLOT_NAME, SEGMENT, EDIT_RATE = 0x4802, 0x4803, 0x4B01
MOB_ID, MOB_NAME, MOB_SLOTS = 0x4401, 0x4402, 0x4403
HEADER, CONTENT, MOBS, ESSENCES = 0x0002, 0x3B03, 0x1901, 0x1902
ESSENCE_MOB, ESSENCE_DATA = 0x2701, 0x2702
DATA, STREAM, STRONG, VECTOR, SET = 0x82, 0x42, 0x22, 0x32, 0x3A
# The header's class says that it is AAF, and counts versions: olefile expects neither. It finds no other fault.
PECULIAR_TO_AAF = {
    "incorrect CLSID in OLE header", "incorrect OLE header (transaction_signature_number>0)",
}  # fmt: skip
SOURCE_CLIP, COMPOSITION, MASTER = "1100", "3500", "3600"


@dataclass(frozen=True)
class Object:
    """A storage of the file."""

    file: olefile.OleFileIO
    path: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Four digits of its class's name, as 0D010101-0101-3500-... has them."""
        return self.file.getclsid("/".join(self.path)).split("-")[2]

    def value(self, number: int) -> bytes:
        """A property's bytes."""
        return self._values()[number][1]

    def text(self, number: int) -> str:
        return self.value(number).decode("utf-16-le").rstrip("\0")

    def whole(self, number: int) -> int:
        return int.from_bytes(self.value(number), "little", signed=True)

    def one(self, number: int) -> Object:
        form, name = self._values()[number]
        assert form == STRONG
        return self._within(name.decode("utf-16-le").rstrip("\0"))

    def many(self, number: int) -> Iterator[Object]:
        """The objects of a vector or a set, in its order."""
        form, name = self._values()[number]
        base = name.decode("utf-16-le").rstrip("\0")
        index = self._stream(f"{base} index")
        (count,) = struct.unpack_from("<I", index)
        if form == VECTOR:
            keys = struct.unpack_from(f"<{count}I", index, 12)
        else:
            assert form == SET
            size = 8 + index[14]  # local key, references, and the key that identifies it
            keys = tuple(struct.unpack_from("<I", index, 15 + n * size)[0] for n in range(count))
        yield from (self._within(f"{base}{{{key:x}}}") for key in keys)

    def stream(self, number: int) -> bytes:
        form, name = self._values()[number]
        assert form == STREAM
        return self._stream(name[1:].decode("utf-16-le").rstrip("\0"))

    def _values(self) -> dict[int, tuple[int, bytes]]:
        data = self._stream("properties")
        order, _version, count = struct.unpack_from("<cBH", data)
        assert order == b"L"
        found, at = {}, 4 + 6 * count
        for entry in range(count):
            number, form, length = struct.unpack_from("<HHH", data, 4 + 6 * entry)
            found[number] = (form, data[at : at + length])
            at += length
        return found

    def _within(self, name: str) -> Object:
        return Object(self.file, (*self.path, name))

    def _stream(self, name: str) -> bytes:
        return bytes(self.file.openstream([*self.path, name]).read())


@dataclass(frozen=True)
class ReadSlot:
    """A track of the composition. clips: (position, start, length, name of the master mob)."""

    name: str
    rate: tuple[int, int]
    clips: tuple[tuple[int, int, int, str], ...]


@dataclass(frozen=True)
class ReadAaf:
    """What a file has. sounds: the bytes of each master mob's essence."""

    title: str
    slots: tuple[ReadSlot, ...]
    sounds: dict[str, bytes]


def read_aaf(path: Path) -> ReadAaf:
    with olefile.OleFileIO(str(path)) as file:
        assert {text for _, text in file.parsing_issues} <= PECULIAR_TO_AAF
        content = Object(file, ()).one(HEADER).one(CONTENT)
        mobs = {mob.value(MOB_ID): mob for mob in content.many(MOBS)}
        essences = {essence.value(ESSENCE_MOB): essence for essence in content.many(ESSENCES)}
        (composition,) = (mob for mob in mobs.values() if mob.kind == COMPOSITION)
        slots = tuple(_slot(slot, mobs) for slot in composition.many(MOB_SLOTS))
        sounds = {
            mob.text(MOB_NAME): essences[_source_of(mob)].stream(ESSENCE_DATA)
            for mob in mobs.values()
            if mob.kind == MASTER
        }
        return ReadAaf(composition.text(MOB_NAME), slots, sounds)


def _slot(slot: Object, mobs: dict[bytes, Object]) -> ReadSlot:
    sequence, at, clips = slot.one(SEGMENT), 0, []
    for part in sequence.many(COMPONENTS) if COMPONENTS in sequence._values() else ():
        length = part.whole(LENGTH)
        if part.kind == SOURCE_CLIP:
            clips.append((at, part.whole(START), length, mobs[part.value(SOURCE)].text(MOB_NAME)))
        at += length
    assert at == sequence.whole(LENGTH)
    return ReadSlot(slot.text(SLOT_NAME), struct.unpack("<ii", slot.value(EDIT_RATE)), tuple(clips))


def _source_of(master: Object) -> bytes:
    (slot,) = master.many(MOB_SLOTS)
    segment = slot.one(SEGMENT)
    if segment.kind != SOURCE_CLIP:
        (segment,) = segment.many(COMPONENTS)
    return segment.value(SOURCE)
