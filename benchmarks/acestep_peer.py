"""Measures the ACE-Step engine on a CPU against diffusers at equal random weights and prints both with the aims.

    python -m benchmarks.acestep_peer            # a song of four minutes, about ten minutes on one core
    python -m benchmarks.acestep_peer --quick    # of forty seconds, about two minutes; no ratio of lengths is meant

The transformer is as wide as the published ones, with a sixth of their layers; the autoencoder is a quarter as wide.
Strides and schedule are the published. The peer renders twice: the whole song, as it does by itself, and the same
window of it that ours uses. Each side runs in a process of its own, one after the other, so that neither warms or fills
the other's memory; only ratios from one run count. Each computes in one thread and is timed by the processor's time, so
that what else the machine does counts for neither. Ours computes the transformer in what the processor is fastest in,
and says which that is.
Needs diffusers: pip install takebridge[parity].
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.figures import Aim, Figure

if TYPE_CHECKING:
    from torch import Tensor

RATE = 48_000
REGION_SECONDS = 4.0
SURROUND_SECONDS = 16.0  # what a request on a processor gets that asks for nothing else
STEPS, SHIFT = 8, 3.0
TAKES = 4
LATENTS = 16  # a quarter of the published, as all widths of the autoencoder are: its first is twice this
CONDITION_TOKENS = 300
BLOCK = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
LAYERS = 4  # of 24


@dataclass(frozen=True)
class Load:
    """song_seconds: of the song repainted. dit_seconds, decode_seconds: of the single measurements."""

    song_seconds: float
    dit_seconds: float
    decode_seconds: float
    repeats: int


FULL = Load(song_seconds=240, dit_seconds=120, decode_seconds=60, repeats=3)
QUICK = Load(song_seconds=40, dit_seconds=40, decode_seconds=15, repeats=2)

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="shorter songs")
    parser.add_argument("--side", choices=("peer", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    load = QUICK if arguments.quick else FULL
    if arguments.side:
        print(
            json.dumps({"peer": measure_peer, "ours": measure_ours}[arguments.side](arguments.folder, load))
        )
        return
    print_table(load, *both_sides(arguments.quick))


def both_sides(quick: bool) -> tuple[Figures, Figures]:
    """The peer's figures and ours."""
    with tempfile.TemporaryDirectory() as folder:
        peer = _in_own_process("peer", Path(folder), quick)
        return peer, _in_own_process("ours", Path(folder), quick)


def figures(quick: bool) -> list[Figure]:
    """The comparison over equal windows; the window of the whole song is printed by this command alone."""
    peer, ours = both_sides(quick)
    kernels = "bfloat16" if ours["bfloat16"] else "float32, oneDNN" if ours["onednn"] else "float32"

    def row(name: str, theirs: str, own: str, least: float) -> Figure:
        return Figure(
            f"ACE-Step on a processor ({kernels}), one thread", name, ours[own], "s", peer[theirs], "diffusers",
            Aim(least, at_least=True), ratio_aim=True,
        )  # fmt: skip

    return [
        row("first request on a song", "window", "fresh", 6),
        row("another take", "window", "cached", 18),
        row("transformer step", "step_1", "step_1", 1.8),
        row("decoding", "decode", "decode", 3.5),
    ]


def _in_own_process(side: str, folder: Path, quick: bool) -> Figures:
    command = [sys.executable, "-m", "benchmarks.acestep_peer", "--side", side, "--folder", str(folder)]
    done = subprocess.run(command + ["--quick"] * quick, stdout=subprocess.PIPE, check=True, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


# --- what both sides share ----------------------------------------------------------------------------


def song(load: Load) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Noise, float32 [frames, 2]: time and memory do not depend on what is heard."""
    frames = round(load.song_seconds * RATE)
    return np.random.default_rng(1).normal(0, 0.1, (frames, 2)).astype(np.float32)


def region(load: Load) -> tuple[float, float]:
    start = load.song_seconds / 2
    return start, start + REGION_SECONDS


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the quickest of some runs: everything slower is the machine's doing."""
    return min(_seconds(work) for _ in range(repeats))


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def peak_bytes() -> int:
    """The most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def frames_of(seconds: float) -> int:
    return round(seconds * 25)


def drawn(*shape: int) -> Tensor:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


# --- the peer -----------------------------------------------------------------------------------------


def measure_peer(folder: Path, load: Load) -> Figures:
    """Writes the networks to `folder`, then measures; the whole-song path first, since memory only grows."""
    import torch
    from diffusers import AceStepPipeline, FlowMatchEulerDiscreteScheduler
    from diffusers.utils import logging
    from transformers import PreTrainedTokenizerFast

    from tests.model.acestep.tiny_folder import END, text_network, tokenizer, write_text_encoder
    from tests.parity.peer import Sizes, write_peer, write_vae

    logging.set_verbosity_error()
    torch.set_num_threads(1)
    peer = write_peer(folder, Sizes(BLOCK, {}, layers=LAYERS, latents=LATENTS), seed=1)
    vae = write_vae(folder / "vae", 1, encoder_hidden_size=2 * LATENTS, decoder_channels=2 * LATENTS)
    write_text_encoder(folder / "text_encoder")
    write_text_encoder(folder / "tokenizer")
    theirs = AceStepPipeline(
        vae=vae,
        text_encoder=text_network(),
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer(), pad_token=END),
        transformer=peer.transformer,
        condition_encoder=peer.conditions,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )
    theirs.set_progress_bar_config(disable=True)
    vae.enable_tiling()
    before = peak_bytes()
    start, end = region(load)
    audio = torch.from_numpy(song(load).T.copy())

    def repaint(first: float, last: float) -> None:
        """All of what it is given, from `first` to `last` seconds of the song."""
        theirs(
            prompt="warm tape",
            lyrics="",
            src_audio=audio[:, round(first * RATE) : round(last * RATE)],
            audio_duration=0,
            task_type="repaint",
            repainting_start=start - first,
            repainting_end=end - first,
            num_inference_steps=STEPS,
            shift=SHIFT,
            guidance_scale=1.0,
        )

    window = start - SURROUND_SECONDS, end + SURROUND_SECONDS
    figures = {"window": best(lambda: repaint(*window), load.repeats), "window_bytes_all": peak_bytes()}
    figures["song"] = _seconds(lambda: repaint(0, load.song_seconds))
    figures["song_bytes"] = peak_bytes() - before
    figures["song_bytes_all"] = peak_bytes()
    latents = drawn(1, LATENTS, frames_of(load.decode_seconds))
    with torch.no_grad():
        figures["decode"] = best(lambda: vae.decode(latents), load.repeats)
        frames = frames_of(load.dit_seconds)
        for takes in (1, TAKES):
            x, context = drawn(takes, frames, LATENTS), drawn(takes, frames, 2 * LATENTS)
            states, at = drawn(takes, CONDITION_TOKENS, BLOCK["hidden_size"]), torch.full((takes,), 0.5)
            step = lambda: peer.transformer(x, at, at, states, context)  # noqa: B023, E731 - used at once
            figures[f"step_{takes}"] = best(step, load.repeats)
    return figures


# --- ours ---------------------------------------------------------------------------------------------


def measure_ours(folder: Path, load: Load) -> Figures:
    """Reads the networks from `folder` and measures through the engine, then two networks alone."""
    import torch

    from model.acestep.engine import AceStepEngine, EngineConfig
    from model.engine import Grid, Piece, RenderRequest, Song, Task

    torch.set_num_threads(1)
    engine = AceStepEngine(EngineConfig(str(folder), device="cpu"))
    engine.load(lambda _progress: None)
    before = peak_bytes()
    samples = song(load)
    songs = [Song(samples, RATE, f"noise {number}") for number in range(load.repeats)]
    beats = np.arange(int(load.song_seconds * 2))
    grid = Grid(beats * 0.5, beats % 4, np.full(len(beats), 4), beats // 4 + 1, np.full(len(beats), 120.0))

    def repaint(source: Song, seconds_later: float, take: int) -> Figures:
        """Seconds to the first second of audio, and to all of it."""
        start, end = (round((second + seconds_later) * RATE) for second in region(load))
        asked = RenderRequest(
            Task.REPAINT,
            source,
            RATE,
            2,
            start,
            end,
            grid,
            seed=3,
            takes=(take,),
            caption="warm tape",
            context_seconds=SURROUND_SECONDS,
            options={"steps": STEPS, "shift": SHIFT},
        )
        began, first, rendered = time.process_time(), 0.0, 0
        for found in engine.render(asked, lambda _progress: None, lambda: False):
            rendered += len(found.samples) if isinstance(found, Piece) else 0
            if not first and rendered >= RATE:
                first = time.process_time() - began
        return {"all": time.process_time() - began, "first": first}

    def usual(figure: str, runs: list[Figures]) -> float:
        return float(np.median([run[figure] for run in runs]))

    # The same song under several names, so that each has a first request; the peer's one run is as long as many.
    runs = [(repaint(source, 0, 0), repaint(source, 0, 1), repaint(source, 2, 2)) for source in songs]
    fresh, cached, elsewhere = (list(alike) for alike in zip(*runs, strict=True))
    figures: Figures = {
        "fresh": usual("all", fresh),
        "cached": usual("all", cached),
        "elsewhere": usual("all", elsewhere),
        "first_second": usual("first", cached),
        "repaint_bytes": peak_bytes() - before,
        "repaint_bytes_all": peak_bytes(),
    }
    engine.unload()
    return figures | _networks_alone(folder, load)


def _networks_alone(folder: Path, load: Load) -> Figures:
    import torch

    from model.acestep.conditioning.sound_latents import decode_frames
    from model.acestep.device.devices import choose_device
    from model.acestep.weights.checkpoint import load_vae, open_weights
    from model.acestep.weights.model_folders import recognise

    vae = load_vae(folder / "vae", torch.float32, "cpu")
    device = choose_device("cpu")
    dit = open_weights(recognise(folder)).load_dit(device.transformer, "cpu")
    for network in (vae, dit):
        device.fit(network)
    figures: Figures = {"bfloat16": device.transformer is torch.bfloat16, "onednn": device.onednn}
    length = frames_of(load.decode_seconds)
    latents = drawn(1, LATENTS, length).transpose(1, 2)
    for name, streams in (("decode", True), ("decode_tiles", False)):
        firsts: list[float] = []

        def decode(streams: bool = streams, firsts: list[float] = firsts) -> None:
            began = time.process_time()
            for index, _ in enumerate(decode_frames(vae, latents, (0, length), 512, streams=streams)):
                if index == 0:
                    firsts.append(time.process_time() - began)

        figures[name] = best(decode, load.repeats)
        figures[f"{name}_first"] = min(firsts)
    with torch.no_grad():
        frames = frames_of(load.dit_seconds)
        plan, condition = (
            dit.plan(frames),
            dit.condition(drawn(1, CONDITION_TOKENS, dit.config.condition_width).to(device.transformer)),
        )
        context, at = drawn(1, frames, 2 * LATENTS), torch.tensor([0.5])
        for takes in (1, TAKES):
            x = drawn(takes, frames, LATENTS)
            figures[f"step_{takes}"] = best(
                lambda x=x: dit(x, context, at, condition, plan),  # type: ignore[misc]
                load.repeats,
            )
    return figures


# --- the table ----------------------------------------------------------------------------------------


def print_table(load: Load, peer: Figures, ours: Figures) -> None:
    def row(what: str, theirs: float, own: float, unit: str, aim: str, ratio: float) -> None:
        print(f"{what:<58} {theirs:>9.2f} {own:>9.2f} {unit:<3} {ratio:>7.2f}  {aim}")

    def faster(what: str, theirs: str, own: str, aim: str, scale: float = 1.0) -> None:
        row(what, peer[theirs], ours[own] * scale, "s", aim, peer[theirs] / (ours[own] * scale))

    kernels = "bfloat16" if ours["bfloat16"] else "float32, by oneDNN" if ours["onednn"] else "float32"
    print(f"\nThe transformer computes in {kernels} here; the peer in float32, all in one thread.")
    print(f"\n{'':<58} {'peer':>9} {'ours':>9} {'':<3} {'ratio':>7}  aim")
    length = f"{load.song_seconds:.0f} s"
    asked = f"repaint 4 s in {length}"
    for over, peers, aims in (
        (
            f"peer over the same {REGION_SECONDS + 2 * SURROUND_SECONDS:.0f} s",
            "window",
            (">= 18", "", ">= 6"),
        ),
        ("peer over the whole song", "song", (">= 20 (240 s)", "", ">= 10 (240 s)")),
    ):
        print(f"{over}:")
        faster(f"{asked}, another take of a known region", peers, "cached", aims[0])
        faster(f"{asked}, a region 2 s later", peers, "elsewhere", aims[1])
        faster(f"{asked}, first request on the song", peers, "fresh", aims[2])
    seconds = f"{load.decode_seconds:.0f} s"
    faster(f"decode {seconds}, streamed", "decode", "decode", ">= 2")
    faster(f"decode {seconds}, in tiles of 512 frames", "decode", "decode_tiles", "")
    faster(f"transformer step over {load.dit_seconds:.0f} s, one take", "step_1", "step_1", ">= 1.8")
    faster(f"transformer step, {TAKES} takes at once", f"step_{TAKES}", f"step_{TAKES}", "")
    per_take = ours[f"step_{TAKES}"] / TAKES
    row(
        "one take alone, against one of four at once",
        ours["step_1"],
        per_take,
        "s",
        "> 1",
        ours["step_1"] / per_take,
    )
    row(
        "repaint: to all of it, against to its first second",
        ours["cached"],
        ours["first_second"],
        "s",
        "<= 0.5",
        ours["first_second"] / ours["cached"],
    )
    row(
        f"decode {seconds}: first sound in tiles, against streamed",
        ours["decode_tiles_first"],
        ours["decode_first"],
        "s",
        "",
        ours["decode_tiles_first"] / ours["decode_first"],
    )
    for what, theirs, own in (
        ("most memory, all", "song_bytes_all", "repaint_bytes_all"),
        ("most memory, beyond the loaded networks", "song_bytes", "repaint_bytes"),
    ):
        row(what, peer[theirs] / 1e9, ours[own] / 1e9, "GB", "<= 0.5", ours[own] / peer[theirs])


if __name__ == "__main__":
    warnings.simplefilter("ignore", FutureWarning)
    main()
