"""The arithmetic of memory with the real sizes; parameter counts against networks on the meta device."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from model.acestep.device.gpu_attention import AttentionWay
from model.acestep.device.memory_plan import (
    GIGABYTE,
    RESERVE,
    AttentionHolds,
    AttentionMemory,
    NetworkSizes,
    Phase,
    Placement,
    Work,
    longest_frames,
    plan_memory,
    preflight,
)
from model.acestep.networks.attention import BlockShape
from model.acestep.networks.dit import Dit, DitConfig
from model.errors import CannotRender
from tests.model.acestep.device.bytes_at_once import BytesAtOnce
from tests.model.acestep.device.published_sizes import SIZES_2B, SIZES_XL

FOUR_MINUTES = Work(frames=240 * 25)
BY_PHASE = {Phase.TEXT: 1.19, Phase.ENCODE: 0.34, Phase.CONDITION: 1.64, Phase.DECODE: 0.34}


def transformer(sizes: NetworkSizes) -> Dit:
    block = BlockShape(
        width=sizes.width,
        inner_width=sizes.inner_width,
        heads=sizes.query_width // 128,
        key_heads=sizes.key_width // 128,
        head_width=128,
    )
    with torch.device("meta"):
        return Dit(DitConfig(block, tuple(index % 2 == 0 for index in range(sizes.layers)), 2048))


@pytest.mark.parametrize("sizes", [SIZES_2B, SIZES_XL])
def test_counts_are_those_of_the_network(sizes: NetworkSizes) -> None:
    network = transformer(sizes)
    linears = [part.weight.numel() for part in network.modules() if isinstance(part, torch.nn.Linear)]
    assert sum(parameter.numel() for parameter in network.parameters()) == sizes.decoder
    assert (sum(linears), max(linears)) == (sizes.linear, sizes.biggest_linear)


@pytest.mark.parametrize(("sizes", "total"), [(SIZES_2B, 2_393_872_518), (SIZES_XL, 4_987_310_726)])
def test_counts_add_up_to_the_published_file(sizes: NetworkSizes, total: int) -> None:
    assert sizes.decoder + sizes.encoders == total


@pytest.mark.parametrize(
    ("sizes", "int8", "decoder"),
    [(SIZES_2B, False, 3.15), (SIZES_2B, True, 1.63), (SIZES_XL, False, 8.34), (SIZES_XL, True, 4.25)],
)
def test_weights_of_each_phase_in_gigabytes(sizes: NetworkSizes, int8: bool, decoder: float) -> None:
    plan = plan_memory(sizes, FOUR_MINUTES, Placement(offload=True, int8=int8))
    for need in plan.needs:
        expected = BY_PHASE.get(need.phase, decoder)
        assert need.weights / GIGABYTE == pytest.approx(expected, abs=0.02)


def test_without_offloading_everything_is_there_all_the_time() -> None:
    plan = plan_memory(SIZES_2B, FOUR_MINUTES, Placement())
    assert {need.weights for need in plan.needs} == {2 * (2_393_872_518 + 595_776_512 + 168_695_426)}


def test_four_minutes_on_the_2b_checkpoint_fit_into_four_gigabytes() -> None:
    plan = preflight(SIZES_2B, FOUR_MINUTES, 4 * GIGABYTE - 500_000_000)
    assert plan.placement.offload
    assert plan.placement.int8
    assert plan.peak.total < 3.2 * GIGABYTE


def test_a_large_device_keeps_everything_and_all_takes() -> None:
    plan = preflight(SIZES_2B, Work(frames=15_000, takes=8, guided=True), 24 * GIGABYTE)
    assert plan.placement == Placement()
    assert plan.work.takes == 8


def test_less_memory_never_means_a_faster_plan() -> None:
    work = Work(frames=6000, takes=4, guided=True)
    ranks = []
    for gigabytes in range(4, 25):
        plan = preflight(SIZES_2B, work, gigabytes * GIGABYTE)
        assert plan.fits(gigabytes * GIGABYTE)
        placement = plan.placement
        ranks.append((not placement.int8, not placement.offload, plan.work.takes, placement.vae_frames))
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 3


def test_8_bits_and_a_small_vae_come_last() -> None:
    assert not preflight(SIZES_2B, FOUR_MINUTES, 6 * GIGABYTE).placement.int8
    assert not preflight(SIZES_2B, FOUR_MINUTES, 10 * GIGABYTE).placement.offload


def test_without_a_source_nothing_is_encoded() -> None:
    plan = plan_memory(SIZES_2B, Work(frames=750, source=False), Placement())
    assert Phase.ENCODE not in [need.phase for need in plan.needs]


def test_the_refusal_says_what_is_missing_and_how_long_it_may_be() -> None:
    free = 2_400_000_000
    with pytest.raises(
        CannotRender, match=r"needs .* GB while generating, but the device has 2\.4 GB"
    ) as refusal:
        preflight(SIZES_2B, Work(frames=15_000), free)
    frames = longest_frames(SIZES_2B, Work(frames=15_000), free)
    assert f"within {frames // 25} s" in refusal.value.remedy
    assert preflight(SIZES_2B, Work(frames=frames), free).fits(free)
    with pytest.raises(CannotRender):
        preflight(SIZES_2B, Work(frames=frames + 1), free)


def test_where_nothing_fits_a_smaller_checkpoint_is_advised() -> None:
    assert longest_frames(SIZES_XL, FOUR_MINUTES, 3 * GIGABYTE) == 0
    with pytest.raises(CannotRender, match="smaller checkpoint"):
        preflight(SIZES_XL, FOUR_MINUTES, 3 * GIGABYTE)


FRUGAL = Placement(offload=True)
WRITTEN = AttentionMemory(AttentionHolds.SCORES, AttentionHolds.SCORES)


def generating(work: Work, attention: AttentionMemory, sizes: NetworkSizes = SIZES_2B) -> int:
    plan = plan_memory(sizes, work, replace(FRUGAL, attention=attention))
    return next(need.work for need in plan.needs if need.phase is Phase.DENOISE)


def test_what_attention_holds_is_counted() -> None:
    held = [generating(FOUR_MINUTES, AttentionMemory(kind, kind)) for kind in AttentionHolds]
    assert held == sorted(held)
    assert len(set(held)) == 3
    # In a full layer 3000 tokens ask 1024 at a time, in 16 heads: float32 before and after the softmax.
    assert held[2] - held[0] > 2 * 1024 * 3000 * 16 * 4
    assert generating(FOUR_MINUTES, AttentionMemory(masked=AttentionHolds.SCORES)) > held[0]
    assert generating(FOUR_MINUTES, AttentionMemory(plain=AttentionHolds.HEADS)) > held[0]


def test_scores_count_for_every_take_and_not_more_than_linearly_with_length() -> None:
    one, four = (replace(FOUR_MINUTES, takes=takes) for takes in (1, 4))
    added = [generating(work, WRITTEN) - generating(work, AttentionMemory()) for work in (one, four)]
    assert added[1] == 4 * added[0]
    long = Work(2 * FOUR_MINUTES.frames)
    twice = generating(long, WRITTEN) - generating(long, AttentionMemory())
    assert added[0] < twice <= 2 * added[0]


def test_the_counted_scores_are_those_that_torch_writes() -> None:
    """Measured: torch's plain kernel on a processor, in float32, over the queries that are asked at once."""
    tokens, heads, key_heads, width = 1500, 4, 2, 32
    query, key = (torch.randn(1, count, tokens, width) for count in (heads, key_heads))
    way = AttentionWay(WRITTEN)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), BytesAtOnce() as counted:
        way.attend(query, key, key, None)
    sizes = replace(
        SIZES_2B, heads=heads, query_width=heads * width, key_width=key_heads * width, decoder=0, layers=0
    )
    work = Work(2 * tokens, condition_tokens=1, source=False)
    planned = generating(work, WRITTEN, sizes) - generating(work, AttentionMemory(), sizes)
    assert 0.4 * planned < counted.most <= planned


