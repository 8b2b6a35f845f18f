"""A take's files in a folder of the producer's: clip, song, recipe, picture, named after the song."""

from __future__ import annotations

from pathlib import Path

from bridge_server.bridge_client import BridgeClient
from clip_store.store import file_stem
from daw_protocol.errors import ErrorCode, ProtocolError

MIX = "mix"


async def save_take(client: BridgeClient, take: str, folder: Path) -> dict[str, str]:
    """Writes everything a take has; returns the files by what they are. Raises ProtocolError.

    For take n of `song.wav`: `song.repaint.n.wav` (the clip), `.song.wav` (the whole song with it), `.handles.wav`,
    `.json` (recipe and receipt) and `.png`; stems carry their name behind the n.
    """
    about = await client.call("takes.show", take=take)
    # A title is what a client said it is: "AC/DC", or worse, "../x".
    base = f"{file_stem(about['title'])}.{about['task']}.{about['number']}"
    if about["stem"] != MIX:
        base += f".{file_stem(about['stem'])}"
    wanted = {"clip": ".wav", "recipe": ".json", "picture": ".png"}
    if about["song"] and about["stem"] == MIX:
        wanted["song"] = ".song.wav"
    if about["handles"]:
        wanted["handles"] = ".handles.wav"
    files = {}
    for what, suffix in wanted.items():
        files[what] = _write(folder / (base + suffix), await client.fetch(take, what))
    for name in about["attachments"]:
        path = folder / (base + Path(name).suffix)
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
