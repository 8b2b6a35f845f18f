"""The ACE-Step engine in its own process behind a real server, with untrained models: the takes are noise."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.places import DEMO_SONG, TINY_LORA, TINY_PLANNER

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from safetensors.torch import load_file, save_file

from bridge_server.engines.registry import MODELS_ENGINE, EngineSetup, engine_setups
from bridge_server.handlers.variation import OTHER_BITS
from bridge_server.settings import Limits, Settings
from model.engine_config import Options
from model.torch_device import is_there
from tests.bridge_server.peers import PATIENCE, TERMINAL, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.model.acestep.adapters import OTHER
from tests.model.acestep.tiny_folder import write_models

RATE = 48_000
SONG = 6 * RATE
GAP = 3 * RATE, 4 * RATE  # silent in gap.wav
START, END = 2 * RATE + 7, 3 * RATE + 12
TURBO, BASE = "acestep-v15-turbo", "acestep-v15-base"


@pytest.fixture(scope="module", autouse=True)
def engines_in_one_thread() -> Iterator[None]:
    """The networks are tiny; threads for all cores would only wait for those of the tests beside this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


# Every test here runs with one place, and with two as well where it matters which place renders: several takes or jobs
# at once, their order, a cancel, a death, and each way a clip is put into its song. What a request, an option or a
# reference does happens within one take, which does not know how many places there are.
IN_ONE_PLACE_AND_IN_TWO = pytest.mark.parametrize(
    "acestep", [1, 2], indirect=True, ids=["one place", "two places"]
)


# What importing torch takes on a busy machine.
PATIENT = Limits(describe_seconds=PATIENCE)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], ServerThread]]:
    """Servers by how many places they have and how many takes they compute in one pass, each started when it is first
    asked for. Their only weights are an untrained turbo and base checkpoint, and their roots have six seconds of the
    demo song."""
    models = write_models(tmp_path_factory.mktemp("models") / "models & more", TURBO, BASE)
    shutil.copytree(models / "vae", models / "scragvae")
    short_planner(models / "acestep-5Hz-lm-0.6B")
    with contextlib.ExitStack() as stack:

        @cache
        def server_with(places: int, batch_size: int = 1) -> ServerThread:
            own: dict[str, Options] = {MODELS_ENGINE.name: {"batch_size": batch_size}}
            engines = engine_setups(models=models, device="cpu", memory_gb=100, options=own)
            folder = tmp_path_factory.mktemp("acestep")
            settings = settings_in(
                folder, engine=MODELS_ENGINE.name, engines=engines, places=places, limits=PATIENT
            )
            samples = write_song(settings)
            samples[slice(*GAP)] = 0
            soundfile.write(settings.roots[0] / "gap.wav", samples, RATE, subtype="PCM_16")
            server = stack.enter_context(ServerThread(settings))
            with server.websocket() as peer:
                load_engine(peer, places)
            return server

        yield server_with


def short_planner(folder: Path) -> None:
    """The tiny planner with room for short answers: what it writes is noise, and never ends by itself."""
    shutil.copytree(TINY_PLANNER, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 144}))


@pytest.fixture
def acestep(servers: Callable[[int], ServerThread], request: pytest.FixtureRequest) -> ServerThread:
    """A server with one place, or as many as the test says."""
    return servers(getattr(request, "param", 1))


def write_song(settings: Settings) -> NDArray[np.int16]:
    """Six seconds of the demo song as `song.wav` among the songs the server may read; returns its samples."""
    samples, _ = soundfile.read(DEMO_SONG, frames=SONG, dtype="int16")
    soundfile.write(settings.roots[0] / "song.wav", samples, RATE, subtype="PCM_16")
    return samples


def load_engine(ws: WebSocketPeer, places: int = 1) -> None:
    """Renders in every place once, with more patience than a reply deserves: importing torch on a busy machine takes
    its time."""
    asked = {"source": "song.wav", "start": START, "end": END, "takes": places, "options": {"steps": 1}}
    job = ws.call("repaint", **asked)["job"]
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            assert ws.until_end(job)[-1].name == "done"
            return
    raise AssertionError("the engine does not start")


