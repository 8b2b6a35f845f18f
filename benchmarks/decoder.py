"""Processor time of the ACE-Step autoencoder, at its published size and in one thread, for each second of sound.

    python -m benchmarks.decoder

Random weights, which do not change the work. acestep.cpp (C++, ggml), built and timed by hand on such a processor, took
4.4 s for a second of sound; it is no part of this command.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from model.acestep.conditioning.sound_latents import decode_frames, encode
from model.acestep.device.devices import choose_device
from model.acestep.device.freed_memory import keep_freed_memory
from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.networks.vae import Vae, VaeConfig

FRAMES = 76
"""Latent frames: 3.04 s."""


def main() -> None:
    for what, seconds in each_second(VaeConfig()).items():
        print(f"{what:<10} {seconds:.2f} s of processor time for each second of sound")


def each_second(config: VaeConfig, frames: int = FRAMES, runs: int = 3) -> dict[str, float]:
    """Seconds for each second of sound: encoding and decoding, streamed as a render does; the best of some runs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(1)
        vae = Vae(config).requires_grad_(False)
        choose_device("cpu").fit(vae)
        keep_freed_memory()
        sound = torch.randn(1, config.audio_channels, frames * config.hop) * 0.1
        latents = torch.randn(1, frames, config.latent_channels)
        works: dict[str, Callable[[], object]] = {
            "encoding": lambda: encode(vae, sound),
            "decoding": lambda: list(decode_frames(vae, latents, (0, frames), frames)),
        }
        return {
            what: min(_seconds(work) for _ in range(runs)) * FRAMES_PER_SECOND / frames
            for what, work in works.items()
        }
    finally:
        torch.set_num_threads(threads)


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


if __name__ == "__main__":
    main()
