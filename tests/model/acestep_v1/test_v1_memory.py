"""The memory plan with the published sizes: what fits into a card of 8, 12 and 24 GB, and what does not."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep.device.memory_plan import GIGABYTE, Phase
from model.acestep_v1.frame_window import MAX_FRAMES
from model.acestep_v1.v1_memory import V1Placement, V1Sizes, V1Work, needs_of, place_v1
from model.errors import CannotRender

PUBLISHED = V1Sizes(
    text_encoder=281_861_376, condition=95_694_336, transformer=2_492_733_056, codec=156_812_426,
    vocoder=102_977_697, width=2560, inner=6400, layers=24, picture_width=128, deep_width=1024, wave_width=8,
)  # fmt: skip
LONGEST = V1Work(MAX_FRAMES)


def test_the_weights_are_5_gigabytes_in_bfloat16():
    needs = {need.phase: need for need in needs_of(PUBLISHED, LONGEST, V1Placement(offload=True))}
    assert 4.9 < needs[Phase.DENOISE].weights / GIGABYTE < 5.1
    resident = needs_of(PUBLISHED, LONGEST, V1Placement())[0].weights / GIGABYTE
    assert 6.2 < resident < 6.4


@pytest.mark.parametrize(("gigabytes", "offload"), [(24, False), (16, False), (8, True)])
def test_four_minutes_on_usual_cards(gigabytes: int, offload: bool):
    assert place_v1(PUBLISHED, LONGEST, gigabytes * GIGABYTE, 2, 2).offload is offload


def test_too_little_memory_names_the_phase_and_the_remedy():
    with pytest.raises(CannotRender, match=r"needs .* GB while generating 240 s") as refused:
        place_v1(PUBLISHED, LONGEST, 4 * GIGABYTE, 2, 2)
    assert "shorter region" in refused.value.remedy


def test_a_new_song_encodes_nothing():
    phases = {need.phase for need in needs_of(PUBLISHED, V1Work(100, source=False), V1Placement())}
    assert Phase.ENCODE not in phases
