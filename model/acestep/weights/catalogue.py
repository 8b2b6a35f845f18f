"""The published ACE-Step 1.5 checkpoints: their names, repositories and companions.

One table. The hub itself lists the files to download, with sizes and digests; the figures here are for estimates before
asking it, and for checking folders from elsewhere. Needs no torch.
"""

from __future__ import annotations

from model.published import PROJECTS, Kind, Published, PublishedFile

MAIN_REPOSITORY = "ACE-Step/Ace-Step1.5"
MIT = "MIT"

CONFIG = PublishedFile("config.json")
WORDS = (PublishedFile("tokenizer.json"), PublishedFile("tokenizer_config.json"))
INDEX = PublishedFile("model.safetensors.index.json")
SILENCE = PublishedFile("silence_latent.pt", 3_841_215, "a778e9dd")
COMPANIONS = ("vae", "text-encoder")


def _weights_2b(sha256: str = "") -> tuple[PublishedFile, ...]:
    """turbo, base and sft have equal tensors, so equal sizes (computed from their list, and observed)."""
    return (PublishedFile("model.safetensors", 4_787_825_604, sha256), CONFIG, SILENCE)


# Turbo variants have the same networks; the sizes of their files have not been observed.
VARIANT_2B = (PublishedFile("model.safetensors"), CONFIG, PublishedFile("silence_latent.pt"))
# Four shards in float32; only their total is known.
SHARDS_XL = (
    *(PublishedFile(f"model-{number:05}-of-00004.safetensors") for number in range(1, 5)),
    INDEX,
    CONFIG,
    PublishedFile("silence_latent.pt"),
)
SIZE_2B = 4_790_000_000
SIZE_XL = 19_950_000_000


def _music(
    name: str, files: tuple[PublishedFile, ...], size: int, about: str, licence: str = PROJECTS
) -> Published:
    """A music model in its own repository."""
    folder, page = f"acestep-v15-{name}", f"ACE-Step/acestep-v15-{name}"
    return Published(name, Kind.MUSIC, folder, page, files, size, about, needs=COMPANIONS, licence=licence)


ACESTEP_MODELS: tuple[Published, ...] = (
    Published(
        "turbo", Kind.MUSIC, "acestep-v15-turbo", MAIN_REPOSITORY, _weights_2b("3f6e0797"), SIZE_2B,
        "Fast, eight steps: repaints, continues and generates. No stems, added tracks or accompaniments.",
        "acestep-v15-turbo", COMPANIONS, licence=MIT,
    ),
    _music(
        "base", _weights_2b(), SIZE_2B, "Every task, including stems and accompaniments, in about fifty steps.", MIT,
    ),
    _music("sft", _weights_2b("d4dd3a93"), SIZE_2B, "Fine-tuned on curated music, about fifty steps. No stems.", MIT),
    _music("turbo-shift1", VARIANT_2B, SIZE_2B, "Turbo, distilled for shift 1."),
    _music("turbo-shift3", VARIANT_2B, SIZE_2B, "Turbo, distilled for shift 3."),
    _music("turbo-continuous", VARIANT_2B, SIZE_2B, "Turbo, for any shift from 1 to 5."),
    _music("xl-turbo", SHARDS_XL, SIZE_XL, "Turbo at twice the size; needs a large GPU."),
    _music("xl-base", SHARDS_XL, SIZE_XL, "Every task at twice the size; needs a large GPU.", MIT),
    _music("xl-sft", SHARDS_XL, SIZE_XL, "Fine-tuned on curated music, at twice the size; needs a large GPU.", MIT),
    Published(
        "vae", Kind.VAE, "vae", MAIN_REPOSITORY,
        (PublishedFile("diffusion_pytorch_model.safetensors", 337_431_388, "da17edb6"), CONFIG), 337_000_000,
        "Converts between latents and audio; every music model needs it.", "vae", licence=MIT,
    ),
    Published(
        "text-encoder", Kind.TEXT_ENCODER, "Qwen3-Embedding-0.6B", MAIN_REPOSITORY,
        (PublishedFile("model.safetensors", 1_191_586_416), CONFIG, *WORDS), 1_210_000_000,
        "Reads prompts and lyrics; every music model needs it.", "Qwen3-Embedding-0.6B", licence="Apache 2.0",
    ),
    Published(
        "tokenizer", Kind.TOKENIZER, "Qwen3-Embedding-0.6B-tokenizer", MAIN_REPOSITORY, WORDS, 11_400_000,
        "Only the text encoder's tokenizer, for ComfyUI files, which lack it.", "Qwen3-Embedding-0.6B",
        whole=False, licence="Apache 2.0",
    ),
    Published(
        "planner-0.6b", Kind.PLANNER, "acestep-5Hz-lm-0.6B", "ACE-Step/acestep-5Hz-lm-0.6B",
        (PublishedFile("model.safetensors", 1_325_804_024), CONFIG, *WORDS), 1_350_000_000,
        "Plans songs; the smallest planner.", licence=MIT,
    ),
    Published(
        "planner-1.7b", Kind.PLANNER, "acestep-5Hz-lm-1.7B", MAIN_REPOSITORY,
        (PublishedFile("model.safetensors", 3_708_521_528), CONFIG, *WORDS), 3_730_000_000,
        "Plans songs.", "acestep-5Hz-lm-1.7B", licence=MIT,
    ),
    Published(
        "planner-4b", Kind.PLANNER, "acestep-5Hz-lm-4B", "ACE-Step/acestep-5Hz-lm-4B",
        # Two shards, named in the index.
        (INDEX, CONFIG, *WORDS), 8_400_000_000, "Plans songs; the largest planner.",
    ),
)  # fmt: skip

# Downloaded besides safetensors and JSON; never Python files, pickles, pictures or anything else.
TOKENIZER_FILES = ("merges.txt", "vocab.txt", "chat_template.jinja")


def is_wanted(file: str) -> bool:
    """Whether to download a published file (name without folder): data only, no code and no pickle but one.

    The exception is silence_latent.pt, which is opened with weights-only unpickling.
    """
    return file.endswith((".safetensors", ".json")) or file in TOKENIZER_FILES or file == SILENCE.name
