"""A take's files as they travel to a client: clip, song, handles, picture, recipe, attachments."""

from __future__ import annotations

import asyncio
import json

from bridge_server.handlers.response import TakeFile
from bridge_server.rendering.receipts import in_words
from bridge_server.songs.mixdown import song_with_take
from bridge_server.songs.take_picture import take_picture
from clip_store.audio.audio import Audio
from clip_store.audio.riff import wave_parts
from clip_store.store import ClipStore, file_stem, recipe_of
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError

WAV = "audio/wav"


async def take_file(store: ClipStore, take_id: str, what: str, name: str = "") -> TakeFile:
    """One file of a take, read and drawn in a thread.

    what: as in `requests.FetchTake`; name: of the attachment, "" for the first. Raises ProtocolError for a file the
    take does not have, TakeError for a take there is none of, ClipStoreError when its audio cannot be read.
    """
    take = store.index.get(take_id)
    return await asyncio.to_thread(_make, store, take, what, name)


def _make(store: ClipStore, take: Take, what: str, name: str) -> TakeFile:
    title = file_stem(f"{take.title}.{take.task}.{take.number}")
    if what == "clip":
        return TakeFile(WAV, store.clip_path(take), f"{title}.wav")
    if what == "song":
        return TakeFile(WAV, _wave(song_with_take(store, take)), f"{title}.song.wav")
    if what == "picture":
        return TakeFile("image/png", _picture(store, take))
    if what == "recipe":
        body = json.dumps(recipe_of(take), ensure_ascii=False, indent=1).encode()
        return TakeFile("application/json", body)
    if what == "handles" and take.handles is not None:
        return TakeFile(WAV, _wave(store.blobs.get(take.handles)), f"{title}.handles.wav")
    for entry in take.attachments:
        if entry.name == name or (what == "attachment" and not name):
            return TakeFile(entry.media_type, store.blobs.get_bytes(entry.digest), file_stem(entry.name))
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


def _wave(audio: Audio) -> bytes:
    """The audio as a plain WAV file."""
    return b"".join(wave_parts(audio))
