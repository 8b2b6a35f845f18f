"""A Stable Audio Open of some ten thousand random weights, saved by its own libraries as the published ones are.

Its window has four seconds, of frames half as long as the published ones, so that parts and edges show.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

WORDS = "funk brushes rain on a tin roof"
LETTERS = "▁abcdefghijklmnopqrstuvwxyzBCMP0123456789,"


def write_stable_audio(folder: Path, *, seed: int = 0) -> Path:
    """Makes the folder. Needs torch, transformers and diffusers."""
    import torch
    from diffusers import AutoencoderOobleck, StableAudioDiTModel
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel
    from transformers import T5Config, T5EncoderModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        words = T5Config(
            vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0, eos_token_id=1
        )  # fmt: skip
        text_encoder = T5EncoderModel(words)
        projection_model = StableAudioProjectionModel(16, 16, 0, 512)
        transformer = StableAudioDiTModel(
            sample_size=172, in_channels=8, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            num_key_value_attention_heads=1, out_channels=8, cross_attention_dim=16, time_proj_dim=16,
            global_states_input_dim=32, cross_attention_input_dim=16,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # of torch's weight norm, which the library still uses
            vae = AutoencoderOobleck(
                encoder_hidden_size=16, downsampling_ratios=[2, 4, 4, 4, 8], channel_multiples=[1, 1, 2, 2, 2],
                decoder_channels=4, decoder_input_channels=8,
            )  # fmt: skip
    for name, part in (("text_encoder", text_encoder), ("projection_model", projection_model),
                       ("transformer", transformer), ("vae", vae)):  # fmt: skip
        part.save_pretrained(folder / name)
    (folder / "tokenizer").mkdir()
    _tokenizer().save(str(folder / "tokenizer" / "tokenizer.json"))
    (folder / "scheduler").mkdir()
    for file, fields in {
        "scheduler/scheduler_config.json": {
            "_class_name": "CosineDPMSolverMultistepScheduler", "sigma_min": 0.3, "sigma_max": 500, "sigma_data": 1.0,
            "sigma_schedule": "exponential", "num_train_timesteps": 1000, "solver_order": 2,
            "prediction_type": "v_prediction", "rho": 7.0, "solver_type": "midpoint", "lower_order_final": True,
            "euler_at_final": False, "final_sigmas_type": "zero",
        },
        "tokenizer/tokenizer_config.json": {
            "tokenizer_class": "T5Tokenizer", "model_max_length": 24, "extra_ids": 2, "eos_token": "</s>",
            "pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": ["<extra_id_0>", "<extra_id_1>"],
        },
        "model_index.json": {"_class_name": "StableAudioPipeline", "untrained": True},
    }.items():  # fmt: skip
        (folder / file).write_text(json.dumps(fields, indent=2), encoding="utf-8")
    return folder


def _tokenizer():  # type: ignore[no-untyped-def]
    """As T5's: likeliest pieces of words, an end after them."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace, Sequence, WhitespaceSplit
    from tokenizers.processors import TemplateProcessing

    pieces = [*(f"▁{word}" for word in WORDS.split()), *LETTERS]
    vocabulary = [(mark, 0.0) for mark in ("<pad>", "</s>", "<unk>")] + [(piece, -1.0) for piece in pieces]
    found = Tokenizer(Unigram(vocabulary, unk_id=2))
    found.pre_tokenizer = Sequence([WhitespaceSplit(), Metaspace()])
    found.post_processor = TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    return found