def job_end(ws: WebSocketPeer, job: str) -> dict[str, Any]:
    """How a job ended, however long its engine takes to start."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            return ws.until_end(job)[-1].values
    raise AssertionError("the job does not end")


@pytest.fixture
def ws(acestep: ServerThread) -> Iterator[WebSocketPeer]:
    with acestep.websocket() as peer:
        yield peer


def takes_of(ws: WebSocketPeer, task: str, **asked: Any) -> dict[str, dict[str, Any]]:
    """The takes of one render by stem, with everything the server tells about them."""
    (found,) = takes_of_jobs(ws, ws.call(task, **asked)["job"])
    return found


def takes_of_jobs(ws: WebSocketPeer, *jobs: str) -> list[dict[str, dict[str, Any]]]:
    """The takes of jobs with one take each, by stem; the jobs may end in any order."""
    reported: dict[str, list[dict[str, Any]]] = {job: [] for job in jobs}
    ended: set[str] = set()
    while ended != set(jobs):
        reply = ws.next_received()
        if (job := reply.values.get("job")) in reported and reply.name == "take":
            reported[job].append(reply.values)
        elif job in reported and reply.name in TERMINAL:
            assert reply.name == "done", reply.values
            ended.add(job)
    return [
        {
            take["stem"]: ws.call("takes.show", take=take["take"]) | {"id": take["take"]}
            for take in reported[job]
        }
        for job in jobs
    ]


def repaint(ws: WebSocketPeer, **more: Any) -> dict[str, Any]:
    """The take of a repaint."""
    asked = {"source": "song.wav", "start": START, "end": END, "seed": 5, "options": {"steps": 2}, **more}
    return takes_of(ws, "repaint", **asked)["mix"]


def audio(ws: WebSocketPeer, take: str, what: str, dtype: str = "int16") -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(ws.fetch(take, what)), dtype=dtype, always_2d=True)
    return samples


def song_of(acestep: ServerThread, name: str) -> np.ndarray:
    samples, _ = soundfile.read(acestep.settings.roots[0] / name, dtype="int16")
    return samples


SOURCE = {"source": "song.wav", "bpm": 120}
TASKS: dict[str, tuple[str, dict[str, Any], tuple[int, int], tuple[str, ...], str]] = {
    # name: task, what is asked, where the clip must lie on the timeline, its stems, the checkpoint that does it
    "repaint": ("repaint", {**SOURCE, "start": START, "end": END}, (START, END), ("mix",), TURBO),
    "continue": ("complete", {**SOURCE, "start": SONG, "length": 40_001}, (SONG, SONG + 40_001), ("mix",), TURBO),
    "lead in": (
        "complete",
        {**SOURCE, "source_position": RATE, "start": 101, "end": RATE + 4801},
        (101, RATE + 4801),
        ("mix",),
        TURBO,
    ),
    "fill a gap": (
        "complete", {"source": "gap.wav", "bpm": 120, "start": GAP[0], "end": GAP[1]}, GAP, ("mix",), TURBO,
    ),
    "accompany": ("accompany", {**SOURCE, "instruments": ["drums", "bass"]}, (0, SONG), ("mix",), BASE),
    "extract": (
        "extract",
        {**SOURCE, "start": START, "end": END, "stems": ["vocals", "drums", "bass"]},
        (START, END),
        ("vocals", "drums", "bass", "residual"),
        BASE,
    ),
    "generate": ("generate", {"prompt": "slow bossa nova", "length": 70_003, "bpm": 84}, (0, 70_003), ("mix",), TURBO),
    "lego": ("lego", {**SOURCE, "stems": ["bass"], "start": START, "end": END}, (START, END), ("bass",), BASE),
    "cover": ("cover", {**SOURCE, "prompt": "string quartet"}, (0, SONG), ("mix",), TURBO),
}  # fmt: skip
SPLICED = ("repaint", "complete")


# Of the ways a clip comes about, those that two places do as well: into the song, behind it, and in stems.
IN_PLACES = [
    pytest.param(places, name, id=f"{name}, {'one place' if places == 1 else 'two places'}")
    for name in TASKS
    for places in ((1, 2) if name in ("repaint", "continue", "extract") else (1,))
]


@pytest.mark.parametrize(("acestep", "name"), IN_PLACES, indirect=["acestep"])
def test_every_task_comes_back_exact_labelled_and_the_same_twice(
    ws: WebSocketPeer, acestep: ServerThread, name: str
) -> None:
    task, asked, (start, end), stems, checkpoint = TASKS[name]
    asked = {**asked, "seed": 7, "options": {"steps": 2}}
    # Two jobs: one after the other in one place, at once in two.
    found, again = takes_of_jobs(ws, *(ws.call(task, **asked)["job"] for _ in range(2)))
    assert tuple(found) == tuple(again) == stems
    for stem, about in found.items():
        receipt, recipe = about["receipt"], about["recipe"]
        assert (receipt["position"], receipt["length"], receipt["rate"]) == (start, end - start, RATE)
        assert receipt["exact"] is True
        clip = audio(ws, about["id"], "clip", "float32")
        assert clip.shape == (end - start, 2)
        assert np.isfinite(clip).all()
        assert clip.any()
        assert np.array_equal(clip, audio(ws, again[stem]["id"], "clip", "float32"))
        assert (recipe["engine"], recipe["neural"]) == (MODELS_ENGINE.name, True)
        assert recipe["figures"]["checkpoint"] == recipe["weights"] == checkpoint
        assert "Noise from untrained weights" in recipe["method"]
        assert any("weights are untrained" in note for note in recipe["notes"])
        if task in SPLICED:
            assert receipt["outside_identical"] is True
            outside_is_untouched(
                ws, song_of(acestep, asked["source"]), about, asked.get("source_position", 0)
            )
        if task == "extract":
            assert receipt["sum_error"] < 1e-6


def outside_is_untouched(
    ws: WebSocketPeer, song: np.ndarray, about: dict[str, Any], song_position: int
) -> None:
    """The whole result, compared with the song sample by sample."""
    clip, result = audio(ws, about["id"], "clip"), audio(ws, about["id"], "song")
    start = about["receipt"]["position"] - song_position
    lead = max(0, -start)
    assert np.array_equal(result[lead + start : lead + start + len(clip)], clip)
    assert np.array_equal(result[lead : lead + max(0, start)], song[: max(0, start)])
    after = start + len(clip)
    assert np.array_equal(result[lead + after :], song[after:])
    inside = song[max(0, start) : max(0, after)]
    if len(inside) == len(clip):
        assert np.abs(clip.astype(int) - inside).max() > 100


PLAN = {"prompt": "calm piano", "length": "12s", "bpm": 120, "meter": "4/4", "key": "F# minor", "seed": 3}


def found_by(ws: WebSocketPeer, task: str, **asked: Any) -> dict[str, Any]:
    """The job of a request for words, when it is done."""
    return dict(ws.call("jobs.show", job=ws.render(task, **asked)[-1].values["job"]))


def test_a_song_is_planned_and_rendered_as_planned(ws: WebSocketPeer) -> None:
    job = found_by(ws, "plan", **PLAN, lyrics="[Verse]\nla la\n[Chorus]\nho", language="en")
    (found,) = job["blueprints"]
    assert (found["tempo"], found["meter"], found["key"], found["language"]) == (120, "4/4", "F# minor", "en")
    assert [(one["name"], one["bars"]) for one in found["sections"]] == [("verse", "1-4"), ("chorus", "5-6")]
    assert len(found["codes"]) == 60
    assert set(found["fit"]) == {"total", "caption", "lyrics", "facts"}
    asked = {"seed": 7, "options": {"steps": 2}}
    planned = takes_of(ws, "generate", blueprint=job["job"], **asked)["mix"]
    assert planned["recipe"]["figures"]["planned_codes"] == 60
    kept = planned["recipe"]["blueprint"]
    assert all(kept[name] == found[name] for name in ("caption", "lyrics", "tempo", "key", "codes", "fit"))
    words = takes_of(ws, "generate", blueprint={**found, "codes": []}, **asked)["mix"]
    assert "fit" not in words["recipe"]["blueprint"]
    clips = [audio(ws, take["id"], "clip", "float32") for take in (planned, words)]
    assert clips[0].shape == clips[1].shape == (12 * RATE, 2)
    assert not np.array_equal(*clips)
    with pytest.raises(RpcError, match=r"codes last 2\.0 s, the song 12\.0 s"):
        ws.call("generate", blueprint={**found, "codes": found["codes"][:10]})


def test_a_plan_stops_at_a_token(ws: WebSocketPeer) -> None:
    job = ws.call("plan", prompt="calm piano", length="540s", bpm=120)["job"]
    while ws.next_received().name != "progress":
        pass
    ws.call("cancel", job=job)
    assert ws.until_end(job)[-1].name == "cancelled"


def test_a_prompt_is_rewritten(ws: WebSocketPeer) -> None:
    (found,) = found_by(ws, "rewrite", prompt="pop", bpm=100, key="G major", lyrics="[Verse]\nla")[
        "blueprints"
    ]
    assert (found["tempo"], found["key"]) == (100, "G major")
    assert found["caption"] not in ("", "pop")
    assert [line["text"] for line in found["lyrics"]] == ["[Verse]", "la"]
    assert "codes" not in found


def test_a_song_is_measured_and_described(ws: WebSocketPeer, acestep: ServerThread) -> None:
    described = found_by(ws, "analyse", source="song.wav", words=True, seed=1)
    assert described["request"]["engine"] == MODELS_ENGINE.name
    found = described["analysis"]
    assert found["caption"]
    assert any("guesses" in note for note in found["notes"])
    part = found_by(ws, "analyse", source="song.wav", words=True, seed=1, start="2s", end="4s")
    assert part["analysis"]["notes"][0] == "This is about 2.0 s to 4.0 s of the song."
    assert part["analysis"]["caption"] != found["caption"]  # other codes were heard
    again = found_by(ws, "analyse", source="song.wav")["analysis"]
    assert again["caption"] == found["caption"]  # the song keeps its own
    gap = ws.render("analyse", source="gap.wav", words=True, start="3.2s", end="3.8s")[-1]
    assert (gap.name, gap.values["sentence"]) == (
        "failed",
        "The song is silent, so there is nothing to describe.",
    )
    soundfile.write(acestep.settings.roots[0] / "quiet.wav", np.zeros((RATE, 2), np.float32), RATE)
    job = ws.call("analyse", source="quiet.wav", words=True, seed=1)["job"]
    end = ws.until_end(job)[-1]
    assert (end.name, end.values["sentence"]) == (
        "failed", "The song is silent, so there is nothing to describe.",
    )  # fmt: skip


SECOND = f"{MODELS_ENGINE.name} 2"
FOUR = {"source": "song.wav", "start": START, "end": END, "seed": 11, "takes": 4, "options": {"steps": 20}}


@pytest.fixture(scope="module")
def in_order(servers: Callable[[int], ServerThread]) -> dict[int, str]:
    """Four takes one after the other in one place: their audio by number."""
    server = servers(1)
    with server.websocket() as peer:
        found = audio_of(server, peer, peer.call("repaint", **FOUR)["job"])
    assert len(set(found.values())) == 4
    return found


def audio_of(server: ServerThread, ws: WebSocketPeer, job: str) -> dict[int, str]:
    """Digests of a job's takes, as they were announced."""
    replies = ws.until_end(job)
    assert replies[-1].name == "done", replies[-1].values
    by_number = {take.number: take.audio for take in server.takes(job=job)}
    return {number: by_number[number] for number in (r["number"] for r in replies if r.name == "take")}


