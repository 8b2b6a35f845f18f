"""Downloads from a hub on this machine: whole, resumed, refused, spoilt; nothing half-done is a model."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")

from bridge_server.models.downloads import (
    Hub,
    TransferMeter,
    carry_out,
    download,
    git_digest,
    refuse_without_room,
)
from bridge_server.models.library import RECORD, STAGING, State, installed_models, look, read_record
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Published, PublishedFile, by_name
from tests.bridge_server import hub_server
from tests.bridge_server.hub_server import running, safetensors, sha256

BASE = "ACE-Step/acestep-v15-base"
WEIGHTS = "model.safetensors"
# The library keeps what it received in pieces of ten million bytes, and some may still be under way.
LONG = safetensors(weights=(12_000_000,))
CUT = 40_000_000


def entry_of(name: str) -> Published:
    entry = by_name(name)
    assert entry is not None
    return entry


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    """Has one model, `base`, and beside it what must never be fetched."""
    files = {
        WEIGHTS: safetensors(weights=(100,)),
        "config.json": b'{"model_type": "acestep"}',
        "silence_latent.pt": b"latents of silence",
        "modeling_acestep_v15_base.py": b"raise SystemExit('remote code was run')",
        "README.md": b"# About",
        "../outside.json": b"{}",
        "samples/one.safetensors": safetensors(one=(1,)),
    }
    with running(hub_server.Hub({BASE: files})) as served:
        yield served


def pull(hub: hub_server.Hub, models: Path, meter: TransferMeter | None = None, name: str = "base") -> Path:
    source = Hub(hub.address, token=False)
    wanted = download(source.listing(entry_of(name)), models)
    refuse_without_room([wanted], models)
    return carry_out(source, wanted, models, meter or TransferMeter())


def state(models: Path) -> State:
    return installed_models(models, entry_of("base")).state


@pytest.mark.parametrize(("name", "weights"), [("prompt-match", "pytorch_model.bin"), ("words", "model.bin")])
def test_what_is_listed_file_by_file_comes_whatever_its_kind_and_nothing_else(
    tmp_path: Path, name: str, weights: str
) -> None:
    listed = {file.name: b"{}" for file in entry_of(name).files}
    files = {**listed, weights: b"weights", "model.safetensors": b"twice", "run.bin": b"code"}
    with running(hub_server.Hub({entry_of(name).repository: files})) as served:
        folder = pull(served, tmp_path, name=name)
    assert weights in listed
    assert {path.name for path in folder.iterdir()} == {*listed, RECORD}


def test_a_model_of_several_folders_comes_with_them_and_is_completed_and_resumed(tmp_path):
    entry = entry_of("stable-audio-open")
    files = {
        file.name: safetensors(weights=(5,)) if file.name.endswith(".safetensors") else b'{"a": 1}'
        for file in entry.files
    }
    around = {"model.safetensors": safetensors(all=(9,)), "vae/more.json": b"{}", "../vae/config.json": b"{}"}
    with running(hub_server.Hub({entry.repository: files | around})) as served:
        folder = pull(served, tmp_path, name=entry.name)
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert there == {*files, RECORD}
        assert read_record(folder).keys() == files.keys()
        assert installed_models(tmp_path, entry).state is State.HERE
        (folder / "vae" / "config.json").write_bytes(b"{")
        for lost in (folder / "tokenizer").iterdir():
            lost.unlink()
        (folder / "tokenizer").rmdir()
        assert installed_models(tmp_path, entry).state is State.DAMAGED
        served.asked.clear()
        pull(served, tmp_path, name=entry.name)
        assert installed_models(tmp_path, entry).state is State.HERE
        assert {path for _, path, _ in served.asked if "/resolve/" in path} >= {
            f"/{entry.repository}/resolve/{hub_server.REVISION}/vae/config.json"
        }
        assert not served.asked_for("transformer/config.json"), "it was here"


def test_a_whole_pull(hub, tmp_path):
    counted: list[int] = []
    files: list[str] = []
    folder = pull(hub, tmp_path, TransferMeter(files.append, counted.append))
    assert folder == tmp_path / "acestep-v15-base"
    wanted = ("config.json", WEIGHTS, "silence_latent.pt")
    assert sorted(file.name for file in folder.iterdir()) == sorted([*wanted, RECORD])
    for name in wanted:
        content = hub.repositories[BASE][name]
        assert (folder / name).read_bytes() == content
        assert read_record(folder)[name]["sha256"] == sha256(content)
        assert name in files
    assert sum(counted) == sum(len(hub.repositories[BASE][name]) for name in wanted)
    assert state(tmp_path) is State.HERE
    assert not (tmp_path / STAGING / "acestep-v15-base").exists()


def test_code_is_not_even_asked_for(hub, tmp_path):
    pull(hub, tmp_path)
    asked = {path for _, path, _ in hub.asked}
    assert not any(path.endswith((".py", ".md")) or "outside" in path or "samples" in path for path in asked)


def test_only_the_subfolder_of_a_shared_repository_comes(tmp_path):
    vae = {"vae/config.json": b"{}", "vae/diffusion_pytorch_model.safetensors": safetensors(a=(3,))}
    others = {"config.json": b"{}", "acestep-v15-turbo/config.json": b"{}", "vae/deeper/config.json": b"{}"}
    with running(hub_server.Hub({"ACE-Step/Ace-Step1.5": vae | others})) as hub:
        folder = pull(hub, tmp_path, name="vae")
    assert folder == tmp_path / "vae"
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [RECORD, "config.json", "diffusion_pytorch_model.safetensors"]
    )


def test_a_tokenizer_comes_without_the_network_it_belongs_to(tmp_path):
    folder = "Qwen3-Embedding-0.6B/"
    files = {
        folder + name: content
        for name, content in (
            (WEIGHTS, safetensors(weights=(100,))), ("config.json", b"{}"), ("tokenizer.json", b"{}"),
            ("tokenizer_config.json", b"{}"), ("merges.txt", b""),
        )
    }  # fmt: skip
    with running(hub_server.Hub({"ACE-Step/Ace-Step1.5": files})) as served:
        came = pull(served, tmp_path, name="tokenizer")
    assert came == tmp_path / "Qwen3-Embedding-0.6B-tokenizer"
    assert sorted(file.name for file in came.iterdir()) == sorted(
        [RECORD, "tokenizer.json", "tokenizer_config.json"]
    )
    assert {one.name: one.state for one in look(tmp_path)}["tokenizer"] is State.HERE


def test_what_is_there_is_not_fetched_again(hub, tmp_path):
    pull(hub, tmp_path)
    hub.asked.clear()
    again = download(Hub(hub.address, token=False).listing(entry_of("base")), tmp_path)
    assert (again.missing, again.size) == ((), 0)
    assert len(hub.asked) == 1


def test_a_folder_from_elsewhere_is_completed_and_keeps_its_own_files(hub, tmp_path):
    folder = tmp_path / "acestep-v15-base"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(hub.repositories[BASE][WEIGHTS])
    (folder / "config.json").write_bytes(b'{"model_type": "spoilt "}')
    (folder / "notes.txt").write_text("mine")
    pull(hub, tmp_path)
    assert hub.asked_for(WEIGHTS) == []
    assert (folder / "config.json").read_bytes() == hub.repositories[BASE]["config.json"]
    assert (folder / "notes.txt").read_text() == "mine"
    assert state(tmp_path) is State.HERE


@pytest.mark.parametrize(
    "resets",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                sys.platform == "win32", reason="SKIPPED: resets a socket the POSIX way"
            ),
        ),
    ],
)
def test_a_connection_cut_in_the_middle_is_taken_up_by_itself(hub, tmp_path, resets):
    hub.repositories[BASE][WEIGHTS] = LONG
    hub.cut_after[WEIGHTS] = CUT
    hub.resets = resets
    counted: list[int] = []
    folder = pull(hub, tmp_path, TransferMeter(on_bytes=counted.append))
    assert (folder / WEIGHTS).read_bytes() == LONG
    first, second = hub.asked_for(WEIGHTS)
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= CUT
    assert sum(counted) == sum(len(hub.repositories[BASE][name]) for name in read_record(folder))


def test_a_download_that_failed_goes_on_where_it_stopped(hub, tmp_path):
    hub.repositories[BASE][WEIGHTS] = LONG
    part = _stopped_in_the_middle(hub, tmp_path)
    have = part.stat().st_size
    assert 0 < have < len(LONG)
    assert state(tmp_path) is State.BEGUN
    hub.refusal = None
    hub.sent.clear()
    assert download(Hub(hub.address, token=False).listing(entry_of("base")), tmp_path).size < len(LONG)
    folder = pull(hub, tmp_path)
    assert (folder / WEIGHTS).read_bytes() == LONG
    assert hub.asked_for(WEIGHTS)[-1] == f"bytes={have}-"
    assert hub.sent[WEIGHTS] == len(LONG) - have


def _stopped_in_the_middle(hub: hub_server.Hub, models: Path) -> Path:
    """Cuts a download and answers its next try with a fault; returns the part that stays."""
    hub.cut_after[WEIGHTS] = CUT

    def fail_from_now_on(_count: int) -> None:
        hub.refusal = (503, {})

    source = Hub(hub.address, token=False)
    wanted = download(source.listing(entry_of("base")), models)
    with pytest.raises(ProtocolError, match="503") as stopped:
        carry_out(source, wanted, models, TransferMeter(on_bytes=fail_from_now_on))
    assert "kept" in stopped.value.remedy
    (part,) = (models / STAGING / "acestep-v15-base").glob(f"{WEIGHTS}.*.part")
    return part


def test_a_part_of_another_version_is_not_added_to(hub, tmp_path):
    hub.repositories[BASE][WEIGHTS] = LONG
    _stopped_in_the_middle(hub, tmp_path)
    hub.refusal = None
    newer = hub.repositories[BASE][WEIGHTS] = safetensors(weights=(50,))
    folder = pull(hub, tmp_path)
    assert (folder / WEIGHTS).read_bytes() == newer
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_wrong_digest_is_refused_and_removed(hub, tmp_path, name):
    right = hub.repositories[BASE][name]
    hub.sent_instead[name] = right[:-1] + b"!"
    with pytest.raises(ProtocolError, match="digest") as refused:
        pull(hub, tmp_path)
    assert refused.value.code is ErrorCode.FILE_UNREADABLE
    assert not list((tmp_path / STAGING).glob(f"*/{name}*"))
    assert not (tmp_path / "acestep-v15-base").exists()
    hub.sent_instead.clear()
    assert (pull(hub, tmp_path) / name).read_bytes() == right


def test_a_longer_file_than_stated_is_refused(hub, tmp_path):
    hub.sent_instead[WEIGHTS] = hub.repositories[BASE][WEIGHTS] + b"more"
    with pytest.raises(ProtocolError):
        pull(hub, tmp_path)
    hub.sent_instead.clear()
    assert (pull(hub, tmp_path) / WEIGHTS).read_bytes() == hub.repositories[BASE][WEIGHTS]


def test_no_room_is_reported_before_a_byte_is_fetched(hub, tmp_path):
    hub.announced[WEIGHTS] = 10**18
    with pytest.raises(ProtocolError, match=r"1000000000\.\d GB needed") as refused:
        pull(hub, tmp_path / "models")
    assert refused.value.code is ErrorCode.STORE_FAILED
    assert "--models" in refused.value.remedy
    assert not any("/resolve/" in path for _, path, _ in hub.asked)
    assert not (tmp_path / "models").exists()


def test_a_disk_that_becomes_full(hub, small_disk):
    hub.repositories[BASE][WEIGHTS] = LONG  # longer than that disk
    source = Hub(hub.address, token=False)
    wanted = download(source.listing(entry_of("base")), small_disk)
    with pytest.raises(ProtocolError, match="filled up") as refused:
        carry_out(source, wanted, small_disk, TransferMeter())
    assert refused.value.code is ErrorCode.STORE_FAILED
    assert state(small_disk) is State.BEGUN


def test_a_folder_that_cannot_be_written(hub, read_only_folder):
    source = Hub(hub.address, token=False)
    wanted = download(source.listing(entry_of("base")), read_only_folder)
    with pytest.raises(ProtocolError, match="cannot be written") as refused:
        carry_out(source, wanted, read_only_folder, TransferMeter())
    assert "--models" in refused.value.remedy


def test_offline(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening: nothing can connect
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ProtocolError, match="base could not be downloaded") as refused:
            Hub(address, token=False).listing(entry_of("base"))
    assert "connection" in refused.value.remedy


@pytest.mark.parametrize(
    ("status", "headers", "sentence", "remedy"),
    [
        (403, {"X-Error-Code": "GatedRepo"}, "requires its terms", f"https://huggingface.co/{BASE}"),
        (401, {"X-Error-Code": "GatedRepo"}, "requires its terms", "hf auth login"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "refused", "hf auth login"),
        (404, {"X-Error-Code": "RepoNotFound"}, "has no ACE-Step/acestep-v15-base", "update Takebridge"),
        (404, {"X-Error-Code": "EntryNotFound"}, "was just removed", "again"),
        (500, {}, "HTTP 500", "later"),
    ],
)
def test_what_the_hub_refuses_is_explained(hub, tmp_path, status, headers, sentence, remedy):
    hub.refusal = (status, headers)
    with pytest.raises(ProtocolError) as refused:
        pull(hub, tmp_path)
    assert sentence in refused.value.sentence
    assert remedy in refused.value.remedy
    assert state(tmp_path) is not State.HERE


def test_a_repository_that_is_not_there(hub, tmp_path):
    with pytest.raises(ProtocolError, match="has no ACE-Step/acestep-v15-sft"):
        pull(hub, tmp_path, name="sft")


def test_a_model_published_in_another_form(hub, tmp_path):
    del hub.repositories[BASE]["silence_latent.pt"]
    with pytest.raises(ProtocolError, match=r"no longer has silence_latent\.pt of base"):
        pull(hub, tmp_path)


def test_two_downloads_of_one_model_do_not_meet(hub, tmp_path):
    source = Hub(hub.address, token=False)
    wanted = download(source.listing(entry_of("base")), tmp_path)
    refused = []

    def try_too(_name: str) -> None:
        with pytest.raises(ProtocolError, match="already") as second:
            carry_out(source, wanted, tmp_path, TransferMeter())
        refused.append(second.value)

    carry_out(source, wanted, tmp_path, TransferMeter(on_file=try_too))
    assert refused
    assert state(tmp_path) is State.HERE


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ProtocolError, match="huggingface-hub") as refused:
        Hub()
    assert "takebridge[acestep]" in refused.value.remedy
    assert refused.value.code is ErrorCode.ENGINE_NOT_READY


def test_git_digest(tmp_path):
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert git_digest(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_a_download_begun_is_no_model(hub, tmp_path):
    hub.repositories[BASE][WEIGHTS] = LONG
    _stopped_in_the_middle(hub, tmp_path)
    assert [one.name for one in look(tmp_path) if one.state is State.HERE] == []


def test_a_file_outside_the_hub_comes_from_its_own_address_without_the_hubs_token(tmp_path):
    words = b'{"model": 1}'
    with running(hub_server.Hub({"their/code": {"vocab.json": words}})) as elsewhere:
        entry = replace(
            entry_of("v1-lyrics"),
            files=(PublishedFile("vocab.json", len(words), sha256(words)[:8]),),
            address=f"{elsewhere.address}/their/code/resolve/{hub_server.REVISION}/vocab.json",
        )
        source = Hub(elsewhere.address, token="hf_secret")
        folder = carry_out(source, download(source.listing(entry), tmp_path), tmp_path, TransferMeter())
    assert folder == tmp_path / entry.folder
    assert (folder / "vocab.json").read_bytes() == words
    assert read_record(folder)["vocab.json"]["sha256"] == sha256(words)
    assert entry.page == "https://github.com/ace-step/ACE-Step"
    assert installed_models(tmp_path, entry).state is State.HERE
