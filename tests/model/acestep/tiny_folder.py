"""A whole folder of models as the official application keeps it, small and untrained: what it renders is noise.

The networks are the stored tiny ones; the autoencoder (published strides, narrow layers) and the text encoder get
random weights under their published names.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import Qwen3Config, Qwen3Model

from tests.model.acestep.golden_data import table
from tests.model.acestep.tiny_models import TURBO

TEXT = "Qwen3-Embedding-0.6B"
END = "<|endoftext|>"
WORDS = 257  # bytes and the end marker
TEXT_FIELDS = {
    "model_type": "qwen3",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 260,
    "rope_theta": 1_000_000,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
NARROWER = 32  # the autoencoder's widths, as a part of the published ones


def write_models(folder: Path, *names: str) -> Path:
    """Checkpoints of these names (turbo if they say so) with all they need; returns `folder`."""
    for name in names:
        write_checkpoint(folder / name)
    write_vae(folder / "vae")
    write_text_encoder(folder / TEXT)
    return folder


def write_checkpoint(folder: Path) -> Path:
    shutil.copytree(TURBO, folder)
    turbo = "turbo" in folder.name
    fields = json.loads((folder / "config.json").read_text()) | {"is_turbo": turbo, "untrained": True}
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


def sharpen(checkpoint: Path) -> None:
    """Lets a head of a checkpoint attend to its lyrics sharply; where, random weights decide."""
    fields = json.loads((checkpoint / "config.json").read_text()) | {
        "lyric_alignment_layers_config": {"3": [0]}
    }
    (checkpoint / "config.json").write_text(json.dumps(fields))
    tensors = load_file(checkpoint / "model.safetensors")
    for name, tensor in tensors.items():
        if name.endswith("cross_attn.q_norm.weight"):
            tensor *= 100
    save_file(tensors, checkpoint / "model.safetensors")


def write_vae(folder: Path) -> Path:
    """Random weights under the published names and with the published strides, every width a 32nd."""
    folder.mkdir(parents=True)
    keys = table("checkpoint_keys")["vae"]["keys"]
    source = torch.Generator().manual_seed(1)
    tensors = {name: _vae_tensor(name, row[0], source) for name, row in keys.items()}
    save_file(tensors, folder / "diffusion_pytorch_model.safetensors")
    fields = {
        "_class_name": "AutoencoderOobleck",
        "audio_channels": 2,
        "channel_multiples": [1, 2, 4, 8, 16],
        "decoder_channels": 128 // NARROWER,
        "decoder_input_channels": 64,
        "downsampling_ratios": [2, 4, 4, 6, 10],
        "encoder_hidden_size": 128 // NARROWER,
        "sampling_rate": 48_000,
    }
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


def _vae_tensor(name: str, shape: list[int], source: torch.Generator) -> Tensor:
    latents = {"encoder.conv2": 0, "decoder.conv1": 1}  # the axis that counts latents, which stay 64
    kept = latents.get(name.rpartition(".")[0])
    sizes = [size // NARROWER if size >= 128 and axis != kept else size for axis, size in enumerate(shape)]
    drawn = torch.randn(sizes, generator=source)
    if name.endswith("weight_g"):
        return (
            0.58 + drawn * 0.02
        )  # about the length torch starts a convolution's rows with: the noise is not loud
    return drawn * 0.1 if name.endswith(("alpha", "beta", "bias")) else drawn


def write_text_encoder(folder: Path, prefix: str = "") -> Path:
    """A random Qwen3 and a tokenizer of bytes that appends an end marker, like the published one."""
    folder.mkdir(parents=True)
    tensors = {prefix + name: value.bfloat16() for name, value in text_network().state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TEXT_FIELDS))
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def text_network() -> Qwen3Model:
    """The network of `write_text_encoder`, its weights as they are after being stored in bfloat16."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Qwen3Model(Qwen3Config.from_dict(TEXT_FIELDS))
    for parameter in network.parameters():
        parameter.data = parameter.data.bfloat16().float()
    return network.eval()


def tokenizer() -> Tokenizer:
    letters = sorted(ByteLevel.alphabet())
    made = Tokenizer(BPE({letter: index for index, letter in enumerate(letters)}, []))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.add_special_tokens([END])
    made.post_processor = TemplateProcessing(single=f"$A {END}", special_tokens=[(END, len(letters))])
    return made