@pytest.mark.parametrize(
    "death",
    [
        pytest.param(False, id="none dies"),
        pytest.param(
            True,
            id="one dies in the middle",
            marks=pytest.mark.skipif(os.name != "posix", reason="processes are killed the POSIX way"),
        ),
    ],
)
def test_four_takes_in_two_places_are_those_of_one_place(
    servers: Callable[[int], ServerThread], in_order: dict[int, str], death: bool
) -> None:
    """Bit for bit and in their order, also when a place dies while it renders."""
    server = servers(2)
    with server.websocket() as ws:
        job = ws.call("repaint", **FOUR)["job"]
        killed = None
        if death:
            generating(ws, job, "takes 1 and 2")
            killed = server.on_loop(server.server.engines.pids)[SECOND]
            os.kill(killed, signal.SIGKILL)
        found = audio_of(server, ws, job)
        assert list(found.items()) == list(in_order.items())
        after = server.on_loop(server.server.engines.pids).get(SECOND)
        assert after != killed


def generating(ws: WebSocketPeer, job: str, which: str = "take") -> None:
    """Waits until a job's render is under way, of these takes. Tiny networks are through with a part of it before the
    next report is due."""
    stage = ""
    while not (("generating" in stage or "decoding" in stage) and which in stage):
        reply = ws.next_received()
        if reply.values.get("job") == job:
            assert reply.name not in TERMINAL, f"that was too late: {stage}"
            stage = reply.values.get("stage", "")


