"""What a published model is: its files, where it is published, and under which licence.

Values only. Each engine has a table of its own models (acestep/weights/catalogue.py, stems/published_stems.py);
checkpoints.py joins them. Needs no torch.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

PROJECTS = "MIT (the project's)"
"""Of weights that the publisher's project, which is under MIT, lists; what their own page says has not been seen."""


class Kind(enum.Enum):
    """The kind of model in a published folder."""

    MUSIC = "music model"  # the transformer with its condition encoder and audio tokenizer
    OTHER_MUSIC = "other music model"  # read by the library that it was published for
    VAE = "autoencoder"
    TEXT_ENCODER = "text encoder"
    PLANNER = "planner"  # the language model that writes blueprints
    TOKENIZER = "tokenizer"  # only the text encoder's tokenizer
    STEMS = "stem separator"
    LISTENER = "prompt listener"  # hears how well a sound follows words
    WORDS = "word listener"  # hears which words are sung


@dataclass(frozen=True)
class PublishedFile:
    """One published file.

    size:   bytes, exact; None if only the folder's total is known.
    sha256: the first digits, as observed; "" = unknown.
    """

    name: str
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Published:
    """One published folder.

    name:       its name on the command line.
    folder:     inside the models folder; the official application uses the same names side by side.
    repository: on the hub.
    files:      the files it needs. Others published with it (tokenizer tables) are downloaded too.
    size:       bytes of the whole folder, rounded.
    about:      one sentence to help choose.
    subfolder:  inside the repository; "" = its root.
    needs:      names of the entries it requires.
    licence:    of the weights; docs/model.md has where each is from.
    whole:      whether to download everything a model may need from the folder, or only `files`.
    address:    of its only file, where that is not on the hub; `repository` is then GitHub's.
    gated:      whether the hub gives it only to those who are signed in and have accepted its terms on its page.
    """

    name: str
    kind: Kind
    folder: str
    repository: str
    files: tuple[PublishedFile, ...]
    size: int
    about: str
    subfolder: str = ""
    needs: tuple[str, ...] = ()
    whole: bool = True
    licence: str = PROJECTS
    address: str = ""
    gated: bool = False

    @property
    def page(self) -> str:
        """Where its publisher describes it; what it says of the licence counts."""
        host = "github.com" if self.address else "huggingface.co"
        return f"https://{host}/{self.repository}"
