"""Plans a render's memory, phase by phase, before it starts.

Arithmetic on sizes: reads no weights and touches no device. Weight sizes are exact counts of the published checkpoints;
working memory is an upper estimate of what is alive at once in the largest block of each network (measured in float32
on a CPU at the 2B sizes, blocks and autoencoder took 78 to 93 % of it). Phases run one after another, so with
offloading only one phase's weights are resident.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from model.acestep.latent_grid import FRAMES_PER_SECOND, HOP, MIN_FRAMES
from model.errors import CannotRender

GIGABYTE = 1_000_000_000
RESERVE = 300_000_000
"""Left free for library workspaces and fragmentation."""

REFERENCE_FRAMES = 750
"""30 s of reference audio, as the timbre encoder was trained."""

_WIDEST_AUDIO = 128  # channels of the VAE at the full sample rate
_AUDIO_COPIES = 5  # alive at once: residual, snake and its intermediates, convolution in and out
_PATCH = 2  # latent frames per token
_SLACK = 1.25  # over the counted activations
_VAE_CHUNKS = (512, 384, 256, 128)  # frames at once, best first; as in the reference implementation
QUERIES_AT_ONCE = 1024
"""Where attention writes scores out: over ten minutes of music, 1 GB of them in a published layer instead of 7."""

_VAE_OVERLAP = 16  # frames on each side of a chunk, more than the receptive field


class Phase(enum.Enum):
    """The phases of a render, in order."""

    TEXT = "reading the prompt"
    ENCODE = "encoding the song"
    CONDITION = "preparing"
    DENOISE = "generating"
    DECODE = "decoding audio"


class AttentionHolds(enum.Enum):
    """What attention holds in memory besides query, key, value and result."""

    NOTHING = "grouped heads"  # the kernel takes them as they are
    HEADS = "copied heads"  # a key and value head for every query head
    SCORES = "written scores"  # of each query with each key, in float32


@dataclass(frozen=True)
class AttentionMemory:
    """How a device computes attention (gpu_attention.py decides): behind a mask, as in sliding layers, and without."""

    masked: AttentionHolds = AttentionHolds.NOTHING
    plain: AttentionHolds = AttentionHolds.NOTHING

    @property
    def name(self) -> str:
        """For recipes."""
        if self.masked is self.plain:
            return self.plain.value
        return f"{self.plain.value}, behind a mask {self.masked.value}"


@dataclass(frozen=True)
class NetworkSizes:
    """Parameters of each part, and the widths its working memory depends on.

    linear: parameters of the transformer's linear layers, which can be stored in 8 bits.
    biggest_linear: the largest one of them, which is unpacked while it runs.
    heads: query heads of a layer. window: tokens on each side that a sliding layer attends to.
    """

    decoder: int
    linear: int
    biggest_linear: int
    encoders: int
    text_encoder: int
    vae: int
    width: int
    inner_width: int
    query_width: int
    key_width: int
    layers: int
    heads: int
    window: int


@dataclass(frozen=True)
class Work:
    """The size of a render.

    frames: latent frames of the window. takes: rendered at once. guided: needs two conditions in memory.
    sides: 2 with other words too: an edit's two sides, or a cover that leaves its song at some step.
    condition_tokens: lyrics, timbre and text together. source: whether there is a song to encode.
    reference: whether there is reference audio to encode.
    """

    frames: int
    takes: int = 1
    guided: bool = False
    condition_tokens: int = 2048 + 256 + 1
    source: bool = True
    reference: bool = False
    sides: int = 1

    def __post_init__(self) -> None:
        if self.frames < 1 or self.takes < 1 or self.condition_tokens < 1:
            raise ValueError(f"frames, takes and condition_tokens must be at least 1: {self}")


@dataclass(frozen=True)
class Placement:
    """Where the weights are, and in which precision.

    offload: only the weights of the running phase are on the device. int8: the transformer's linear layers are 8-bit.
    number_bytes: bytes per number of weights and activations. vae_frames: latent frames the VAE processes at once.
    transformer_bytes: bytes per number of the transformer; None = as of all others.
    attention: how the device computes it. graph: the steps run as graphs, each of which keeps memory of its own.
    """

    number_bytes: int = 2
    offload: bool = False
    int8: bool = False
    vae_frames: int = _VAE_CHUNKS[0]
    transformer_bytes: int | None = None
    attention: AttentionMemory = AttentionMemory()
    graph: bool = False

    @property
    def decoder_bytes(self) -> int:
        """Bytes per number of the transformer."""
        return self.number_bytes if self.transformer_bytes is None else self.transformer_bytes


@dataclass(frozen=True)
class Need:
    """Memory of one phase in bytes."""

    phase: Phase
    weights: int
    work: int

    @property
    def total(self) -> int:
        return self.weights + self.work


@dataclass(frozen=True)
class MemoryPlan:
    """A placement and what each phase needs with it."""

    placement: Placement
    work: Work
    needs: tuple[Need, ...]

    @property
    def peak(self) -> Need:
        """The phase that needs the most."""
        return max(self.needs, key=lambda need: need.total)

    def fits(self, free_bytes: int) -> bool:
        return self.peak.total + RESERVE <= free_bytes


def plan_memory(sizes: NetworkSizes, work: Work, placement: Placement) -> MemoryPlan:
    """What each phase needs with this placement."""
    own = _weights(sizes, placement)
    resident = sum(_loaded_once(own))
    active = [phase for phase in Phase if work.source or work.reference or phase is not Phase.ENCODE]
    needs = (
        Need(phase, own[phase] if placement.offload else resident, _working(sizes, work, placement, phase))
        for phase in active
    )
    return MemoryPlan(placement, work, tuple(needs))


def preflight(
    sizes: NetworkSizes,
    work: Work,
    free_bytes: int,
    fastest: Placement = Placement(),
) -> MemoryPlan:
    """The fastest plan that fits. fastest: where everything is on the device; says in which precision it computes.

    Smaller chunks for the VAE cost next to nothing and come first, then fewer takes at once, then offloading;
    8 bits, which change the result, come last.

    The result's `work.takes` may be smaller than requested: the takes are then rendered one after another.
    Raises CannotRender with the memory needed and a remedy if not even the most frugal plan fits.
    """
    tried = [
        plan_memory(sizes, replace(work, takes=takes), replace(residency, vae_frames=frames))
        for residency in _residencies(fastest)
        for takes in _fewer(work.takes)
        for frames in _VAE_CHUNKS
    ]
    for plan in tried:
        if plan.fits(free_bytes):
            return plan
    raise _too_large(sizes, tried[-1], free_bytes)


def longest_frames(
    sizes: NetworkSizes,
    work: Work,
    free_bytes: int,
    fastest: Placement = Placement(),
) -> int:
    """The longest window up to `work.frames` that `preflight` would accept, in frames; 0 = none."""
    frugal = _residencies(fastest)[-1]
    smallest = replace(frugal, vae_frames=_VAE_CHUNKS[-1])
    fits, fails = 0, work.frames + 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if plan_memory(sizes, replace(work, takes=1, frames=middle), smallest).fits(free_bytes):
            fits = middle
        else:
            fails = middle
    return fits


def _weights(sizes: NetworkSizes, placement: Placement) -> dict[Phase, int]:
    """Bytes of each phase's weights."""
    number = placement.number_bytes
    decoder = sizes.decoder * placement.decoder_bytes
    if placement.int8:
        unpacked = sizes.decoder - sizes.linear + sizes.biggest_linear
        decoder = sizes.linear + unpacked * placement.decoder_bytes
    return {
        Phase.TEXT: sizes.text_encoder * number,
        Phase.ENCODE: sizes.vae * number,
        Phase.CONDITION: sizes.encoders * number,
        Phase.DENOISE: decoder,
        Phase.DECODE: sizes.vae * number,
    }