@IN_ONE_PLACE_AND_IN_TWO
def test_a_cancelled_job_stops_and_its_places_render_the_next(
    acestep: ServerThread, ws: WebSocketPeer, in_order: dict[int, str]
) -> None:
    job = ws.call("repaint", **{**FOUR, "takes": 8})["job"]  # long enough to be stopped
    generating(ws, job)
    pids = acestep.on_loop(acestep.server.engines.pids)
    ws.call("cancel", job=job)
    assert ws.until_end(job)[-1].name == "cancelled"
    assert len(acestep.takes(job=job)) < 8
    assert ws.call("status")["renders"] == []
    assert audio_of(acestep, ws, ws.call("repaint", **FOUR)["job"]) == in_order
    after = acestep.on_loop(acestep.server.engines.pids)
    assert {name: after[name] for name in pids} == pids, "every place stopped when it was asked to"


def test_takes_in_one_pass_are_those_of_their_own_but_for_rounding_and_say_so(
    servers: Callable[..., ServerThread], in_order: dict[int, str]
) -> None:
    server = servers(1, batch_size=4)

    def samples(ws: WebSocketPeer, take: str) -> np.ndarray:
        return audio(ws, take, "clip", "float32")

    with server.websocket() as ws, servers(1).websocket() as other:
        job = ws.call("repaint", **FOUR)["job"]
        generating(ws, job, "takes 1, 2, 3 and 4 of 4")
        found = audio_of(server, ws, job)
        takes = {take.number: take for take in server.takes(job=job)}
        assert [take.recipe.figures["batch"] for take in takes.values()] == [[1, 2, 3, 4]] * 4
        assert audio_of(server, ws, ws.call("repaint", **{**FOUR, "id": "again"})["job"]) == found
        alone = {take.audio: take.id for take in servers(1).takes()}
        for number, digest in in_order.items():
            apart = samples(ws, takes[number].id) - samples(other, alone[digest])
            assert np.abs(apart).max() <= 1e-5
        assert OTHER_BITS in ws.call("vary", take=takes[2].id, variance=0.0)["note"]
        one = takes_of(ws, "repaint", **{**FOUR, "takes": 1, "id": "one"})["mix"]["id"]
        notes = [ws.call("vary", take=one, variance=0.0, takes=count)["note"] for count in (1, 2)]
        assert [OTHER_BITS in note for note in notes] == [False, True]
        stopped = ws.call("repaint", **{**FOUR, "takes": 8, "id": "stopped"})["job"]
        generating(ws, stopped)
        ws.call("cancel", job=stopped)
        assert ws.until_end(stopped)[-1].name == "cancelled"


def test_stems_of_one_request_equal_those_asked_for_alone(ws: WebSocketPeer) -> None:
    asked = {**SOURCE, "start": START, "end": END, "seed": 3, "options": {"steps": 2}}
    together = takes_of(ws, "extract", **asked, stems=["drums", "guitar"])
    alone = takes_of(ws, "extract", **asked, stems=["guitar"])
    once, twice = (audio(ws, takes["guitar"]["id"], "clip", "float32") for takes in (together, alone))
    assert np.array_equal(once, twice)
    drums = audio(ws, together["drums"]["id"], "clip", "float32")
    assert not np.array_equal(once, drums)


def test_an_extraction_without_stems_says_at_once_how_many_passes_it_takes(ws: WebSocketPeer) -> None:
    reported = ws.call("extract", **SOURCE, start=START, end=END, options={"steps": 1})
    assert (
        "No stems were named, so ACE-Step 1.5 renders 12 passes, one after the other (woodwinds"
        in reported["note"]
    )
    ws.call("cancel", job=reported["job"])
    assert ws.until_end(reported["job"])[-1].name == "cancelled"
    named = ws.call("extract", **SOURCE, start=START, end=END, stems=["bass"], options={"steps": 1})
    assert "passes" not in named.get("note", "")
    assert ws.until_end(named["job"])[-1].name == "done"


def test_progress_never_falls_where_another_checkpoint_is_loaded(ws: WebSocketPeer) -> None:
    """Turbo repaints and base extracts, each loaded for its job: the bar says so, and how far the render is."""
    for task in ("repaint", "extract", "repaint"):
        asked = {"start": START, "end": END, "options": {"steps": 3}} | (
            {"stems": ["bass"]} if task == "extract" else {}
        )
        replies = ws.until_end(ws.call(task, **SOURCE, **asked)["job"])
        assert replies[-1].name == "done"
        progress = [reply for reply in replies if reply.name == "progress"]
        fractions = [reply["fraction"] for reply in progress]
        assert fractions == sorted(fractions)
        loading = [reply["fraction"] for reply in progress if reply["stage"].startswith("loading")]
        assert all(fraction < 0.3 for fraction in loading), "the render is still to come"


