"""A SentencePiece model as a tokenizer, against tokenizer.json of the same pieces; damaged ones are refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

pytest.importorskip("tokenizers", reason="prompts need tokenizers: pip install takebridge[acestep]")

from tokenizers import Tokenizer

from model.acestep_v1.conditioning.sentence_pieces import tokenizer_of_pieces
from model.errors import NotLoaded
from tests.model.acestep_v1.golden_v1 import TINY_V1

STORED = TINY_V1 / "umt5-base" / "tokenizer.json"
KINDS = {"<pad>": 3, "</s>": 3, "<unk>": 2}


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def pieces() -> bytes:
    """The tiny tokenizer's pieces as a SentencePiece model, with a field that says nothing."""
    message = varint(2 << 3) + varint(300)
    for text, score in json.loads(STORED.read_text())["model"]["vocab"]:
        body = b"\x0a" + varint(len(text.encode())) + text.encode() + b"\x15" + struct.pack("<f", score)
        body += b"\x18" + varint(KINDS.get(text, 1))
        message += b"\x0a" + varint(len(body)) + body
    return message + b"\x1a\x02\x20\x00"  # blanks stay as they are


@pytest.mark.parametrize("prompt", ["funk, pop, soul, guitar, 105 BPM", "piano", "", "a  b", "Ünknown"])
def test_the_same_tokens_as_the_stored_tokenizer(prompt: str):
    ours = tokenizer_of_pieces(pieces(), STORED)
    assert ours.encode(prompt).ids == Tokenizer.from_file(str(STORED)).encode(prompt).ids


@pytest.mark.parametrize("stored", [b"", b"\x0a", b"\x0a\x80\x80", pieces()[:-1], b"\xff" * 12])
def test_a_damaged_model_is_refused(stored: bytes):
    with pytest.raises(NotLoaded, match="tokenizer"):
        tokenizer_of_pieces(stored, Path("model.safetensors"))
