"""Where the sound begins in a file that has something else in front of it: tags, a server's answer, lost bytes.

Players look past such bytes; decoders as libsndfile do not.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from clip_store.audio import flac, mpeg

MAX_TAGS = 16
_SEARCHED = 1 << 18
_BEGINNINGS = re.compile(
    rb"OggS\0\x02|fLaC[\x00\x80]\x00\x00\x22|RIFF.{4}WAVE|RIFX.{4}WAVE|RF64.{4}WAVE|FORM.{4}AIF[FC]|caff\0\x01",
    re.DOTALL,
)
"""Of files that say what they are in six bytes or more: fewer are found by chance."""


def tags_end(file: BinaryIO) -> int:
    """Where the ID3 tags at the start of a file end, one or several; 0 without one."""
    position = 0
    for _ in range(MAX_TAGS):
        length = flac.id3_bytes(file, position)
        if length == 0:
            break
        position += length
    return position


def sound_start(file: BinaryIO) -> int | None:
    """Where a sound that can be decoded begins, in the first 256 KB behind the tags; None where none is found."""
    start = tags_end(file)
    file.seek(start)
    data = file.read(_SEARCHED)
    found = _BEGINNINGS.search(data)
    frames = mpeg.stream_in(data)
    places = [place for place in (found.start() if found else None, frames) if place is not None]
    return start + min(places) if places else None
