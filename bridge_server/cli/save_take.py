"""A take's files in a folder of the producer's: clip, song, recipe, picture, named after the song."""

from __future__ import annotations

from pathlib import Path

from bridge_server.cli.client import BridgeClient
from clip_store.take import MIX
from clip_store.take_files import attachment_endings, free_name
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.take_results import TakeWithRecipe


async def save_take(client: BridgeClient, take: str, folder: Path) -> dict[str, str]:
    """Writes everything a take has; returns the files by what they are. Raises ProtocolError.

    For take n of `song.wav`: `song.repaint.n.wav` (the clip), `.song.wav` (the whole song with it), `.handles.wav`,
    `.json` (recipe and receipt) and `.png`, and attachments with their own endings; stems carry their name behind
    the n, and a take with a name has it in place of `repaint`. Where an earlier run has left a `song.repaint.n.wav` of
    its own, n counts on: nothing of a producer's is overwritten.
    """
    about = TakeWithRecipe.from_stored(await client.call("takes.show", take=take))
    base = free_name(folder, about, take, about.name)
    wanted = {"clip": ".wav", "recipe": ".json", "picture": ".png"}
    if about.song and about.stem == MIX:
        wanted["song"] = ".song.wav"
    if about.handles:
        wanted["handles"] = ".handles.wav"
    files = {}
    for what, suffix in wanted.items():
        files[what] = _write(folder / (base + suffix), await client.fetch(take, what))
    for name, ending in attachment_endings(about.attachments, wanted.values()).items():
        path = folder / (base + ending)
        files[name] = _write(path, await client.fetch(take, "attachment", name))
    return files


def _write(path: Path, data: bytes) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{path} cannot be written: {error.strerror}.",
            "Choose another folder with -o. The take itself is safe in the store.",
        ) from error
    return str(path)