def test_a_device_that_writes_scores_out_gives_way_earlier() -> None:
    free, work = 9 * GIGABYTE, Work(15_000, takes=4, guided=True)
    usual = preflight(SIZES_2B, work, free)
    written = preflight(SIZES_2B, work, free, Placement(attention=WRITTEN))
    assert written.placement.attention == WRITTEN
    assert written.fits(free)
    assert (not written.placement.offload, written.work.takes) < (
        not usual.placement.offload,
        usual.work.takes,
    )


def test_graphs_are_counted_and_go_first() -> None:
    graph = Placement(graph=True)
    for guided in (False, True):
        work = Work(15_000, guided=guided)
        with_graph, without = (plan_memory(SIZES_2B, work, each).peak.total for each in (graph, Placement()))
        assert with_graph > without
        assert preflight(SIZES_2B, work, with_graph + RESERVE, graph).placement == graph
        assert preflight(SIZES_2B, work, without + RESERVE, graph).placement == Placement()


def test_an_edit_has_graphs_and_conditions_for_both_sides() -> None:
    def needed(graph: bool, sides: int, guided: bool) -> int:
        return plan_memory(
            SIZES_2B, Work(15_000, guided=guided, sides=sides), Placement(graph=graph)
        ).peak.total

    for graph in (False, True):
        assert needed(graph, 2, False) == needed(graph, 1, True), "as many as with guidance"
        assert needed(graph, 2, True) > needed(graph, 2, False)


def test_the_reserve_stays_free() -> None:
    plan = plan_memory(SIZES_2B, FOUR_MINUTES, Placement())
    assert plan.fits(plan.peak.total + RESERVE)
    assert not plan.fits(plan.peak.total + RESERVE - 1)


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"frames": 1, "takes": 0}])
def test_work_checks_itself(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Work(**wrong)
