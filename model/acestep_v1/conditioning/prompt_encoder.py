"""Reads prompts: the UMT5 encoder of `transformers`, filled from the checkpoint's own file.

The tokenizer is the stored tokenizer.json, or, for a single file, the SentencePiece model inside it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from model.acestep.weights.checkpoint import fill
from model.acestep.weights.model_folders import read_fields
from model.acestep.weights.stored_names import Recipe
from model.acestep.weights.tensor_files import DOWNLOAD_AGAIN, TensorFiles, weight_files
from model.acestep_v1.conditioning.sentence_pieces import tokenizer_of_pieces
from model.acestep_v1.weights.published_v1 import TEXT_ENCODER
from model.acestep_v1.weights.v1_folders import SENTENCE_PIECES, V1Checkpoint
from model.errors import NotLoaded

if TYPE_CHECKING:
    from transformers import UMT5Config, UMT5EncoderModel

MAX_TOKENS = 256
"""Of a prompt, its end included."""
WEAKENED_BLOCKS = (8, 9)
_SHARED, _TIED = "shared.weight", "encoder.embed_tokens.weight"
_IGNORED = ("logit_scale",)
PUBLISHED_CONFIG = {
    "d_model": 768, "d_kv": 64, "num_heads": 12, "num_layers": 12, "d_ff": 2048, "vocab_size": 256384,
    "feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6,
}  # fmt: skip


class _TextPart(enum.Enum):
    TEXT = "text encoder"


class PromptEncoder:
    """Prompts -> states. Raises NotLoaded if tokenizer and network do not match."""

    def __init__(self, network: UMT5EncoderModel, tokenizer: Tokenizer) -> None:
        words, rows = tokenizer.get_vocab_size(with_added_tokens=True), int(network.config.vocab_size)
        if words > rows:
            raise NotLoaded(
                f"The tokenizer has {words} tokens, the text encoder {rows}: they belong to different models.",
                DOWNLOAD_AGAIN,
            )
        self._network = network
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()

    def ids(self, prompt: str) -> list[int]:
        """At most 256 tokens; the end is kept."""
        self._tokenizer.enable_truncation(MAX_TOKENS, direction="right")
        found: list[int] = self._tokenizer.encode(prompt).ids
        return found

    def unread(self, prompt: str) -> str:
        """The end of a prompt that is cut; "" if all of it is read."""
        self._tokenizer.no_truncation()
        read = self._tokenizer.encode(prompt)
        return "" if len(read.ids) <= MAX_TOKENS else prompt[read.offsets[MAX_TOKENS - 1][0] :]

    def states(self, prompt: str, tau: float = 1.0) -> Tensor:
        """Last hidden states [1, L, width]. tau: multiplies the queries of the weakened blocks."""
        ids = torch.tensor([self.ids(prompt)], device=self._network.shared.weight.device)
        with torch.no_grad(), self._weakened(tau):
            found: Tensor = self._network(
                input_ids=ids, attention_mask=torch.ones_like(ids)
            ).last_hidden_state
        return found

    @contextmanager
    def _weakened(self, tau: float) -> Iterator[None]:
        """The weakened blocks' queries, multiplied for as long as this is open."""
        layers: list[nn.Module] = []
        if tau != 1.0:
            blocks: Any = self._network.encoder.block
            layers = [blocks[index].layer[0].SelfAttention.q for index in WEAKENED_BLOCKS]
        hooks = [layer.register_forward_hook(lambda _layer, _into, out: out * tau) for layer in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def load_prompt_network(
    checkpoint: V1Checkpoint, dtype: torch.dtype, device: torch.device | str
) -> UMT5EncoderModel:
    """The network, strictly. Raises NotLoaded."""
    config = prompt_config(checkpoint)
    files = TensorFiles(
        weight_files(checkpoint.place(TEXT_ENCODER), "model"), checkpoint.prefix(TEXT_ENCODER)
    )
    recipes = prompt_recipes(files.names())
    return fill(lambda: _built(config), recipes, files.read, _TextPart.TEXT, dtype, device)


def prompt_recipes(names: list[str]) -> dict[str, Recipe]:
    """The stored tensor of each parameter; the input embeddings may be stored under either of two names."""
    recipes = {name: Recipe((name,)) for name in names if not name.endswith(_IGNORED)}
    if _SHARED in recipes:
        recipes[_TIED] = recipes[_SHARED]
    elif _TIED in recipes:
        recipes[_SHARED] = recipes[_TIED]
    return recipes


def prompt_config(checkpoint: V1Checkpoint) -> UMT5Config:
    """The config of the folder; the published one for a single file. Raises NotLoaded."""
    from transformers import UMT5Config

    place = checkpoint.place(TEXT_ENCODER)
    fields = dict(PUBLISHED_CONFIG) if checkpoint.single else dict(read_fields(place / "config.json"))
    if fields.get("model_type", "umt5") != "umt5":
        raise NotLoaded(
            f"{place} is not v1's text encoder: its type is {fields['model_type']!r}, not 'umt5'.",
            DOWNLOAD_AGAIN,
        )
    try:
        config = UMT5Config.from_dict(fields)
        with torch.device("meta"):
            _built(config)
    except Exception as wrong:  # the library checks some fields with errors of its own, and trips over others
        raise NotLoaded(f"{place} describes a network that cannot exist: {wrong}", DOWNLOAD_AGAIN) from wrong
    return config


def _built(config: UMT5Config) -> UMT5EncoderModel:
    from transformers import UMT5EncoderModel

    return UMT5EncoderModel(config)


def load_prompt_tokenizer(checkpoint: V1Checkpoint) -> Tokenizer:
    """The prompt's tokenizer. Raises NotLoaded."""
    path = checkpoint.place(TEXT_ENCODER)
    if checkpoint.single:
        stored = TensorFiles([path]).read(SENTENCE_PIECES)
        return tokenizer_of_pieces(bytes(stored.to(torch.uint8).flatten().tolist()), path)
    file = path / "tokenizer.json"
    try:
        return Tokenizer.from_file(str(file))
    except Exception as broken:  # the library raises no narrower type
        raise NotLoaded(f"{file} cannot be read: {broken}.", "Download that file again.") from broken


def prompt_parameters(checkpoint: V1Checkpoint) -> int:
    """Number of parameters; reads no weights."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in _built(prompt_config(checkpoint)).parameters())


def prompt_files(checkpoint: V1Checkpoint) -> list[Path]:
    """The file or files of its weights."""
    return weight_files(checkpoint.place(TEXT_ENCODER), "model")
