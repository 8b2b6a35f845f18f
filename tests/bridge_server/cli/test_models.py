"""`takebridge models` as it is typed: what it prints, what it leaves on disk, how it ends."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli import doctor
from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen
from bridge_server.cli.models import run_models
from bridge_server.models.downloads import Hub
from bridge_server.models.library import RECORD, STAGING
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import by_name
from model.stems.published_stems import stem_models
from tests.bridge_server import hub_server
from tests.bridge_server.hub_server import running, safetensors
from tests.places import PROJECT, TINY

TURBO = "acestep-v15-turbo"
MAIN = "ACE-Step/Ace-Step1.5"
WORDS = "Qwen3-Embedding-0.6B"


class Typed:
    """Types commands for a person or for a program, and keeps what was printed for the person."""

    def __init__(self, models: Path, hub: hub_server.Hub | None = None, *, as_json: bool = False) -> None:
        self._models = models
        self._hub = hub
        self._printed = io.StringIO()
        self._screen = Screen(Console(file=self._printed, width=200), as_json)

    def __call__(self, action: str, *names: str) -> int:
        return run_models(self._screen, self._models, action, names, self._source)

    def _source(self) -> Hub:
        pytest.importorskip(
            "huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)"
        )
        assert self._hub is not None, "this command should not need the hub"
        return Hub(self._hub.address, token=False)

    @property
    def printed(self) -> str:
        return self._printed.getvalue()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two tiny models in the folders the official application has."""
    for name in (TURBO, "vae"):
        shutil.copytree(TINY / name, tmp_path / "models" / name)
    return tmp_path / "models"


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    """The main repository, with tiny models."""
    files = {
        f"{name}/{file.name}": file.read_bytes()
        for name in (TURBO, "vae")
        for file in (TINY / name).iterdir()
    }
    files |= {
        "config.json": b"{}",
        f"{TURBO}/modeling_acestep_v15_turbo.py": b"raise SystemExit('remote code was run')",
        f"{WORDS}/config.json": b'{"model_type": "qwen3"}',
        f"{WORDS}/model.safetensors": safetensors(weights=(5,)),
        f"{WORDS}/tokenizer.json": b"{}",
        f"{WORDS}/tokenizer_config.json": b"{}",
        f"{WORDS}/vocab.json": b"{}",
        f"{WORDS}/merges.txt": b"a b",
    }
    with running(hub_server.Hub({MAIN: files})) as served:
        yield served


# --- list and path ------------------------------------------------------------------------------------


def test_list_says_what_there_is_and_what_could_be(models):
    typed = Typed(models)
    assert typed("list") == DONE
    (turbo,) = [line for line in typed.printed.splitlines() if line.strip().startswith("turbo ")]
    assert "here" in turbo
    assert "cannot work without text-encoder" in turbo
    (base,) = [line for line in typed.printed.splitlines() if line.strip().startswith("base ")]
    assert "~4.79 GB" in base
    assert "licence: CC-BY-NC 4.0: not for commercial use" in " ".join(typed.printed.split())
    assert "not here" in base


def test_list_of_nothing_says_how_to_begin(tmp_path):
    typed = Typed(tmp_path / "nowhere")
    assert typed("list") == DONE
    assert "takebridge models pull turbo" in typed.printed
    assert not (tmp_path / "nowhere").exists()


def test_list_for_programs(models, capsys):
    assert Typed(models, as_json=True)("list") == DONE
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["turbo"]["state"] == "here"
    assert rows["turbo"]["path"] == str(models / TURBO)
    assert rows["turbo"]["needs"] == ["vae", "text-encoder"]
    assert rows["musicgen-melody"]["licence"] == "CC-BY-NC 4.0: not for commercial use"
    assert "1 million USD" in rows["stable-audio-open"]["licence"]
    assert rows["xl-base"]["state"] == "absent"
    assert rows["xl-base"]["published_bytes"] == 19_950_000_000


def test_path(models, capsys):
    assert Typed(models)("path") == DONE
    assert Typed(models)("path", "turbo", "VAE") == DONE
    assert capsys.readouterr().out.splitlines() == [str(models), str(models / TURBO), str(models / "vae")]


def test_path_of_what_is_not_there(models):
    with pytest.raises(ProtocolError, match="sft is not in") as refused:
        Typed(models)("path", "sft")
    assert refused.value.remedy == "takebridge models pull sft"
    with pytest.raises(ProtocolError, match="no model called 'mine'") as refused:
        Typed(models)("path", "mine")
    assert "turbo" in refused.value.remedy


