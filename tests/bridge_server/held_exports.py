"""Exports that last until they are cancelled."""

from __future__ import annotations

import threading

import pytest

from bridge_server.handlers.running_requests import RunningExport
from tests.bridge_server.peers import PATIENCE


def hold_exports(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds exports at their first check until one is cancelled; the event says that one has come there."""
    reached, released = threading.Event(), threading.Event()
    check, cancel = RunningExport.check, RunningExport.cancel

    def hold(export: RunningExport) -> None:
        reached.set()
        assert released.wait(PATIENCE)
        check(export)

    def release(export: RunningExport) -> None:
        cancel(export)
        released.set()

    monkeypatch.setattr(RunningExport, "check", hold)
    monkeypatch.setattr(RunningExport, "cancel", release)
    return reached
