"""What the machine says of itself."""

import os
import sys

import pytest

from bridge_server.models import machine
from bridge_server.models.machine import GraphicsCard, cards_in, graphics_cards, memory_bytes

MIB = 2**20


def test_the_drivers_table_is_read():
    found = cards_in("NVIDIA H200, 143771, 143001\nOdd, card, 8192, 17\n\nno driver\nx, y, z\n")
    assert found == (
        GraphicsCard("NVIDIA H200", 143_771 * MIB, 143_001 * MIB),
        GraphicsCard("Odd, card", 8192 * MIB, 17 * MIB),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="SKIPPED: the tool is a shell script here")
@pytest.mark.parametrize(
    ("script", "expected"), [("echo 'Card, 2, 1'", 1), ("exit 9", 0)], ids=["works", "driver is broken"]
)
def test_the_drivers_tool_is_asked(tmp_path, monkeypatch, script, expected):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert len(graphics_cards()) == expected


def test_without_the_tool_there_are_no_cards(monkeypatch):
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    assert graphics_cards() == ()


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="SKIPPED: this system does not say")
def test_the_memory_is_plausible():
    assert (memory_bytes() or 0) > 2**28
