"""Every option that is described is read: a value that cannot be is refused by its name."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engines need torch: pip install takebridge[acestep]")

from model.acestep_v1.options import ENGINE_HELP, SAMPLING_HELP
from model.acestep_v1.render_settings import v1_settings
from model.engine import Task
from model.errors import CannotRender


@pytest.mark.parametrize("name", SAMPLING_HELP)
def test_every_option_is_read(name: str):
    with pytest.raises(CannotRender, match=name):
        v1_settings(Task.COVER, {name: object()})


def test_the_engines_own_options_come_first():
    assert list(ENGINE_HELP)[:3] == ["checkpoint", "adapter", "adapter_strength"]
    assert all(ENGINE_HELP.values())