@pytest.mark.parametrize("task", ["repaint", "extract", "cover"])
def test_a_varied_take_stays_in_its_place_and_can_be_made_again(ws: WebSocketPeer, task: str) -> None:
    _, asked, (start, end), _, _ = TASKS[task]
    first = next(iter(takes_of(ws, task, **asked, seed=1, options={"steps": 2}).values()))
    varied, again = (takes_of(ws, "vary", take=first["id"], seed=2) for _ in range(2))
    for stem, about in varied.items():
        assert (about["receipt"]["position"], about["receipt"]["length"]) == (start, end - start)
        once, twice = (audio(ws, takes[stem]["id"], "clip", "float32") for takes in (varied, again))
        assert np.array_equal(once, twice)
    other = audio(ws, varied[first["stem"]]["id"], "clip", "float32")
    assert not np.array_equal(other, audio(ws, first["id"], "clip", "float32"))
    assert varied[first["stem"]]["origin"] == first["id"]


def test_a_retake_stays_near_its_take_and_so_does_a_retake_of_that(ws: WebSocketPeer) -> None:
    """The take's own noise with a share of another: none of it gives the take again, bit for bit."""
    job = ws.call("repaint", source="song.wav", start=START, end=END, seed=5, takes=2, options={"steps": 2})[
        "job"
    ]
    second = [reply["take"] for reply in ws.until_end(job) if reply.name == "take"][1]
    clip = audio(ws, second, "clip")
    same = takes_of(ws, "vary", take=second, variance=0, seed=1)["mix"]
    assert np.array_equal(audio(ws, same["id"], "clip"), clip)
    near, again = (takes_of(ws, "vary", take=second, variance=0.2, seed=77)["mix"] for _ in range(2))
    assert np.array_equal(audio(ws, near["id"], "clip"), audio(ws, again["id"], "clip"))
    assert not np.array_equal(audio(ws, near["id"], "clip"), clip)
    assert near["recipe"]["seed"] == 5
    assert [near["recipe"]["figures"][name] for name in ("variance", "variation", "retake_of")] == [
        [0.2],
        [77],
        2,
    ]
    further = takes_of(ws, "vary", take=near["id"], variance=0, seed=3)["mix"]
    assert further["recipe"]["figures"]["variance"] == [0.2, 0]
    assert np.array_equal(audio(ws, further["id"], "clip"), audio(ws, near["id"], "clip"))
    reported = ws.call("vary", take=near["id"], variance=0.1, takes=2)
    assert "10% blended towards number" in reported["note"]
    assert ws.until_end(reported["job"])[-1]["takes"] == 2
    asked = {"take": near["id"], "variance": 0.1, "id": "sent twice"}
    once, twice = (ws.call("vary", **asked)["job"] for _ in range(2))
    assert once == twice, "an answer that was lost is no second render"
    assert ws.until_end(once)[-1].name == "done"


def test_a_new_song_has_retakes(ws: WebSocketPeer) -> None:
    made = takes_of(ws, "generate", prompt="calm piano", length=48_000, bpm=84, seed=1, options={"steps": 1})[
        "mix"
    ]
    same = takes_of(ws, "vary", take=made["id"], variance=0)["mix"]
    assert same["recipe"]["figures"]["retake_of"] == 1
    assert np.array_equal(audio(ws, same["id"], "clip", "float32"), audio(ws, made["id"], "clip", "float32"))
    near = takes_of(ws, "vary", take=made["id"], variance=0.3)["mix"]
    assert not np.array_equal(
        audio(ws, near["id"], "clip", "float32"), audio(ws, made["id"], "clip", "float32")
    )


def test_new_words_for_a_song_that_stays(ws: WebSocketPeer) -> None:
    first = takes_of(
        ws,
        "generate",
        prompt="calm piano",
        lyrics="[Verse]\nold words",
        length=70_003,
        bpm=84,
        seed=4,
        options={"steps": 2},
    )["mix"]
    asked = {
        "source": f"take:{first['id']}",
        "edit": True,
        "seed": 9,
        "options": {"steps": 4, "edit_draws": 2},
    }
    reported = ws.call("cover", **asked, lyrics="[Verse]\nnew words")
    assert "song_prompt" not in reported.get("note", ""), "the take knows its own words"
    (found,) = takes_of_jobs(ws, reported["job"])
    edited, request = found["mix"], found["mix"]["request"]
    assert (request["song_prompt"], request["song_lyrics"]) == ("calm piano", "[Verse]\nold words")
    assert (request["prompt"], request["lyrics"]) == ("calm piano", "[Verse]\nnew words")
    assert edited["recipe"]["figures"]["model_task"] == "cover-nofsq"
    assert edited["receipt"]["length"] == 70_003
    again = takes_of(ws, "cover", **asked, lyrics="[Verse]\nnew words")["mix"]
    assert np.array_equal(audio(ws, edited["id"], "clip"), audio(ws, again["id"], "clip"))
    undescribed = ws.call("cover", source="song.wav", edit=True, prompt="with a choir", options={"steps": 1})
    assert "Without song_prompt and song_lyrics" in undescribed["note"]
    assert ws.until_end(undescribed["job"])[-1].name == "done"


def latents_of(about: dict[str, Any]) -> str:
    return str(about["recipe"]["figures"]["song_latents"])


