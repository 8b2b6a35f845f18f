"""Servers for tests of the panel."""

from __future__ import annotations

from pathlib import Path

from bridge_server.settings import Settings
from tests.bridge_server.servers import settings_in
from tests.doubles import ENGINES

# A panel asks for the description of every engine, and each comes from a process of its own.
PANEL_ENGINES = {name: ENGINES[name] for name in ("noise", "sketch", "slow", "unloadable")}


def panel_settings(folder: Path, **changes: object) -> Settings:
    """Settings for a server of the test's own, with the engines that the panel's tests need."""
    return settings_in(folder, **{"engines": PANEL_ENGINES, **changes})