# --- verify -------------------------------------------------------------------------------------------


def test_verify_compares_tensors_with_the_networks(models):
    pytest.importorskip("torch", reason="SKIPPED: networks need torch (extra acestep)")
    for name in ("acestep-v15-base", "acestep-v15-sft"):
        shutil.copytree(TINY / TURBO, models / name)
    (models / "acestep-v15-base" / "model.safetensors").write_bytes(safetensors(**{"decoder.strange": (4,)}))
    _misshape(models / "acestep-v15-sft" / "model.safetensors", "null_condition_emb")
    typed = Typed(models)
    assert typed("verify") == PROBLEM
    marks = {line.split()[1]: line[0] for line in typed.printed.splitlines() if line.startswith(("✓", "✗"))}
    assert marks == {"turbo": "✓", "base": "✗", "sft": "✗", "vae": "✓"}
    assert "are missing" in typed.printed
    assert "null_condition_emb gives the condition encoder's no_condition the shape" in typed.printed
    assert "Repair: takebridge models pull base" in typed.printed


def _misshape(path: Path, name: str) -> None:
    """The same bytes, but one tensor [1, 1, C] is said to be [1, C, 1]."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    header[name]["shape"] = [header[name]["shape"][0], header[name]["shape"][2], 1]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[begin:])


def test_verify_of_a_file_cut_short(models, capsys):
    path = models / TURBO / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert Typed(models, as_json=True)("verify", "turbo") == PROBLEM
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["sound"]) == ("turbo", False)
    (wrong,) = [file for file in row["files"] if file["wrong"]]
    assert wrong["file"] == "model.safetensors"
    assert "incomplete or damaged" in wrong["wrong"]


def test_verify_of_an_empty_folder(tmp_path):
    typed = Typed(tmp_path)
    assert typed("verify") == DONE
    assert "takebridge models pull turbo" in typed.printed


# --- pull ---------------------------------------------------------------------------------------------


def test_pull_brings_what_the_model_needs_and_shows_sizes_first(hub, tmp_path):
    typed = Typed(tmp_path / "models", hub)
    assert typed("pull", "turbo") == DONE
    lines = typed.printed.splitlines()
    sizes = [index for index, line in enumerate(lines) if "to fetch from" in line]
    room = next(index for index, line in enumerate(lines) if "free)" in line)
    done = [index for index, line in enumerate(lines) if line.startswith("✓")]
    assert len(sizes) == len(done) == 3
    assert max(sizes) < room < min(done)
    folders = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert folders == [STAGING, WORDS, TURBO, "vae"]
    assert not list((tmp_path / "models").rglob("*.py"))


def test_a_separation_network_is_pulled_with_size_and_licence_first_and_known_afterwards(tmp_path):
    entry = by_name("stems")
    weights = safetensors(weights=(5,))
    files = {entry.files[0].name: weights, "README.md": b"x", "955717e8.json": b"{}", "htdemucs.yaml": b"x"}
    with running(hub_server.Hub({entry.repository: files})) as hub:
        typed = Typed(tmp_path, hub)
        assert typed("pull", "stems") == DONE
    size, licence, *_, done = [line for line in typed.printed.splitlines() if line.strip()]
    assert "to fetch from adefossez/HTDemucs" in size
    assert "research only" in licence
    assert done.startswith("✓")
    assert sorted(path.name for path in (tmp_path / "HTDemucs").iterdir()) == [entry.files[0].name, RECORD]
    assert stem_models(tmp_path)[0].name == "stems"
    (tmp_path / "HTDemucs" / entry.files[0].name).write_bytes(weights[:-1])
    assert Typed(tmp_path)("verify", "stems") == PROBLEM


def test_what_is_given_to_the_signed_in_says_so_first_and_is_explained_when_refused(tmp_path):
    entry = by_name("stable-audio-open")
    hub = hub_server.Hub({entry.repository: {file.name: b"{}" for file in entry.files}})
    hub.refusal = (401, {"X-Error-Code": "GatedRepo"})
    with running(hub):
        typed = Typed(tmp_path, hub)
        with pytest.raises(ProtocolError, match="requires its terms to be accepted") as refused:
            typed("pull", entry.name)
    assert "accept it on that page, and sign in here with: hf auth login" in typed.printed
    assert entry.page in typed.printed
    assert entry.page in refused.value.remedy
    assert not (tmp_path / entry.folder).exists()


def test_what_was_pulled_is_whole_and_known(hub, tmp_path):
    Typed(tmp_path, hub)("pull", "turbo")
    typed = Typed(tmp_path)
    typed("list")
    (turbo,) = [line for line in typed.printed.splitlines() if line.strip().startswith("turbo ")]
    assert "here" in turbo
    assert "without" not in turbo
    record = json.loads((tmp_path / TURBO / RECORD).read_text())
    assert record["repository"] == MAIN
    assert record["revision"] == hub_server.REVISION


def test_pull_again_fetches_nothing(hub, tmp_path, capsys):
    Typed(tmp_path, hub)("pull", "vae")
    hub.asked.clear()
    typed = Typed(tmp_path, hub)
    assert typed("pull", "vae") == DONE
    assert "here already, and whole" in typed.printed
    assert not any("/resolve/" in path for _, path, _ in hub.asked)
    assert Typed(tmp_path, hub, as_json=True)("pull", "vae") == DONE
    assert json.loads(capsys.readouterr().out) == [{"name": "vae", "fetched_bytes": 0}]


def test_pull_mends_damage(hub, tmp_path):
    Typed(tmp_path, hub)("pull", "vae")
    weights = tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    right = weights.read_bytes()
    weights.write_bytes(right[:-1] + b"!")
    hub.sent.clear()
    assert Typed(tmp_path, hub)("pull", "vae") == DONE
    assert weights.read_bytes() == right
    assert set(hub.sent) == {"vae/diffusion_pytorch_model.safetensors"}


def test_pull_without_a_name_or_with_a_wrong_one(tmp_path):
    for names in ((), ("turbo-9000",)):
        with pytest.raises(ProtocolError) as refused:
            Typed(tmp_path)("pull", *names)
        assert "turbo, base, sft" in refused.value.remedy


def test_pull_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ProtocolError, match="not installed") as refused:
        run_models(Screen(Console(file=io.StringIO())), tmp_path, "pull", ["turbo"])
    assert refused.value.code is ErrorCode.ENGINE_NOT_READY


# --- doctor -------------------------------------------------------------------------------------------


def test_doctor_lists_models(hub, models, tmp_path):
    (none,) = doctor.models(tmp_path / "nowhere")
    assert none.verdict is doctor.Verdict.OPTIONAL
    assert "takebridge models pull turbo" in none.remedy
    (lacking,) = doctor.models(models)
    assert lacking.verdict is doctor.Verdict.OPTIONAL
    assert "turbo: cannot work without text-encoder" in lacking.found
    assert lacking.remedy == "takebridge models pull turbo"
    Typed(tmp_path / "pulled", hub)("pull", "turbo")
    (whole,) = doctor.models(tmp_path / "pulled")
    assert whole.verdict is doctor.Verdict.GOOD
    assert "turbo, vae, text-encoder, in the folder" in whole.found


# --- the whole program --------------------------------------------------------------------------------


def command(hub: hub_server.Hub, folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "TAKEBRIDGE_MODELS": str(folder / "models"),
        "COLUMNS": "200",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bridge_server", "--store", str(folder / "store"), "models", *words],
        env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="SKIPPED: needs signals")
def test_ctrl_c_keeps_what_has_come_and_the_next_pull_goes_on(hub, tmp_path):
    pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")
    path = "vae/diffusion_pytorch_model.safetensors"
    # Long enough that much has been written while some is still under way.
    hub.repositories[MAIN][path] = safetensors(weights=(12_000_000,))
    hub.stalls_after[path] = 40_000_000
    with command(hub, tmp_path, "pull", "vae") as first:
        assert hub.stalled.wait(60)
        first.send_signal(signal.SIGINT)
        printed, errors = first.communicate(timeout=60)
    assert first.returncode == INTERRUPTED, errors
    assert "Stopped. Downloaded data is kept" in printed
    assert not (tmp_path / "models" / "vae").exists()
    hub.go_on.set()
    with command(hub, tmp_path, "pull", "vae") as second:
        printed, errors = second.communicate(timeout=60)
    assert second.returncode == DONE, errors
    assert str(tmp_path / "models" / "vae") in printed
    assert hub.asked_for(path)[-1] is not None
    with command(hub, tmp_path, "path", "vae") as third:
        assert third.communicate(timeout=60)[0].strip() == str(tmp_path / "models" / "vae")


def test_errors_go_to_the_other_stream(hub, tmp_path):
    with command(hub, tmp_path, "path", "base") as asked:
        printed, errors = asked.communicate(timeout=60)
    assert (asked.returncode, printed) == (1, "")
    assert "takebridge models pull base" in errors
