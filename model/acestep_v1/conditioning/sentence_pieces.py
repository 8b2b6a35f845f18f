"""A SentencePiece model (a protocol buffer) as a tokenizer: what ComfyUI's single file has instead of tokenizer.json.

Only what a Unigram model of this kind needs is read: pieces with scores and types, and the table of normalised letters.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from model.errors import NotLoaded

_PIECE, _NORMALISER = 1, 3  # fields of the model
_TEXT, _SCORE, _TYPE = 1, 2, 3  # fields of a piece
_CHARACTERS, _ONE_BLANK = 2, 4  # fields of the normaliser: its compiled table, and whether blanks become one
_UNKNOWN, _CONTROL, _BYTE = 2, 3, 6  # types of pieces
END = "</s>"


def tokenizer_of_pieces(stored: bytes, where: Path) -> Tokenizer:
    """The tokenizer; it appends the end to every text. Raises NotLoaded, naming `where`."""
    try:
        return _made(stored)
    except Exception as broken:  # damaged, it fails in as many ways as there are readers in the library
        raise NotLoaded(
            f"The prompt's tokenizer in {where} cannot be read.", "Download that file again."
        ) from broken


def _made(stored: bytes) -> Tokenizer:
    pieces = [_piece(body) for number, body in _fields(stored) if number == _PIECE]
    normaliser = next((body for number, body in _fields(stored) if number == _NORMALISER), b"")
    settings = dict(_fields(normaliser))
    unknown = next(index for index, (_, _, kind) in enumerate(pieces) if kind == _UNKNOWN)
    end = next(index for index, (text, _, _) in enumerate(pieces) if text == END)
    bytes_too = any(kind == _BYTE for _, _, kind in pieces)
    words = Tokenizer(
        models.Unigram([(text, score) for text, score, _ in pieces], unknown, byte_fallback=bytes_too)
    )
    steps: list[normalizers.Normalizer] = []
    if settings.get(_CHARACTERS):
        steps.append(normalizers.Precompiled(settings[_CHARACTERS]))
    if any(settings.get(_ONE_BLANK, b"\1")):
        steps.append(normalizers.Replace(Regex(" {2,}"), " "))
    words.normalizer = normalizers.Sequence(steps)
    words.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    words.decoder = decoders.Metaspace(prepend_scheme="always")
    words.add_special_tokens([text for text, _, kind in pieces if kind in (_UNKNOWN, _CONTROL)])
    words.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, end)])
    return words


def _piece(body: bytes) -> tuple[str, float, int]:
    """Text, score and type of one piece."""
    text, score, kind = "", 0.0, 1
    for number, value in _fields(body):
        if number == _TEXT:
            text = value.decode()
        elif number == _SCORE:
            (score,) = struct.unpack("<f", value)
        elif number == _TYPE:
            kind = int.from_bytes(value, "little")
    return text, score, kind


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer's message: number and value; numbers as little-endian bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value.to_bytes(8, "little")
            continue
        if wire == 2:
            length, at = _varint(message, at)
        else:
            length = {1: 8, 5: 4}[wire] if wire in (1, 5) else -1
        if length < 0 or at + length > len(message):
            raise ValueError(f"field {key >> 3} is cut off")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and where the next field begins."""
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