def test_a_take_of_a_new_song_is_not_encoded_again_unless_its_audio_changed(
    ws: WebSocketPeer, acestep: ServerThread
) -> None:
    made = takes_of(ws, "generate", length=6 * RATE + 7, bpm=84, seed=21, options={"steps": 1})["mix"]
    asked = {"start": START, "end": END, "seed": 5, "options": {"steps": 1}, "match_loudness": False}
    first = takes_of(ws, "repaint", source=f"take:{made['id']}", **asked)["mix"]
    assert latents_of(first) == "kept with the take"
    spliced = takes_of(ws, "repaint", source="song.wav", **asked)["mix"]
    assert latents_of(spliced) == "encoded"
    further = takes_of(ws, "repaint", source=f"take:{spliced['id']}", **asked | {"seed": 6})["mix"]
    assert latents_of(further) == "kept with the take", "the song with the repaint in it"
    ws.call("takes.choose", take=spliced["id"])
    elsewhere = {**asked, "start": 4 * RATE, "end": 5 * RATE, "hears": "accepted"}
    heard = takes_of(ws, "repaint", source="song.wav", **elsewhere)["mix"]
    assert heard["recipe"]["heard"]["parts"], "the song as it stands"
    assert latents_of(heard) == "kept with the take"
    ws.call("takes.revert", take=spliced["id"])
    samples = audio(ws, made["id"], "clip", "float32")
    for name, changed, origin in (("same.wav", 0.0, "kept with the take"), ("changed.wav", 0.01, "encoded")):
        samples[1000] += changed
        soundfile.write(acestep.settings.roots[0] / name, samples, RATE, subtype="FLOAT")
        assert latents_of(takes_of(ws, "repaint", source=name, **asked)["mix"]) == origin
    ws.call("store.sweep")
    assert ws.call("store.verify")["problems"] == []
    kept = acestep.server.store.index.kept
    before = acestep.on_loop(kept.blobs)
    ws.call("takes.delete", take=further["id"])
    assert len(acestep.on_loop(kept.blobs)) == len(before) - 1
    for blob in acestep.on_loop(kept.blobs):  # as a disk may lose them
        path = acestep.server.store.blobs.path(blob)
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    again = takes_of(ws, "repaint", source=f"take:{made['id']}", **asked)["mix"]
    assert latents_of(again) == "encoded"


