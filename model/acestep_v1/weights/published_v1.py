"""The published ACE-Step v1 checkpoint: its folders, side by side as in the official application, and their sizes.

Sizes follow from the list of tensors. The lyric vocabulary is not part of the checkpoint: it lies with the published
code. Needs no torch.
"""

from __future__ import annotations

from model.published import Kind, Published, PublishedFile

REPOSITORY = "ACE-Step/ACE-Step-v1-3.5B"
FOLDER = "ACE-Step-v1-3.5B"
TRANSFORMER = "ace_step_transformer"
CODEC = "music_dcae_f8c8"
VOCODER = "music_vocoder"
TEXT_ENCODER = "umt5-base"
PARTS = (TRANSFORMER, CODEC, VOCODER, TEXT_ENCODER)
LYRICS = "lyric_vocabulary"
VOCABULARY = "vocab.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
APACHE = "Apache 2.0"

_CONFIG = "config.json"
_COMPANIONS = ("v1-codec", "v1-vocoder", "v1-text-encoder", "v1-lyrics")

V1_MODELS: tuple[Published, ...] = (
    Published(
        "v1", Kind.MUSIC, f"{FOLDER}/{TRANSFORMER}", REPOSITORY,
        (PublishedFile(WEIGHTS, 6_611_422_728, "e810f167"), PublishedFile(_CONFIG, None, "4d78beb6")), 6_611_000_000,
        "ACE-Step v1, for its many adapters and its voices: generates, repaints, continues and covers, in 60 steps.",
        TRANSFORMER, _COMPANIONS, licence=APACHE,
    ),
    Published(
        "v1-codec", Kind.VAE, f"{FOLDER}/{CODEC}", REPOSITORY,
        (PublishedFile(WEIGHTS, 313_646_516, "2b0cb469"), PublishedFile(_CONFIG, None, "b14a49a8")), 314_000_000,
        "Converts between v1's latents and its mel pictures; v1 needs it.", CODEC, licence=APACHE,
    ),
    Published(
        "v1-vocoder", Kind.VAE, f"{FOLDER}/{VOCODER}", REPOSITORY,
        (PublishedFile(WEIGHTS, 206_350_988, "c92c9b46"), PublishedFile(_CONFIG, None, "39ddc4c4")), 206_000_000,
        "Turns v1's mel pictures into audio; v1 needs it.", VOCODER, licence=APACHE,
    ),
    Published(
        "v1-text-encoder", Kind.TEXT_ENCODER, f"{FOLDER}/{TEXT_ENCODER}", REPOSITORY,
        (
            PublishedFile("model.safetensors", 1_127_460_248, "779cec0d"), PublishedFile(_CONFIG, None, "afae5da9"),
            PublishedFile("tokenizer.json", None, "20a46ac2"),
        ), 1_144_000_000,
        "Reads v1's prompts; v1 needs it.", TEXT_ENCODER, licence=APACHE,
    ),
    Published(
        "v1-lyrics", Kind.TOKENIZER, f"{FOLDER}/{LYRICS}", "ace-step/ACE-Step",
        (PublishedFile(VOCABULARY, 364_005, "c2a66ea4"),), 364_000,
        "The tokens of v1's lyrics, from its published code; singing needs it.", whole=False, licence=APACHE,
        address="https://raw.githubusercontent.com/ace-step/ACE-Step/main/acestep/models/lyrics_utils/vocab.json",
    ),
)  # fmt: skip
