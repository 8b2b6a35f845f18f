"""`takebridge models halve` and `unhalve` as they are typed: what they print, what they leave on disk."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import struct
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from filelock import FileLock

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from safetensors.torch import load_file, save_file

from bridge_server.cli import halve as command
from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM
from bridge_server.models.library import STAGING
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.cli.test_models import TURBO, Typed
from tests.model.acestep_v1.tiny_v1 import write_v1
from tests.places import TINY

COPY = "transformer.bfloat16"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A checkpoint in float32."""
    folder = Path(shutil.copytree(TINY / TURBO, tmp_path / "models" / TURBO))
    file = folder / "model.safetensors"
    save_file({name: tensor.float() for name, tensor in load_file(file).items()}, file)
    return tmp_path / "models"


def test_made_told_listed_verified_and_removed(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed, copy = Typed(models), models / TURBO / COPY
    assert typed("halve", "turbo") == DONE
    said = " ".join(typed.printed.split())
    assert "its transformer in half precision takes" in said
    assert said.index("takes") < said.index("unhalve"), "told first"
    assert "takebridge models unhalve" in said
    assert copy.is_file()
    assert Typed(models, as_json=True)("list") == DONE
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["turbo"]["half_copy_bytes"] == copy.stat().st_size
    assert rows["turbo"]["state"] == "here"
    assert rows["base"]["half_copy_bytes"] == 0
    listed = Typed(models)
    assert listed("list") == DONE
    assert "also in half precision:" in listed.printed
    with copy.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\x00\x41")
    verified = Typed(models)
    assert verified("verify", "turbo") == PROBLEM
    assert f"{COPY}: " in verified.printed
    assert "takebridge models unhalve" in verified.printed
    removed = Typed(models)
    assert removed("unhalve", "turbo") == DONE
    assert "freed" in removed.printed
    assert not copy.exists()
    assert removed("unhalve", "turbo") == DONE
    assert "has no copy" in removed.printed
    assert sorted(path.name for path in (models / TURBO).iterdir()) == sorted(os.listdir(TINY / TURBO))


def test_what_cannot_be_halved_is_refused_with_a_reason(models: Path) -> None:
    typed = Typed(models)
    with pytest.raises(ProtocolError, match="Name the model") as nameless:
        typed("halve")
    assert nameless.value.code is ErrorCode.MISSING_FIELD
    with pytest.raises(ProtocolError, match="xl-turbo is not in"):
        typed("halve", "xl-turbo")
    shutil.copytree(TINY / "vae", models / "vae")
    with pytest.raises(ProtocolError, match="has no transformer"):
        typed("halve", "vae")
    write_v1(models)
    with pytest.raises(ProtocolError, match="v1 has no transformer"):
        typed("halve", "v1")
    file = models / TURBO / "model.safetensors"
    save_file({name: tensor.to(torch.bfloat16) for name, tensor in load_file(file).items()}, file)
    with pytest.raises(ProtocolError, match="in half precision already"):
        typed("halve", "turbo")
    assert not list((models / TURBO).glob(f"{COPY}*"))


def test_one_at_a_time(models: Path) -> None:
    (models / STAGING).mkdir()
    with FileLock(models / STAGING / "halve.lock"):
        for action in ("halve", "unhalve"):
            with pytest.raises(ProtocolError, match="is being stored"):
                Typed(models)(action, "turbo")


def test_a_stop_ends_the_other_process_and_removes_what_it_began(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(command, "bytes_of_half_copy", os.path.getsize)  # any figure, at once
    begun = models / TURBO / f"{COPY}.part"

    class Bar:
        """Where Ctrl-C comes: the command is looking how far the copy is."""

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_ended: object) -> None:
            pass

        def on_file(self, _name: str) -> None:
            begun.write_bytes(b"begun")

        def on_bytes(self, _count: int) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "transfer_bar", lambda *_: Bar())
    typed = Typed(models)
    assert typed("halve", "turbo") == INTERRUPTED
    assert "What was begun is removed" in typed.printed
    assert not begun.exists()
    assert multiprocessing.active_children() == []


def dies_mid_answer(_: Path) -> None:
    """A process that is killed while it writes its answer: the length of one is there, and half of it."""
    (pipe,) = [one for one in gc.get_objects() if isinstance(one, Connection) and one.writable]
    os.write(pipe.fileno(), struct.pack("!i", 1000) + b"half")
    os._exit(1)


@pytest.mark.parametrize(
    "dies",
    [
        sys.exit,
        pytest.param(dies_mid_answer, marks=pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")),
    ],
)
def test_a_process_that_dies_is_told(
    models: Path, monkeypatch: pytest.MonkeyPatch, dies: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(command, "bytes_of_half_copy", dies)
    with pytest.raises(ProtocolError, match="died") as died:
        Typed(models)("halve", "turbo")
    assert died.value.code is ErrorCode.ENGINE_DIED