@pytest.mark.parametrize(
    ("asked", "words", "field"),
    [
        ({"edit": True}, "neither prompt nor lyrics", "edit"),
        ({"edit": True, "prompt": "piano", "song_prompt": "piano"}, "nothing would change", "prompt"),
        ({"song_lyrics": "old"}, "edit is not set", "song_lyrics"),
        (
            {"edit": True, "prompt": "piano", "song_prompt": "x" * 600},
            "at most 512 characters",
            "song_prompt",
        ),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_at_once(
    ws: WebSocketPeer, asked: dict[str, Any], words: str, field: str
) -> None:
    with pytest.raises(RpcError, match=words) as refused:
        ws.call("cover", source="song.wav", **asked)
    assert refused.value.field == field
    assert refused.value.remedy


def test_a_silent_stretch_cannot_be_edited(ws: WebSocketPeer) -> None:
    asked = {
        "source": "gap.wav",
        "start": GAP[0],
        "end": GAP[1],
        "context": 0,
        "edit": True,
        "prompt": "piano",
    }
    last = ws.render("cover", **asked, song_prompt="silence", options={"steps": 1})[-1]
    assert (last.name, last["code"]) == ("failed", "cannot_render"), last.values
    assert "nothing to edit" in last["sentence"]


def test_the_autoencoder_is_chosen_by_name_and_kept_in_the_recipe(ws: WebSocketPeer) -> None:
    chosen = repaint(ws, options={"steps": 1, "vae": "scragvae"})
    figures = chosen["recipe"]["figures"]
    assert (figures["vae"], len(figures["vae_digest"])) == ("scragvae", 64)
    last = ws.render("repaint", **SOURCE, start=START, end=END, options={"steps": 1, "vae": "best"})[-1]
    assert (last.name, last["code"]) == ("failed", "cannot_render")
    assert last["remedy"] == "Available: official, scragvae, vae."


def test_a_remix_keeps_the_song_itself(ws: WebSocketPeer) -> None:
    asked = {"source": "song.wav", "seed": 2, "prompt": "string quartet"}
    codes, song = (
        takes_of(ws, "cover", **asked, options={"steps": 2, "cover_from": form})["mix"]
        for form in ("codes", "song")
    )
    assert [about["recipe"]["figures"]["model_task"] for about in (codes, song)] == ["cover", "cover-nofsq"]
    assert not np.array_equal(audio(ws, codes["id"], "clip"), audio(ws, song["id"], "clip"))


def test_several_adapters_at_once_and_those_of_another_checkpoint(
    ws: WebSocketPeer, acestep: ServerThread
) -> None:
    roots = acestep.settings.roots[0]
    shutil.copy(TINY_LORA, roots / "brushes.safetensors")
    shutil.copytree(OTHER.parent, roots / "upright")
    options = {"steps": 2, "adapter": "brushes.safetensors", "adapter_2": "upright/adapter_model.safetensors"}
    worn = repaint(ws, options={**options, "adapter_2_strength": 0.4})
    assert worn["recipe"]["weights"] == "acestep-v15-turbo with adapter brushes + upright"
    figures = worn["recipe"]["figures"]
    assert (figures["adapter_strength"], figures["adapter_2_strength"]) == (1.0, 0.4)
    wide = {
        name: value.repeat(1, 2) if "lora_A" in name else value
        for name, value in load_file(TINY_LORA).items()
    }
    save_file(wide, roots / "of xl.safetensors")
    last = ws.render(
        "repaint", **SOURCE, start=START, end=END, options={"steps": 1, "adapter_3": "of xl.safetensors"}
    )[-1]
    assert (last.name, last["code"]) == ("failed", "cannot_render")
    assert "of xl does not fit" in last["sentence"].replace(".safetensors", "")
    assert "cross_attn.k_proj" in last["sentence"], "the tensor is named"
    assert "another model size" in last["remedy"]
    with pytest.raises(RpcError, match="There is no file") as refused:
        ws.call("repaint", **SOURCE, start=START, end=END, options={"adapter_2": "nobody.safetensors"})
    assert refused.value.field == "adapter_2"


def test_a_new_song_cannot_be_varied_but_says_what_to_do(ws: WebSocketPeer) -> None:
    made = takes_of(ws, "generate", length=48_000, bpm=84, seed=1, options={"steps": 1})["mix"]
    with pytest.raises(RpcError, match="cannot be varied") as error:
        ws.call("vary", take=made["id"])
    assert error.value.remedy


def test_a_planned_song_comes_with_its_blueprint(ws: WebSocketPeer) -> None:
    asked = {"prompt": "calm piano", "length": 70_003, "bpm": 84, "seed": 4}
    options = {"steps": 2, "planner": "on"}
    planned, again = (takes_of(ws, "generate", **asked, options=options)["mix"] for _ in range(2))
    (written,) = planned["attachments"]
    blueprint = json.loads(ws.fetch(planned["id"], "attachment", "blueprint.json"))
    assert written == "blueprint.json"
    assert blueprint["planner"] == "acestep-5Hz-lm-0.6B"
    assert (blueprint["facts"]["bpm"], len(blueprint["audio_codes"])) == (84, 50)
    assert planned["recipe"]["figures"]["planned_codes"] == 50
    once, twice = (audio(ws, about["id"], "clip", "float32") for about in (planned, again))
    assert np.array_equal(once, twice)
    plain = takes_of(ws, "generate", **asked, options={"steps": 2})["mix"]
    assert not np.array_equal(once, audio(ws, plain["id"], "clip", "float32"))
    last = ws.render("cover", source="song.wav", options={"planner": "on"})[-1]
    assert (last.name, last["code"]) == ("failed", "cannot_render")
    assert "plans new songs" in last["sentence"]


def test_an_adapter_is_found_under_the_folders_and_kept_in_the_recipe(
    ws: WebSocketPeer, acestep: ServerThread
) -> None:
    shutil.copy(TINY_LORA, acestep.settings.roots[0] / "brush drums.safetensors")
    asked = {"options": {"steps": 2, "adapter": "brush drums.safetensors", "adapter_strength": 0.7}}
    plain, worn = repaint(ws), repaint(ws, **asked)
    recipe = worn["recipe"]
    assert recipe["weights"] == "acestep-v15-turbo with adapter brush drums"
    assert (recipe["figures"]["adapter_strength"], len(recipe["figures"]["adapter_digest"])) == (0.7, 64)
    assert plain["recipe"]["weights"] == TURBO
    once, again = audio(ws, worn["id"], "clip"), audio(ws, repaint(ws, **asked)["id"], "clip")
    assert np.array_equal(once, again)
    assert not np.array_equal(once, audio(ws, plain["id"], "clip"))
    with pytest.raises(RpcError, match="outside the folders") as error:
        ws.call("repaint", source="song.wav", start=START, end=END, options={"adapter": str(TINY_LORA)})
    assert error.value.field == "adapter"


def test_a_reference_needs_consent_and_is_kept_in_the_recipe(
    ws: WebSocketPeer, acestep: ServerThread
) -> None:
    voice = np.random.default_rng(3).normal(0, 0.1, 4 * 44_100).astype(np.float32)
    soundfile.write(acestep.settings.roots[0] / "voice.wav", voice, 44_100)
    asked = {"source": "song.wav", "start": START, "end": END, "reference": "voice.wav"}
    with pytest.raises(RpcError, match="reference_consent was not set") as error:
        ws.call("repaint", **asked)
    assert (error.value.code, error.value.field) == ("not_allowed", "reference_consent")
    with pytest.raises(RpcError, match="There is no file") as error:
        ws.call("repaint", **asked | {"reference": "nobody.wav", "reference_consent": True})
    assert error.value.field == "reference"
    sung, again = (repaint(ws, reference="voice.wav", reference_consent=True) for _ in range(2))
    kept = sung["recipe"]["reference"]
    assert (kept["name"], kept["consent"]) == ("voice", True)
    assert acestep.on_loop(lambda: acestep.server.store.blobs.has(kept["digest"]))
    assert kept["digest"] in acestep.on_loop(acestep.server.store.index.referenced_digests), (
        "no sweep takes it"
    )
    plain = repaint(ws)
    assert "reference" not in plain["recipe"]
    once, twice, without = (audio(ws, about["id"], "clip") for about in (sung, again, plain))
    assert np.array_equal(once, twice)
    assert not np.array_equal(once, without)
    varied = takes_of(ws, "vary", take=sung["id"], seed=6)["mix"]
    assert varied["recipe"]["reference"] == kept


def test_a_reference_that_cannot_be_read_is_named(ws: WebSocketPeer, acestep: ServerThread) -> None:
    (acestep.settings.roots[0] / "notes.wav").write_bytes(b"not audio")
    with pytest.raises(RpcError) as refused:
        ws.call(
            "repaint", source="song.wav", start=START, end=END, reference="notes.wav", reference_consent=True
        )
    assert (refused.value.code, refused.value.field) == ("file_unreadable", "reference")
    silence = np.zeros((48_000, 1), np.float32)
    soundfile.write(acestep.settings.roots[0] / "silence.wav", silence, RATE)
    last = ws.render("repaint", source="song.wav", start=START, end=END, reference="silence.wav",
                     reference_consent=True)[-1]  # fmt: skip
    assert (last.name, last["sentence"]) == ("failed", "The reference audio is silent.")


def test_words_beyond_the_limits_are_refused_or_reported_before_and_after(ws: WebSocketPeer) -> None:
    asked = {"source": "song.wav", "start": START, "end": END, "options": {"steps": 1}}
    for field, most in (("prompt", 512), ("lyrics", 4096)):
        with pytest.raises(RpcError, match=f"at most {most} characters") as error:
            ws.call("repaint", **asked | {field: "x" * (most + 1)})
        assert (error.value.code, error.value.field) == ("too_large", field)
    with pytest.raises(RpcError, match="does not know 'klingon'") as error:
        ws.call("repaint", **asked, language="klingon")
    assert error.value.field == "language"
    for field, words, lost in (
        ("prompt", "雨が降る" * 128, "The prompt exceeds the model's limit"),
        ("lyrics", "歌う " * 1300, "The lyrics exceed the model's limit"),
    ):
        reported = ws.call("repaint", **asked | {field: words})
        assert f"{field}: the ACE-Step 1.5 engine reads about" in reported["note"]
        *_, take, end = ws.until_end(reported["job"])
        assert end.name == "done"
        notes = ws.call("takes.show", take=take["take"])["recipe"]["notes"]
        assert [note for note in notes if note.startswith(lost)], "and what was lost is named"
    plain = ws.call("repaint", **asked, prompt="warm tape", lyrics="[Verse]\nla la")
    assert "note" not in plain
    assert ws.until_end(plain["job"])[-1].name == "done"


def test_other_seeds_give_other_clips(ws: WebSocketPeer) -> None:
    one, other = (audio(ws, repaint(ws, seed=seed)["id"], "clip") for seed in (8, 9))
    assert not np.array_equal(one, other)


def test_a_device_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    absent = next(kind for kind in ("xpu", "mps", "cuda") if not is_there(kind))
    models = write_models(tmp_path / "models", TURBO)
    settings = settings_in(
        tmp_path,
        engine=MODELS_ENGINE.name,
        engines=engine_setups(models=models, device=absent),
        limits=PATIENT,
    )
    soundfile.write(settings.roots[0] / "song.wav", np.zeros((4 * RATE, 2)), RATE)
    with ServerThread(settings) as server, server.websocket() as peer:
        last = job_end(peer, peer.call("repaint", source="song.wav", start=START, end=END)["job"])
    assert (last["code"], last["sentence"]) == (
        "engine_not_ready",
        f"The device {absent} is not available: torch finds none here.",
    )
    assert last["remedy"]


def test_a_region_longer_than_the_model_renders_is_refused(ws: WebSocketPeer) -> None:
    with pytest.raises(RpcError, match="at most 600 s") as refused:
        ws.call("generate", prompt="endless", bpm=120, length=600 * RATE + 1)
    assert (refused.value.code, refused.value.field) == ("too_large", "end")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits a process's memory as Linux can")
def test_a_broken_checkpoint_and_too_little_memory_end_one_job_each(tmp_path: Path) -> None:
    """One server for both: each process that imports torch takes longer than the whole rest of the test."""
    models = write_models(tmp_path / "models", TURBO)
    weights = models / TURBO / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1000])
    options = {"folder": str(models), "device": "cpu", "memory_gb": 100}
    engines = {"cramped": EngineSetup("tests.cramped:CrampedEngine", options)}
    settings = settings_in(tmp_path, engine="cramped", engines=engines, limits=PATIENT)
    write_song(settings)
    with ServerThread(settings) as server, server.websocket() as peer:
        asked = {"source": "song.wav", "start": START, "end": END, "options": {"steps": 1}}
        last = job_end(peer, peer.call("repaint", **asked)["job"])
        assert last["code"] == "engine_not_ready"
        assert "is not a complete safetensors file" in last["sentence"]
        assert last["remedy"]
        weights.write_bytes(whole)
        last = job_end(peer, peer.call("repaint", **asked)["job"])
        assert last["code"] == "out_of_memory", "the whole checkpoint was loaded"
        assert "cpu ran out of memory during the render" in last["sentence"]
        assert "shorter region" in last["remedy"]
        assert server.server.engines.pids() == {}
        assert job_end(peer, peer.call("repaint", **asked)["job"])["takes"] == 1, "a fresh process renders"


def test_what_turbo_cannot_do_is_refused_at_once(tmp_path: Path) -> None:
    turbo = write_models(tmp_path / "models", TURBO)
    settings = settings_in(tmp_path, engines=engine_setups(models=turbo), engine="sketch", limits=PATIENT)
    soundfile.write(settings.roots[0] / "song.wav", np.zeros((RATE, 2)), RATE)
    with ServerThread(settings) as server, server.osc() as osc:
        reply = osc.render("/bridge/extract", "stems", "source", "song.wav", "engine", MODELS_ENGINE.name)[-1]
    assert reply["code"] == "cannot_render"
    assert "only base checkpoints were trained for it" in reply["sentence"]
    assert "takebridge models pull acestep-v15-base" in reply["remedy"]
