"""The signs of life of an engine link."""

from __future__ import annotations

from bridge_server.studio.pulse import PULSE


def test_a_lost_machine_is_noticed_within_two_seconds() -> None:
    assert PULSE.every + PULSE.lost_after <= 2.0
