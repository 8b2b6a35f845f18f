"""Where the networks of a checkpoint run: in which dtype, and with how much memory.

Which device that is and with how many threads, model/torch_device.py decides for all engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from model.acestep.device.cpu_kernels import CpuKernels, fastest_kernels
from model.acestep.device.gpu_attention import HeadShape, attention_way, use_attention_way
from model.acestep.device.memory_plan import AttentionMemory, Placement
from model.errors import NotLoaded
from model.torch_device import AUTO, choose_place

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PLAIN, GRAPH = STEPS = ("plain", "graph")
_BF16_CAPABILITY = (8, 0)  # NVIDIA Ampere and later multiply bfloat16 in hardware
_FP16_CAPABILITY = (7, 0)  # Volta and Turing only float16
_MEMORY_FILE = Path("/proc/meminfo")


@dataclass(frozen=True)
class Device:
    """Where networks run.

    label: for producers, such as "cuda (NVIDIA H100)". dtype: of weights and activations. transformer: the same for
    the diffusion transformer, whose work is nine tenths of a render. kernels: what a processor computes fastest; None
    elsewhere. graphs: the transformer's steps are to run as graphs. compiles: they are to be compiled.
    """

    place: torch.device
    dtype: torch.dtype
    label: str
    transformer: torch.dtype
    kernels: CpuKernels | None = None
    graphs: bool = False
    compiles: bool = False

    @property
    def kind(self) -> str:
        return self.place.type

    @property
    def onednn(self) -> bool:
        """Whether linear layers in float32 compute through oneDNN."""
        return self.kernels is not None and self.kernels.onednn

    @property
    def sine(self) -> bool:
        """Whether the autoencoder's activation computes by numpy's sine."""
        return self.kernels is not None and self.kernels.sine

    def fit(self, network: nn.Module) -> None:
        """Lets a network that was loaded here compute in the fastest way; again after its weights were replaced."""
        use_attention_way(network, self.place)
        if self.kernels is not None:
            self.kernels.fit(network)  # in blocks, where that is faster

    @property
    def number_bytes(self) -> int:
        return self.dtype.itemsize

    @property
    def transformer_bytes(self) -> int:
        return self.transformer.itemsize

    def attention(self, shape: HeadShape) -> AttentionMemory | None:
        """How the transformer's attention is computed here, as `fit` chooses; None = in blocks on a processor."""
        if self.kernels is not None and self.kernels.in_blocks(self.transformer):
            return None
        return attention_way(self.place, self.transformer, shape).memory

    def fastest(self, shape: HeadShape) -> Placement:
        """Everything on the device, for a transformer with such heads."""
        return Placement(
            self.number_bytes,
            transformer_bytes=self.transformer_bytes,
            attention=self.attention(shape) or AttentionMemory(),
            graph=self.graphs,
        )


def choose_device(
    wanted: str = AUTO,
    precision: str = AUTO,
    step: str = PLAIN,
    compiles: bool = False,
    kernels: Path | None = None,
) -> Device:
    """The device named `wanted` ("auto", one of KINDS, or one with an index such as "cuda:1"). Raises NotLoaded.

    precision: what the transformer computes in, "auto" or one of PRECISIONS. step: how its steps run, one of STEPS;
    graphs are a CUDA device's. compiles: whether they are compiled. kernels: the file that keeps what a processor
    computes fastest; None = it is measured.
    """
    if step not in STEPS:
        raise NotLoaded(f"There is no way {step!r} to run a step.", f"Use {' or '.join(STEPS)}.")
    if precision != AUTO and precision not in PRECISIONS:
        raise NotLoaded(f"There is no precision {precision!r}.", f"Use auto, {' or '.join(PRECISIONS)}.")
    place, label = choose_place(wanted)
    if place.type == "cpu":
        fastest = fastest_kernels(kernels)
        transformer = cpu_transformer(fastest, precision)
        return Device(place, torch.float32, label, transformer, fastest, compiles=compiles)
    dtype = _dtype(place)
    graphs = step == GRAPH and place.type == "cuda"
    return Device(place, dtype, label, PRECISIONS.get(precision, dtype), graphs=graphs, compiles=compiles)


def cpu_transformer(kernels: CpuKernels, precision: str = AUTO) -> torch.dtype:
    """What the transformer computes in on a processor. The other networks keep float32: in bfloat16 the autoencoder's
    sound is 22 dB above its error."""
    fastest = torch.bfloat16 if kernels.bfloat16 else torch.float32
    return PRECISIONS.get(precision, fastest)


def cuda_dtype(capability: tuple[int, int]) -> torch.dtype:
    """The dtype for an NVIDIA card of this compute capability."""
    if capability >= _BF16_CAPABILITY:
        return torch.bfloat16
    return torch.float16 if capability >= _FP16_CAPABILITY else torch.float32


def _dtype(place: torch.device) -> torch.dtype:
    if place.type == "cuda":
        if torch.version.hip is not None:  # AMD's capability numbers mean something else
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return cuda_dtype(torch.cuda.get_device_capability(place))
    return torch.bfloat16 if _multiplies_bfloat16(place) else torch.float32  # Macs before macOS 14 lack it


def _multiplies_bfloat16(place: torch.device) -> bool:
    try:
        probe = torch.ones(2, 2, dtype=torch.bfloat16, device=place)
        return bool((probe @ probe == 2).all())
    except (RuntimeError, TypeError):
        return False


# --- memory -------------------------------------------------------------------------------------------


def free_bytes(device: Device) -> int | None:
    """Bytes that can be allocated now, including unused memory held by torch; None if the system cannot tell."""
    place = device.place
    if place.type == "cuda":
        unused = torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
        return int(torch.cuda.mem_get_info(place)[0] + unused)
    if place.type == "xpu":
        # Ignores memory used by other programs.
        return int(torch.xpu.get_device_properties(place).total_memory - torch.xpu.memory_allocated(place))
    if place.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return available_memory(_MEMORY_FILE)


def available_memory(listing: Path) -> int | None:
    """Bytes of main memory available to programs, from a Linux /proc/meminfo listing; None without one."""
    try:
        lines = listing.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    kilobytes = fields.get("MemAvailable", "").split()
    return int(kilobytes[0]) * 1024 if kilobytes else None


def give_back_unused(device: Device) -> None:
    """Returns memory cached by torch to the device's other users."""
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "xpu":
        torch.xpu.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()
