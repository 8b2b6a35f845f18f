"""A sound card that keeps what is played: ALSA's `file` device, read through a pipe by a process that takes its time.

`python sound_card.py OUT RATE BYTES_PER_FRAME` is that process. It reads as fast as a card would play and writes
all of it to OUT; ALSA starts one each time a device is opened.
"""

from __future__ import annotations

import ctypes.util
import sys
import time
from pathlib import Path

CARDS = ("card", "other")
F_SETPIPE_SIZE = 1031  # Linux: fcntl(2)

CARD = """
pcm.{name} {{
    type file
    slave.pcm {{ type null }}
    file "|exec {python} {me} {folder}/{name}.raw {rate} {width}"
    format "raw"
}}
"""


def missing() -> str:
    """Why there can be no such card on this machine; "" when there can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux: ALSA keeps what is played"
    if ctypes.util.find_library("portaudio") is None:
        return "needs PortAudio: apt install libportaudio2"
    if not Path("/usr/share/alsa/alsa.conf").is_file():
        return "needs ALSA's configuration: apt install libasound2"
    return ""


def configure(folder: Path, rate: int, channels: int = 2) -> Path:
    """Writes the ALSA configuration of the cards; the file for ALSA_CONFIG_PATH. They take float32."""
    cards = [
        CARD.format(
            name=name,
            python=sys.executable,
            me=Path(__file__).resolve(),
            folder=folder,
            rate=rate,
            width=4 * channels,
        )
        for name in CARDS
    ]
    path = folder / "asound.conf"
    path.write_text("</usr/share/alsa/alsa.conf>\n" + "".join(cards))
    return path


def run(out: str, rate: int, width: int) -> None:
    import fcntl

    narrowed, began, taken = False, 0.0, 0
    with open(out, "wb", buffering=0) as file:
        while data := sys.stdin.buffer.read(256 * width):
            file.write(data)
            if not narrowed:
                try:  # one page in the pipe, or else the player is a third of a second ahead of us
                    fcntl.fcntl(0, F_SETPIPE_SIZE, 4096)
                    narrowed = True
                except OSError:
                    pass  # there is more than a page in it still
            now = time.monotonic()
            if now - (began + taken / rate) > 0.25:  # the first samples, or the player has paused
                began, taken = now, 0
            taken += len(data) // width
            time.sleep(max(0.0, began + taken / rate - now))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
