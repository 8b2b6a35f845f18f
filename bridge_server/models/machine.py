"""The machine models run on: its memory and its graphics cards, without loading what would use them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

ASK_SECONDS = 5.0


@dataclass(frozen=True)
class GraphicsCard:
    """A card as its driver describes it; memory and free in bytes."""

    name: str
    memory: int
    free: int


def memory_bytes() -> int | None:
    """The machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def graphics_cards() -> tuple[GraphicsCard, ...]:
    """NVIDIA cards, as their driver's own tool lists them; none where it is missing. Slow, for a thread."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    command = [tool, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return cards_in(found.stdout)


def cards_in(listing: str) -> tuple[GraphicsCard, ...]:
    """The cards in the tool's table: name, total and free memory in MiB. Lines of another form are skipped."""
    cards = []
    for line in listing.splitlines():
        name, *sizes = [part.strip() for part in line.rsplit(",", 2)]
        if len(sizes) == 2 and all(size.isdecimal() for size in sizes):
            cards.append(GraphicsCard(name, int(sizes[0]) * 2**20, int(sizes[1]) * 2**20))
    return tuple(cards)
