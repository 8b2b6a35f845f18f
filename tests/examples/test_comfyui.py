"""The nodes for ComfyUI, run as a workflow by a double of it, against a real server."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pytest

from tests.bridge_server.peers import band_song, free_port
from tests.bridge_server.servers import server_fixture
from tests.examples.facts import assert_guesses_are_listed
from tests.places import EXAMPLES, PROJECT

torch = pytest.importorskip("torch", reason="SKIPPED: torch, which ComfyUI comes with, is not installed")

from tests.examples.comfyui_double import ComfyUI, InterruptProcessingException, Sound  # noqa: E402

FOLDER = EXAMPLES / "comfyui"
RATE = 44_100

server = server_fixture(engine="sketch")


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    import soundfile

    samples, _ = soundfile.read(
        band_song(tmp_path_factory.mktemp("song") / "band.wav", bars=8), dtype="float32"
    )
    return torch.from_numpy(samples.T.copy())


@pytest.fixture
def comfyui(monkeypatch, song):
    found = ComfyUI()
    for name, module in found.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    found.load_custom_node(FOLDER)
    monkeypatch.setattr(Sound, "given", {"waveform": song[None], "sample_rate": RATE})
    yield found
    for name in [name for name in sys.modules if name.startswith(str(FOLDER).replace(".", "_x_"))]:
        del sys.modules[name]


def workflow(of, kind="TakebridgeTake", **inputs):
    """A sound, one node of ours and something that keeps its first output."""
    address = f"127.0.0.1:{of.settings.websocket_port}"
    given = {"server": address, **inputs}
    if kind == "TakebridgeTake":
        given = {
            "audio": ["sound", 0], "task": "repaint", "bars": "", "start": 0.0, "end": 0.0, "bpm": 120.0,
            "prompt": "", "strength": 0.5, "seed": 7, **given,
        }  # fmt: skip
    return {
        "sound": {"class_type": "Sound", "inputs": {}},
        "ours": {"class_type": kind, "inputs": given},
        "keep": {"class_type": "Keep", "inputs": {"audio": ["ours", 0]}},
    }


def test_a_region_is_repainted_and_the_rest_stays_bit_for_bit(comfyui, server, song):
    out = comfyui.run(workflow(server, bars="2"))["ours"]
    (made,), (clip,), (receipt,) = out
    bar = 2 * RATE
    assert made["sample_rate"] == clip["sample_rate"] == RATE
    assert torch.equal(made["waveform"][0, :, :bar], song[:, :bar])
    assert torch.equal(made["waveform"][0, :, 2 * bar :], song[:, 2 * bar :])
    assert not torch.equal(made["waveform"][0, :, bar : 2 * bar], song[:, bar : 2 * bar])
    assert torch.equal(clip["waveform"][0], made["waveform"][0, :, bar : 2 * bar])
    assert json.loads(receipt)["exact"] is True
    assert comfyui.calls == ["sound", "ours", "keep"]
    assert comfyui.shown[-1] == (1000, 1000)


def test_seconds_a_batch_and_a_value_of_another_node(comfyui, server, song, monkeypatch):
    both = torch.stack([song, song.flip(0)])
    monkeypatch.setattr(Sound, "given", {"waveform": both, "sample_rate": RATE})
    graph = workflow(server, start=["number", 0], end=3.0, bpm=0.0)
    graph["number"] = {"class_type": "Number", "inputs": {"number": 1.5}}
    (made,), (clip,), (receipts,) = comfyui.run(graph)["ours"]
    assert clip["waveform"].shape == (2, 2, round(1.5 * RATE))
    edge = round(1.5 * RATE)
    assert torch.equal(made["waveform"][:, :, :edge], both[:, :, :edge])
    assert len(receipts.split("\n\n")) == 2


def test_the_same_inputs_give_the_same_sound_and_another_seed_another(comfyui, server):
    first, again, other = (
        comfyui.run(workflow(server, bars="2", seed=seed, engine="noise"))["ours"][1][0]["waveform"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_stems_are_lists_whose_sounds_sum_to_the_song(comfyui, server, song):
    out = comfyui.run(workflow(server, "TakebridgeStems", audio=["sound", 0], stems=""))
    stems, names = out["ours"]
    assert len(stems) == len(names) > 1
    total = sum(stem["waveform"][0].double() for stem in stems)
    assert torch.allclose(total, song.double(), atol=1e-6)
    assert comfyui.calls.count("keep") == 1


def test_a_new_song(comfyui, server):
    words = {"prompt": "a bass line", "length": "2 bars", "bpm": 120, "seed": 3, "engine": "noise"}
    out = comfyui.run(workflow(server, "TakebridgeSong", **words))
    (made,), (receipt,) = out["ours"]
    assert made["waveform"].shape[0] == 1
    assert made["waveform"].shape[2] == 4 * made["sample_rate"]
    assert json.loads(receipt)["length"] == made["waveform"].shape[2]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"task": "dance"}, "ours task: Value not in list"),
        ({"strength": 2}, "ours strength: Value 2.0 bigger than max of 1.0"),
        (
            {"start": 3.0, "end": 2.0},
            "ours custom validation: end must be later than start, or 0 for no region",
        ),
        ({"audio": ["ours", 2]}, "ours audio: received_type(STRING) mismatch input_type(AUDIO)"),
    ],
)
def test_what_is_wrong_is_found_before_anything_runs(comfyui, server, changes, problem):
    assert comfyui.problems(workflow(server, **changes)) == [problem]


def test_a_link_that_will_bring_the_start_is_no_problem(comfyui, server):
    graph = workflow(server, start=["number", 0], end=1.0)
    graph["number"] = {"class_type": "Number", "inputs": {"number": 0.5}}
    assert comfyui.problems(graph) == []


def test_the_server_says_what_is_wrong_and_what_to_do(comfyui, server):
    with pytest.raises(RuntimeError, match=r"after the song's end") as caught:
        comfyui.run(workflow(server, bars="17-19"))
    assert "Traceback" not in str(caught.value)
    with pytest.raises(RuntimeError, match=r"No Takebridge server answers at .*takebridge serve"):
        comfyui.run(workflow(server, bars="2", server=f"127.0.0.1:{free_port()}"))


def test_interrupting_the_run_cancels_the_job(comfyui, server):
    comfyui.on_progress = lambda value: setattr(comfyui, "interrupted", True)
    with pytest.raises(InterruptProcessingException):
        comfyui.run(workflow(server, bars="2", engine="slow"))
    with server.websocket() as peer:
        newest = peer.call("jobs.list", limit=1)["jobs"][0]["job"]
        until = time.monotonic() + 20
        while (
            state := peer.call("jobs.show", job=newest)["state"]
        ) == "running" and time.monotonic() < until:
            time.sleep(0.01)
    assert state == "cancelled"


def test_waves_of_every_depth_are_read_as_soundfile_reads_them(comfyui, tmp_path):
    import soundfile

    sound = sys.modules[f"{str(FOLDER).replace('.', '_x_')}.sound"]
    samples = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
    for depth in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"):
        path = tmp_path / f"{depth}.wav"
        soundfile.write(path, samples, RATE, subtype=depth)
        found, rate = sound.decode_wav(path.read_bytes())
        expected, _ = soundfile.read(path, dtype="float32")
        assert rate == RATE
        assert np.allclose(found.numpy().T, expected, atol=1e-7), depth
    again, _ = sound.decode_wav(sound.encode_wav(found, RATE))
    assert torch.equal(again, found)
    with pytest.raises(ValueError, match="without sound"):
        sound.decode_wav(b"RIFF....WAVE")


def test_outside_comfyui_nothing_is_missing():
    from examples.comfyui import host

    host.Progress().show(0.5)
    host.raise_if_interrupted()


def test_the_guesses_are_on_its_page():
    assert_guesses_are_listed(PROJECT / "tests" / "examples" / "comfyui_facts.md", FOLDER / "README.md")
