"""A checkpoint in the layout of the library that reads it: what is known of it unread, what is said of a broken one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from model.errors import NotLoaded, first_line
from model.published import Published

UNTRAINED = "This checkpoint's weights are untrained, so the render is noise, not music."


@dataclass(frozen=True)
class LibraryCheckpoint:
    """One checkpoint. path: its folder; name: of the folder, in lists and receipts.

    untrained: its config says that its weights are random, as those of tests are.
    published, library: of all of its family: those that can be fetched, and what saves others.
    """

    published: ClassVar[tuple[Published, ...]] = ()
    library: ClassVar[str] = ""

    path: Path
    name: str
    untrained: bool = False

    @property
    def get_again(self) -> str:
        """What to do where its files are damaged."""
        for entry in self.published:
            if self.name == entry.folder:
                return f"Delete that folder and fetch it again: takebridge models pull {entry.name}"
        return f"Copy its folder here again; it must be whole, and saved by {self.library}."

    def unreadable(self, error: BaseException) -> NotLoaded:
        """What to raise where the library does not read it."""
        return NotLoaded(f"The weights of {self.name} cannot be read ({first_line(error)}).", self.get_again)

    def without(self, file: str) -> NotLoaded:
        """What to raise where a file, or the weights in a folder, are missing."""
        return NotLoaded(f"The checkpoint {self.name} has no {file}.", self.get_again)

    def lacks(self, tensors: Sequence[str]) -> NotLoaded:
        """What to raise where these tensors are missing."""
        return NotLoaded(
            f"The weights of {self.name} lack {len(tensors)} tensors, the first is {min(tensors)}.",
            self.get_again,
        )


def checkpoint_folders(folder: Path) -> Iterator[Path]:
    """The folders that may be a checkpoint's: `folder` itself and those directly inside."""
    if folder.is_dir():
        yield folder
        yield from (child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
