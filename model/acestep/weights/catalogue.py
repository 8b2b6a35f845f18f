"""The published ACE-Step 1.5 checkpoints: what they are called, where they are published, what they need beside them.

One table. What is downloaded is listed by the hub itself, with sizes and digests; the figures here are for saying
what to expect before anyone is asked, and for checking a folder that came from elsewhere. Needs no torch.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

MAIN_REPOSITORY = "ACE-Step/Ace-Step1.5"


class Kind(enum.Enum):
    """What a published folder holds."""

    MUSIC = "music model"  # the transformer with its condition encoder and audio tokenizer
    VAE = "autoencoder"
    TEXT_ENCODER = "text encoder"
    PLANNER = "planner"  # the language model that writes blueprints
    TOKENIZER = "tokenizer"  # of the text encoder, alone


@dataclass(frozen=True)
class PublishedFile:
    """One file whose figures are known.

    size:   bytes, exact; None where only the sum of the folder is known.
    sha256: the first digits as seen in the wild; "" = not known.
    """

    name: str
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Published:
    """One published folder.

    name:       what one types.
    folder:     inside the folder of models; the official application has the same names and expects them side by side.
    repository: on the hub.
    files:      what must be there for it to work. Others that are published with it (tokenizer tables) come along.
    size:       bytes of the whole folder, rounded: for a first idea of it.
    about:      one sentence for somebody who has to choose.
    subfolder:  inside the repository; "" = its root.
    needs:      names of others it cannot work without.
    whole:      whether everything a model may need of the folder is fetched, or only `files`.
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


CONFIG = PublishedFile("config.json")
WORDS = (PublishedFile("tokenizer.json"), PublishedFile("tokenizer_config.json"))
INDEX = PublishedFile("model.safetensors.index.json")
SILENCE = PublishedFile("silence_latent.pt", 3_841_215, "a778e9dd")
BESIDE = ("vae", "text-encoder")


def _weights_2b(sha256: str = "") -> tuple[PublishedFile, ...]:
    """turbo, base and sft have equal tensors, so equal sizes (computed from their list, and seen)."""
    return (PublishedFile("model.safetensors", 4_787_825_604, sha256), CONFIG, SILENCE)


# A variant of turbo has the same networks; the size of its file has not been seen.
VARIANT_2B = (PublishedFile("model.safetensors"), CONFIG, PublishedFile("silence_latent.pt"))
# Four shards in float32; only their sum is known.
SHARDS_XL = (
    *(PublishedFile(f"model-{number:05}-of-00004.safetensors") for number in range(1, 5)),
    INDEX,
    CONFIG,
    PublishedFile("silence_latent.pt"),
)
SIZE_2B = 4_790_000_000
SIZE_XL = 19_950_000_000


def _music(name: str, files: tuple[PublishedFile, ...], size: int, about: str) -> Published:
    """A music model in a repository of its own."""
    folder = f"acestep-v15-{name}"
    return Published(name, Kind.MUSIC, folder, f"ACE-Step/{folder}", files, size, about, needs=BESIDE)


CATALOGUE: tuple[Published, ...] = (
    Published(
        "turbo", Kind.MUSIC, "acestep-v15-turbo", MAIN_REPOSITORY, _weights_2b("3f6e0797"), SIZE_2B,
        "Eight steps: repaints, continues and generates fast. No stems, layers or accompaniments.",
        "acestep-v15-turbo", BESIDE,
    ),
    _music("base", _weights_2b(), SIZE_2B, "Every task, stems and accompaniments too, in some fifty steps."),
    _music("sft", _weights_2b("d4dd3a93"), SIZE_2B, "Tuned on chosen music, in some fifty steps. No stems."),
    _music("turbo-shift1", VARIANT_2B, SIZE_2B, "Turbo, distilled for shift 1."),
    _music("turbo-shift3", VARIANT_2B, SIZE_2B, "Turbo, distilled for shift 3."),
    _music("turbo-continuous", VARIANT_2B, SIZE_2B, "Turbo, for any shift from 1 to 5."),
    _music("xl-turbo", SHARDS_XL, SIZE_XL, "Turbo with twice the network; wants a large GPU."),
    _music("xl-base", SHARDS_XL, SIZE_XL, "Every task with twice the network; wants a large GPU."),
    _music("xl-sft", SHARDS_XL, SIZE_XL, "Tuned on chosen music, with twice the network; wants a large GPU."),
    Published(
        "vae", Kind.VAE, "vae", MAIN_REPOSITORY,
        (PublishedFile("diffusion_pytorch_model.safetensors", 337_431_388, "da17edb6"), CONFIG), 337_000_000,
        "Turns latents into audio and back; every music model needs it.", "vae",
    ),
    Published(
        "text-encoder", Kind.TEXT_ENCODER, "Qwen3-Embedding-0.6B", MAIN_REPOSITORY,
        (PublishedFile("model.safetensors", 1_191_586_416), CONFIG, *WORDS), 1_210_000_000,
        "Reads prompts and lyrics; every music model needs it.", "Qwen3-Embedding-0.6B",
    ),
    Published(
        "tokenizer", Kind.TOKENIZER, "Qwen3-Embedding-0.6B-tokenizer", MAIN_REPOSITORY, WORDS, 11_400_000,
        "The text encoder's tokenizer alone, for ComfyUI's files, which come without.", "Qwen3-Embedding-0.6B",
        whole=False,
    ),
    Published(
        "planner-0.6b", Kind.PLANNER, "acestep-5Hz-lm-0.6B", "ACE-Step/acestep-5Hz-lm-0.6B",
        (PublishedFile("model.safetensors", 1_325_804_024), CONFIG, *WORDS), 1_350_000_000,
        "Writes blueprints of songs; the smallest.",
    ),
    Published(
        "planner-1.7b", Kind.PLANNER, "acestep-5Hz-lm-1.7B", MAIN_REPOSITORY,
        (PublishedFile("model.safetensors", 3_708_521_528), CONFIG, *WORDS), 3_730_000_000,
        "Writes blueprints of songs.", "acestep-5Hz-lm-1.7B",
    ),
    Published(
        "planner-4b", Kind.PLANNER, "acestep-5Hz-lm-4B", "ACE-Step/acestep-5Hz-lm-4B",
        # Two shards of unknown names; the index tells them.
        (INDEX, CONFIG, *WORDS), 8_400_000_000, "Writes blueprints of songs; the largest.",
    ),
)  # fmt: skip

# Published with the models and never fetched: Python files, pickles, pictures, anything else.
TOKENIZER_FILES = ("merges.txt", "vocab.txt", "chat_template.jinja")


def by_name(name: str) -> Published | None:
    """The entry called `name`, or whose folder is; capitals do not matter."""
    wanted = name.lower()
    for entry in CATALOGUE:
        if wanted in (entry.name, entry.folder.lower()):
            return entry
    return None


def with_needs(entries: tuple[Published, ...]) -> Iterator[Published]:
    """The entries and what they need, each once, in the order of the table."""
    wanted = {entry.name for entry in entries}
    wanted |= {need for entry in entries for need in entry.needs}
    return (entry for entry in CATALOGUE if entry.name in wanted)


def is_wanted(file: str) -> bool:
    """Whether a published file (name without folder) is data a model needs: never code, never a pickle but one.

    silence_latent.pt is the one: it is opened with weights-only unpickling.
    """
    return file.endswith((".safetensors", ".json")) or file in TOKENIZER_FILES or file == SILENCE.name