def _loaded_once(own: dict[Phase, int]) -> list[int]:
    """Each network once: encoding and decoding share the VAE."""
    return [size for phase, size in own.items() if phase is not Phase.ENCODE]


def _working(sizes: NetworkSizes, work: Work, placement: Placement, phase: Phase) -> int:
    """Bytes alive besides the weights."""
    number = placement.number_bytes
    if phase in (Phase.ENCODE, Phase.DECODE):
        frames = max(work.frames, REFERENCE_FRAMES) if work.reference else work.frames
        at_once = min(frames, placement.vae_frames + 2 * _VAE_OVERLAP)
        return at_once * HOP * _WIDEST_AUDIO * _AUDIO_COPIES * number
    if phase is Phase.DENOISE:
        return _sampling_bytes(sizes, work, placement)
    tokens = work.condition_tokens
    return _block_bytes(sizes, tokens, number) + _attention_bytes(sizes, 1, tokens, tokens, placement, number)


def _sampling_bytes(sizes: NetworkSizes, work: Work, placement: Placement) -> int:
    """One block's activations, every layer's keys and values of the condition, and the latents in float32."""
    number, tokens = placement.decoder_bytes, -(-work.frames // _PATCH)
    conditions = work.sides * (2 if work.guided else 1)
    condition = conditions * work.condition_tokens * sizes.layers * 2 * sizes.key_width * number
    latents = work.takes * work.frames * 64 * 4 * 12  # noise, source, mask, velocities, wavelet bands
    seen = max(tokens, work.condition_tokens)
    attention = _attention_bytes(sizes, work.takes, tokens, seen, placement, number)
    block = _block_bytes(sizes, work.takes * tokens, number) + attention
    # Plain steps, too, run before the graphs are there; each condition has a graph of its own.
    return block * (1 + conditions if placement.graph else 1) + condition + latents


def _block_bytes(sizes: NetworkSizes, tokens: int, number: int) -> int:
    """The larger of a block's two halves, for all tokens; norms compute in float32."""
    attention = 3 * sizes.query_width + 6 * sizes.key_width + 3 * sizes.width
    mlp = 3 * sizes.inner_width + 3 * sizes.width
    return round(_SLACK * tokens * (max(attention, mlp) * number + 2 * sizes.width * 4))


def _attention_bytes(
    sizes: NetworkSizes, items: int, tokens: int, seen: int, placement: Placement, number: int
) -> int:
    """What attention of `tokens` to `seen` others holds, in the larger of a sliding and a full layer."""
    attention = placement.attention
    # As far as a block of queries reaches, see `attention.sliding_band`: with their surroundings, twice as many.
    near = min(tokens, 4 * sizes.window)
    masked = _held_bytes(sizes, attention.masked, items * tokens, near, 2 * items * tokens, number)
    queries = items * min(tokens, QUERIES_AT_ONCE)
    plain = _held_bytes(sizes, attention.plain, queries, seen, items * seen, number)
    return max(masked, plain)


def _held_bytes(
    sizes: NetworkSizes, held: AttentionHolds, queries: int, seen: int, keys: int, number: int
) -> int:
    """queries: all at once, of all items, each with `seen` scores. keys: all of them, of all items."""
    if held is AttentionHolds.NOTHING:
        return 0
    if held is AttentionHolds.HEADS:
        return 2 * keys * sizes.query_width * number
    # Before and after the softmax; torch computes them in float32 and for that copies query, keys and values too.
    return 4 * (2 * queries * seen * sizes.heads + (queries + 2 * keys) * sizes.query_width)


def _residencies(fastest: Placement) -> tuple[Placement, ...]:
    """From the fastest to the most frugal."""
    plain = replace(fastest, graph=False)
    every = plain, replace(plain, offload=True), replace(plain, offload=True, int8=True)
    return (fastest, *every) if fastest.graph else every


def _fewer(takes: int) -> list[int]:
    """Takes at once: all, then halves down to one."""
    counts = [takes]
    while counts[-1] > 1:
        counts.append(counts[-1] // 2)
    return counts


def _too_large(sizes: NetworkSizes, smallest: MemoryPlan, free_bytes: int) -> CannotRender:
    peak, work = smallest.peak, smallest.work
    sentence = (
        f"This render needs {(peak.total + RESERVE) / GIGABYTE:.1f} GB while {peak.phase.value}, "
        f"but the device has {free_bytes / GIGABYTE:.1f} GB free."
    )
    frames = longest_frames(sizes, work, free_bytes, smallest.placement)
    if frames < MIN_FRAMES:
        return CannotRender(
            sentence, "Close other programs that use the device, or use a smaller checkpoint."
        )
    seconds = frames // FRAMES_PER_SECOND
    return CannotRender(
        sentence,
        f"Keep the region and its context within {seconds} s, or free memory on the device.",
    )
