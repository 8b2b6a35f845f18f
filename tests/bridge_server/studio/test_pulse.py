"""How often the two ends of an engine link show that they live."""

from bridge_server.studio.pulse import PULSE


def test_a_lost_machine_is_noticed_within_two_seconds() -> None:
    assert PULSE.every + PULSE.lost_after <= 2.0
