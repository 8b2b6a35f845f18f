"""The tiny checkpoints as ComfyUI keeps them: a file for each network, or one for all; and its autoencoder, built anew.

The autoencoder below is the tree of numbered layers that those files are stored from, made of torch's own parts, so
that their names and numbers come from running it and not from the table under test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from tests.model.acestep.tiny_folder import END, text_network, tokenizer
from tests.model.acestep.tiny_models import TURBO

MODEL, VAE, TEXT = "model.diffusion_model.", "vae.", "text_encoders.qwen3_06b.transformer."
UNTRAINED = {"untrained": "true"}
STRIDES = (2, 4, 4, 6, 10)
WIDTHS = (4, 4, 8, 16, 32, 64)  # 32nds of the published ones
LATENTS = 64


class Snake(nn.Module):
    """x + sin(exp(alpha) x)^2 / exp(beta), by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(0.1 * torch.randn(channels))
        self.beta = nn.Parameter(0.1 * torch.randn(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + (x * self.alpha.exp()[:, None]).sin() ** 2 / (self.beta.exp()[:, None] + 1e-9)


class Numbered(nn.Module):
    """Layers one after another under `layers.N`; with_shortcut: the input is added to what comes out."""

    def __init__(self, *layers: nn.Module, with_shortcut: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.with_shortcut = with_shortcut

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return x + out if self.with_shortcut else out


def _convolution(*sizes: int, **more: object) -> nn.Module:
    return weight_norm(nn.Conv1d(*sizes, **more))  # type: ignore[arg-type]


def _units(channels: int) -> list[nn.Module]:
    return [
        Numbered(
            Snake(channels),
            _convolution(channels, channels, 7, dilation=dilation, padding=3 * dilation),
            Snake(channels),
            _convolution(channels, channels, 1),
            with_shortcut=True,
        )
        for dilation in (1, 3, 9)
    ]


def make_autoencoder(widths: tuple[int, ...] = WIDTHS, device: str = "cpu") -> nn.ModuleDict:
    """`encoder`: audio [B, 2, N] -> mean and scale [B, 128, N / 1920]; `decoder`: latents [B, 64, T] -> audio."""
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(3)
        down = [
            Numbered(
                *_units(narrow),
                Snake(narrow),
                _convolution(narrow, wide, 2 * step, stride=step, padding=step // 2),
            )
            for narrow, wide, step in zip(widths[:-1], widths[1:], STRIDES, strict=True)
        ]
        up = [
            Numbered(
                Snake(wide),
                weight_norm(nn.ConvTranspose1d(wide, narrow, 2 * step, step, padding=step // 2)),
                *_units(narrow),
            )
            for narrow, wide, step in zip(widths[:-1], widths[1:], STRIDES, strict=True)
        ][::-1]
        return nn.ModuleDict(
            {
                "encoder": Numbered(
                    _convolution(2, widths[0], 7, padding=3),
                    *down,
                    Snake(widths[-1]),
                    _convolution(widths[-1], 2 * LATENTS, 3, padding=1),
                ),
                "decoder": Numbered(
                    _convolution(LATENTS, widths[-1], 7, padding=3),
                    *up,
                    Snake(widths[0]),
                    _convolution(widths[0], 2, 7, padding=3, bias=False),
                ),
            }
        ).eval()


def music_tensors() -> dict[str, Tensor]:
    return load_file(TURBO / "model.safetensors")


def vae_tensors(autoencoder: nn.Module | None = None) -> dict[str, Tensor]:
    """Under the names that torch gave weight norms when the published file was made."""
    stored = (autoencoder or make_autoencoder()).state_dict()
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    tensors = {}
    for name, value in stored.items():
        for newer, older in names.items():
            name = name.replace(newer, older)
        tensors[name] = value.detach().clone()
    return tensors


def text_tensors() -> dict[str, Tensor]:
    return {f"model.{name}": value.bfloat16() for name, value in text_network().state_dict().items()}


def write_split(models: Path, name: str = "acestep_v1.5_turbo") -> Path:
    """ComfyUI's folder `models`, a file for each network, and a folder with the tokenizer; returns the music model."""
    parts = {
        f"diffusion_models/{name}": music_tensors(),
        "vae/ace_1.5_vae": vae_tensors(),
        "text_encoders/qwen_0.6b_ace15": text_tensors(),
    }
    for file, tensors in parts.items():
        write_single(models / f"{file}.safetensors", tensors)
    write_tokenizer(models / "Qwen3-Embedding-0.6B-tokenizer")
    return models / "diffusion_models" / f"{name}.safetensors"


def all_in_one() -> dict[str, Tensor]:
    """Every network in one file, with what else such a file holds: a planner, and a number for each text model."""
    texts = text_tensors()
    planner = "text_encoders.qwen3_2b."
    return {
        **{MODEL + name: value for name, value in music_tensors().items()},
        **{VAE + name: value for name, value in vae_tensors().items()},
        **{TEXT + name: value for name, value in texts.items()},
        **{f"{planner}transformer.{name}": value.clone() for name, value in texts.items()},
        f"{planner}logit_scale": torch.tensor(4.6),
        "text_encoders.qwen3_06b.logit_scale": torch.tensor(4.6),
    }


def write_single(file: Path, tensors: Mapping[str, Tensor]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, file, metadata=UNTRAINED)
    return file


def write_tokenizer(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def write_merges(comfyui: Path) -> Path:
    """The tokenizer as it comes with ComfyUI itself: a vocabulary, merges, and which words are special."""
    folder = comfyui / "comfy" / "text_encoders" / "qwen25_tokenizer"
    folder.mkdir(parents=True)
    vocabulary = tokenizer().get_vocab(with_added_tokens=False)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    end = {
        "content": END,
        "special": True,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "single_word": False,
    }
    fields = {
        "added_tokens_decoder": {str(len(vocabulary)): end},
        "eos_token": END, "pad_token": END, "tokenizer_class": "Qwen2Tokenizer",
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder
