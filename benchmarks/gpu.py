"""What a GPU does with ACE-Step: eight checks with random weights at the published sizes.

    python -m benchmarks.gpu                        # prints a table; needs nothing but the extra acestep
    python -m benchmarks.gpu --only 3 6
    python -m benchmarks.gpu --device cpu --tiny    # small networks: shows that the checks work

1 stored numbers in float32. 2 steps over 28, 240 and 600 s with 1 to 8 takes, and the most memory against the plan.
3 which attention is fastest in the sliding layers. 4 the large transformer in 8 bits, and moved in for every render.
5 the autoencoder in half precision, and the length of tiles. 6 compiled layers and a step as a CUDA graph. 7 how long
a stop takes, memory after unloading, a device that is too small. 8 the same seed twice, and against the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from model.acestep.device.compiled_steps import torch_compiler
from model.acestep.device.devices import Device, choose_device, free_bytes, give_back_unused
from model.acestep.device.gpu_attention import AttentionWay, HeadShape, attention_way
from model.acestep.device.memory_plan import (
    AttentionHolds,
    AttentionMemory,
    Phase,
    Placement,
    Work,
    plan_memory,
)
from model.acestep.device.parts import empty
from model.acestep.device.step_graphs import CudaCapture, seconds_on
from model.acestep.networks.attention import attend, sliding_band
from model.acestep.networks.dit import Condition, Dit, DitLayer, DitPlan, RunLayer
from model.acestep.networks.network_config import PUBLISHED
from model.acestep.networks.vae import Vae, VaeConfig
from model.acestep.networks.vae_tiling import decode_span, encode_tiled
from model.acestep.weights.int8_linear import Int8Linear, linear_names, pack, with_int8
from model.acestep.weights.pinned_moves import Mover, PinnedWay
from model.torch_device import out_of_memory
from tests.model.acestep.device.published_sizes import SIZES_2B
from tests.model.acestep.golden_data import tensors, worst
from tests.model.acestep.tiny_models import TURBO, networks, velocity

Row = tuple[str, str]
Network = TypeVar("Network", bound=nn.Module)
CONDITION_TOKENS = 300
STEPS = 8


@dataclass(frozen=True)
class Scale:
    """seconds: of music, longest last. takes: at once. tiles: latent frames. layers: of the transformer; None = all."""

    seconds: tuple[int, ...] = (28, 240, 600)
    takes: tuple[int, ...] = (1, 2, 4, 8)
    audio_seconds: int = 60
    tiles: tuple[int, ...] = (128, 256, 512, 1024)
    tiny: bool = False


FULL = Scale()
TINY = Scale(seconds=(2, 14), takes=(1, 2), audio_seconds=2, tiles=(32, 64), tiny=True)


class Bench:
    """The checks on one device."""

    def __init__(self, device: Device, scale: Scale) -> None:
        self.device, self.place, self.scale = device, device.place, scale

    # --- what the checks share ------------------------------------------------------------------------

    def transformer(self, size: str = "2B", fits: bool = True) -> Dit:
        """With random weights, of a published size; tiny: of a small one. fits: computes the fastest way."""
        config = PUBLISHED[size].dit
        if self.scale.tiny:
            block = replace(config.block, width=64, inner_width=96, heads=4, key_heads=2, head_width=16)
            config = replace(config, block=block, sliding=(True, False), condition_width=64)
        return self.random(lambda: Dit(config), self.device.transformer, fits)

    def autoencoder(self, dtype: torch.dtype) -> Vae:
        config = (
            VaeConfig(latent_channels=8, encoder_width=4, decoder_width=4) if self.scale.tiny else VaeConfig()
        )
        return self.random(lambda: Vae(config), dtype)

    def random(self, build: Callable[[], Network], dtype: torch.dtype, fits: bool = True) -> Network:
        """Built where it runs, so that main memory never holds it."""
        torch.manual_seed(1)
        with torch.device("meta"):
            network = build()
        network = network.to(dtype).to_empty(device=self.place).requires_grad_(False).eval()
        for name, value in network.named_parameters():
            ones = name.endswith(("norm.weight", "frequency", "gain"))
            drawn = torch.randn(value.shape, device=self.place) * value[0].numel() ** -0.5
            value.copy_(torch.ones(()) if ones else drawn)  # the same in every precision, but for rounding
        if fits:
            self.device.fit(network)
        return network

    def step(
        self, dit: Dit, seconds: int, takes: int = 1, run: RunLayer = DitLayer.__call__
    ) -> Callable[[], Tensor]:
        """One step of the transformer. run: how its layers are run."""
        frames, channels = seconds * 25, dit.config.latent_channels
        like = {"device": self.place, "dtype": dit.patchify.weight.dtype}
        x, context = (
            torch.randn(takes, frames, channels, **like),
            torch.randn(1, frames, 2 * channels, **like),
        )  # type: ignore[arg-type]
        states = torch.randn(1, CONDITION_TOKENS, dit.config.condition_width, **like)  # type: ignore[arg-type]
        at = torch.full((1,), 0.5, device=self.place)
        plan: DitPlan = dit.plan(frames)
        condition: Condition = dit.condition(states)
        return lambda: dit(x, context, at, condition, plan, run=run)

    def alone(self, dit: Dit, seconds: int, takes: int) -> str:
        """Whether each take of several has the bits it has alone."""
        frames, channels = seconds * 25, dit.config.latent_channels
        x = torch.randn(takes, frames, channels, device=self.place)
        context = torch.randn(1, frames, 2 * channels, device=self.place)
        states = torch.randn(1, CONDITION_TOKENS, dit.config.condition_width, device=self.place)
        step = dit.step(context, dit.condition(states), dit.plan(frames), STEPS)
        at = torch.full((1,), 0.5, device=self.place)
        together, each = step(x, at), torch.cat([step(one, at) for one in torch.split(x, 1)])
        return f"{torch.equal(together, each)}, largest difference {worst(together.cpu(), each.cpu()):.1e}"

    def wait(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize(self.place)

    def seconds(self, work: Callable[[], object], runs: int = 3) -> float:
        """The shortest of some runs, after one that plans."""
        work()
        found = []
        for _ in range(runs):
            self.wait()
            began = time.perf_counter()
            work()
            self.wait()
            found.append(time.perf_counter() - began)
        return min(found)

    def most_bytes(self, work: Callable[[], object]) -> int | None:
        """The most memory of the device while it runs; None where the system does not say."""
        if self.place.type != "cuda":
            work()
            return None
        torch.cuda.reset_peak_memory_stats(self.place)
        work()
        self.wait()
        return torch.cuda.max_memory_allocated(self.place)

    # --- the checks -----------------------------------------------------------------------------------

    def stored_numbers(self) -> Iterator[Row]:
        """1"""
        with exact_float32():
            golden = tensors("dit_forward")
            dit = networks(TURBO).dit.to(self.place)
            moved = {name: value.to(self.place) for name, value in golden.items()}
            cases = sorted({name.split(".")[0] for name in golden})
            error = max(worst(velocity(dit, moved, f"{case}."), moved[f"{case}.out"]) for case in cases)
            yield "largest error of the transformer, float32", f"{error:.1e} (at most 1e-4: {error <= 1e-4})"
        networks.cache_clear()  # they were moved

    def steps(self) -> Iterator[Row]:
        """2"""
        dit = self.transformer()
        chosen = attention_way(self.place, self.device.transformer, HeadShape(16, 8, 128))
        for seconds in self.scale.seconds:
            for takes in self.scale.takes:
                what = f"{STEPS} steps over {seconds} s, takes at once: {takes}"
                try:
                    step = self.step(dit, seconds, takes)
                    most, took = self.most_bytes(step), self.seconds(step, 1) * STEPS
                except RuntimeError as error:
                    if not out_of_memory(error):
                        raise
                    yield what, "out of memory"
                    continue
                planned = plan_memory(
                    SIZES_2B,
                    Work(seconds * 25, takes, condition_tokens=CONDITION_TOKENS),
                    Placement(
                        self.device.number_bytes,
                        offload=True,
                        transformer_bytes=self.device.transformer_bytes,
                        attention=chosen.memory,
                    ),
                )
                need = next(need for need in planned.needs if need.phase is Phase.DENOISE).total
                memory = "" if most is None else f", {most / 1e9:.2f} GB of {need / 1e9:.2f} planned"
                yield what, f"{took:.2f} s, {took / takes:.2f} a take{memory}"

    def attention(self) -> Iterator[Row]:
        """3"""
        heads, keys, width = (4, 2, 16) if self.scale.tiny else (16, 8, 128)
        copied = AttentionWay(AttentionMemory(AttentionHolds.HEADS, AttentionHolds.HEADS))
        dtype = self.device.transformer
        for seconds in self.scale.seconds:
            tokens = seconds * 25 // 2
            band = sliding_band(tokens, 128, self.place, dtype)
            query, key = (
                torch.randn(1, count, tokens, width, device=self.place, dtype=dtype)
                for count in (heads, keys)
            )
            for name, way in (("grouped heads", attend), ("copied heads", copied.attend)):
                work = lambda way=way: way(query, key, key, band)  # noqa: B023, E731 - used at once
                yield (
                    f"sliding attention over {seconds} s, {name}",
                    f"{self.seconds(work) * 1e3:.2f} ms ({self.kernels(work)})",
                )
            yield f"sliding attention over {seconds} s, flex", self.flex(query, key, 128)
        chosen = attention_way(self.place, dtype, HeadShape(heads, keys, width))
        yield "chosen when networks load", chosen.memory.name

    def kernels(self, work: Callable[[], object]) -> str:
        """The names of the attention that torch took."""
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
            work()
        names = {event.key for event in found.key_averages() if "attention" in event.key}
        return ", ".join(
            sorted(
                name.removeprefix("aten::") for name in names if name != "aten::scaled_dot_product_attention"
            )
        )

    def flex(self, query: Tensor, key: Tensor, window: int) -> str:
        if self.place.type != "cuda":
            return "not tried: compiles for a GPU"
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        tokens = query.shape[2]
        mask = create_block_mask(
            lambda _b, _h, q, k: (q - k).abs() <= window, None, None, tokens, tokens, device=str(self.place)
        )
        flexible = torch.compile(flex_attention)
        work = lambda: flexible(query, key, key, block_mask=mask, enable_gqa=True)  # noqa: E731
        return f"{self.seconds(work) * 1e3:.2f} ms"

    def large(self) -> Iterator[Row]:
        """4"""
        dit = self.transformer("XL", fits=False)
        seconds = self.scale.seconds[0]
        size = sum(value.nbytes for value in dit.parameters())
        yield "XL: weights", f"{size / 1e9:.2f} GB"
        yield f"XL: a step over {seconds} s", f"{self.seconds(self.step(dit, seconds)) * 1e3:.1f} ms"
        packed = {name: pack(dit.get_submodule(name).weight) for name in linear_names(dit)}  # type: ignore[arg-type]
        small = with_int8(dit)
        for name, (weight, scale) in packed.items():
            layer = small.get_submodule(name)
            assert isinstance(layer, Int8Linear)
            layer.weight, layer.scale = weight, scale.to(self.device.transformer)
        yield (
            f"XL in 8 bits: a step over {seconds} s",
            f"{self.seconds(self.step(small, seconds)) * 1e3:.1f} ms",
        )
        stored = torch.empty(size, dtype=torch.uint8)
        copied = self.seconds(lambda: stored.to(self.place), 2)
        yield "moving XL in once, from main memory", f"{copied:.2f} s"
        if self.place.type == "cuda":
            mover = Mover(self.place, PinnedWay())
            yield (
                "the same, as networks load: pinned",
                f"{self.seconds(lambda: self.moved(mover, stored), 2):.2f} s",
            )

    def moved(self, mover: Mover, stored: Tensor) -> None:
        mover.move(stored, None)
        mover.finish()

    def audio(self) -> Iterator[Row]:
        """5"""
        exact, half = self.autoencoder(torch.float32), self.autoencoder(torch.bfloat16)
        frames = self.scale.audio_seconds * 25
        sound = torch.randn(1, 2, frames * exact.config.hop, device=self.place) * 0.1
        latents = torch.randn(1, exact.config.latent_channels, frames, device=self.place)

        def decoded(vae: Vae, tile: int) -> Tensor:
            parts = [decode_span(vae, latents, at, min(at + tile, frames)) for at in range(0, frames, tile)]
            return torch.cat(parts, dim=2)

        with torch.no_grad():
            tile = self.scale.tiles[-1]
            for name, way in (
                ("encoding", lambda vae: encode_tiled(vae, sound, tile).mean),
                ("decoding", lambda vae: decoded(vae, tile)),
            ):
                wanted, found = way(exact), way(half)
                clean = 10 * torch.log10(wanted.square().mean() / (wanted - found).square().mean())
                took = [self.seconds(lambda vae=vae, way=way: way(vae), 1) for vae in (exact, half)]  # type: ignore[misc]
                yield (
                    f"{name} {self.scale.audio_seconds} s",
                    f"float32 {took[0]:.2f} s, bfloat16 {took[1]:.2f} s, {float(clean):.0f} dB",
                )
            for tile in self.scale.tiles:
                took_tile = self.seconds(lambda tile=tile: decoded(half, tile), 1)  # type: ignore[misc]
                yield f"decoding in tiles of {tile} frames, bfloat16", f"{took_tile:.2f} s"

    def graphs(self) -> Iterator[Row]:
        """6"""
        dit, seconds = self.transformer(), self.scale.seconds[0]
        step = self.step(dit, seconds)
        with torch.no_grad():
            yield f"a step over {seconds} s", f"{self.seconds(step) * 1e3:.2f} ms"
            if self.place.type != "cuda":
                yield "compiled, and as a graph", "not tried: a GPU's"
                return
            capture = CudaCapture(self.place)
            graph = capture.capture(step)
            same = torch.equal(graph(), step())
            yield "as a CUDA graph", f"{self.seconds(graph) * 1e3:.2f} ms, equal bits: {same}"
            torch.manual_seed(2)
            plain = self.step(dit, seconds)()
            torch.manual_seed(2)
            compiled = self.step(dit, seconds, run=torch_compiler(DitLayer.forward))
            yield "compiling a layer", f"{seconds_on(self.place, compiled):.0f} s"
            apart = float((compiled() - plain).float().square().mean() / plain.float().square().mean()) ** 0.5
            yield "with compiled layers", f"{self.seconds(compiled) * 1e3:.2f} ms, differs by {apart:.1e}"
            graph = capture.capture(compiled)
            yield "with compiled layers, as a CUDA graph", f"{self.seconds(graph) * 1e3:.2f} ms"

    def limits(self) -> Iterator[Row]:
        """7"""
        before = free_bytes(self.device)
        dit = self.transformer()
        step = self.step(dit, self.scale.seconds[-1])
        with torch.no_grad():
            step()
            self.wait()
            began = time.perf_counter()
            step()  # a stop is noticed between steps, when the device has finished what it was given
            self.wait()
        yield "longest wait for a stop", f"{time.perf_counter() - began:.2f} s"
        empty(dit)
        del step
        give_back_unused(self.device)
        after = free_bytes(self.device)
        if before is not None and after is not None and self.place.type == "cuda":
            yield "memory still held after unloading", f"{(before - after) / 1e9:.2f} GB"
            try:
                torch.empty(2 * before, dtype=torch.uint8, device=self.place)
            except RuntimeError as error:
                yield (
                    "out of memory on purpose",
                    "told as such" if out_of_memory(error) else f"not told: {error}",
                )
            yield "works afterwards", str(float(torch.ones(3, device=self.place).sum()) == 3)

    def twice(self) -> Iterator[Row]:
        """8"""
        dit, seconds = self.transformer(), self.scale.seconds[0]
        step = self.step(dit, seconds)
        with torch.no_grad():
            yield "the same step twice: equal bits", str(torch.equal(step(), step()))
            for takes in self.scale.takes[1:]:
                yield f"a take alone and with {takes - 1} others: equal bits", self.alone(dit, seconds, takes)
        wide = networks(TURBO).dit
        golden = tensors("dit_forward")
        on_cpu = velocity(wide, golden, "long.")
        moved = {name: value.to(self.place) for name, value in golden.items()}
        with exact_float32():
            on_device = velocity(wide.to(self.place), moved, "long.").cpu()
        networks.cache_clear()
        yield "against the processor, float32", f"{worst(on_device, on_cpu):.1e}"


@contextmanager
def exact_float32() -> Iterator[None]:
    """Products in float32 are not rounded to 19 bits, as NVIDIA cards otherwise may."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


CHECKS: dict[int, Callable[[Bench], Iterator[Row]]] = {
    1: Bench.stored_numbers,
    2: Bench.steps,
    3: Bench.attention,
    4: Bench.large,
    5: Bench.audio,
    6: Bench.graphs,
    7: Bench.limits,
    8: Bench.twice,
}


def rows(
    device: Device, scale: Scale, only: tuple[int, ...] = tuple(CHECKS)
) -> Iterator[tuple[int, str, str]]:
    """The figures, as they become known."""
    bench = Bench(device, scale)
    for number in only:
        with torch.no_grad():
            for what, found in CHECKS[number](bench):
                yield number, what, found
        give_back_unused(device)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small networks and short music")
    parser.add_argument("--only", type=int, nargs="+", choices=tuple(CHECKS), default=tuple(CHECKS))
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    began = time.perf_counter()
    print(f"{device.label}, torch {torch.__version__}, transformer in {device.transformer}\n")
    for number, what, found in rows(device, TINY if arguments.tiny else FULL, tuple(arguments.only)):
        print(f"{number}  {what:<58} {found}", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
