"""A take's files as they travel to a client: clip, song, handles, picture, recipe, attachments."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from bridge_server.handlers.response import TakeFile
from bridge_server.rendering.receipts import in_words
from bridge_server.songs.mixdown import Layer, Mixdown, mixdown, tag_of
from bridge_server.songs.take_picture import take_picture
from clip_store.marks import SHORT_NAME
from clip_store.store import ClipStore, file_stem, recipe_of, xmp_of
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError

WAV = "audio/wav"

# What the files are called in addresses; attachments have names of their own.
NAMES = {
    "clip": "clip.wav",
    "handles": "handles.wav",
    "song": "song.wav",
    "picture": "picture.png",
    "recipe": "recipe.json",
}


def address_of(take_id: str, what: str, name: str = "") -> str | None:
    """Where GET finds a take's file at the server's port; None for an attachment without a name."""
    last = NAMES.get(what, name)
    return f"/takes/{quote(take_id, safe='')}/{quote(last, safe='')}" if last else None


async def take_file(store: ClipStore, take_id: str, what: str, name: str = "") -> TakeFile:
    """One file of a take, read and drawn in a thread.

    what: as in `requests.FetchTake`; name: of the attachment, "" for the first. Raises ProtocolError for a file the
    take does not have, TakeError for a take there is none of, ClipStoreError when its audio cannot be read.
    """
    take, label = store.index.get(take_id), store.index.marks.of(take_id).name
    xmp = store.xmp_of_song_with(take) if what == "song" else xmp_of(take)
    return await asyncio.to_thread(_make, store, take, label, what, name, xmp)


def _make(store: ClipStore, take: Take, label: str, what: str, name: str, xmp: bytes) -> TakeFile:
    """xmp: the packet of the file. For a thread."""
    title = file_stem(f"{take.title}.{take.task}.{take.number}")
    if label:
        title = f"{file_stem(take.title)}.{file_stem(label, SHORT_NAME)}.{take.number}"
    if what == "clip":
        path = store.clip_path(take)
        return TakeFile(WAV, path, f"{title}.wav", _state(path, take.audio))
    if what == "song":
        return TakeFile(WAV, mixdown(store, take, xmp), f"{title}.song.wav", tag_of(take, xmp))
    if what == "picture":
        return TakeFile("image/png", _picture(store, take))
    if what == "recipe":
        body = json.dumps(recipe_of(take), ensure_ascii=False, indent=1).encode()
        return TakeFile("application/json", body)
    if what == "handles" and take.handles is not None:
        wave = store.blobs.wave(take.handles)
        marked = Mixdown(wave.form, (Layer(wave),), xmp)
        return TakeFile(WAV, marked, f"{title}.handles.wav", sha256(take.handles.encode() + xmp).hexdigest())
    for entry in take.attachments:
        if entry.name == name or (what == "attachment" and not name):
            data = store.blobs.get_bytes(entry.digest)
            return TakeFile(entry.media_type, data, file_stem(entry.name), entry.digest)
    raise ProtocolError(
        ErrorCode.UNKNOWN_TAKE,
        f"Take {take.id} has no {name or what}.",
        "takes.show lists what it has.",
        "what",
    )


def _picture(store: ClipStore, take: Take) -> bytes:
    clip = store.blobs.get(take.audio)
    song = store.blobs.get(take.parent) if take.parent else None
    return take_picture(take, song, clip, in_words(take.receipt))


def _state(path: Path, digest: str) -> str:
    """Differs when the file does: a DAW may have written notes into a clip, which its sound does not show."""
    status = path.stat()
    return f"{digest[:32]}-{status.st_size:x}-{status.st_mtime_ns:x}"
