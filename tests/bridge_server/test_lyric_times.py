"""When lines are sung, told by an untrained model behind a real server: in the recipe, in the clip and as a file.

The times are those of random attention. That they are the official program's: tests/model/acestep/lyrics.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wavinfo import WavInfoReader

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import soundfile

from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from tests.bridge_server.peers import RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.servers import settings_in
from tests.bridge_server.test_acestep_renders import BASE, PATIENT, TURBO, load_engine, takes_of, write_song
from tests.model.acestep.tiny_folder import sharpen, write_models

LYRICS = "[Verse]\nhello there, sing along\n\n[Chorus]\nla la la here"
SUNG = ["hello there, sing along", "la la la here"]
SONG: dict[str, Any] = {
    "prompt": "a song",
    "lyrics": LYRICS,
    "language": "en",
    "seed": 5,
    "length": "10s",
    "rate": 48_000,
}
RATE = 48_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Of its two untrained checkpoints one attends to its lyrics sharply."""
    folder = tmp_path_factory.mktemp("lyrics")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        models = write_models(folder / "models", TURBO, BASE)
        sharpen(models / TURBO)
        engines = engine_setups(models=models, device="cpu", memory_gb=100)
        settings = settings_in(folder, engine=MODELS_ENGINE.name, engines=engines, limits=PATIENT)
        write_song(settings)
        with ServerThread(settings) as running:
            with running.websocket() as peer:
                load_engine(peer)
            yield running


@pytest.fixture
def ws(server: ServerThread) -> Iterator[WebSocketPeer]:
    with server.websocket() as peer:
        yield peer


def lines_of(take: dict[str, Any]) -> list[tuple[str, float, float]]:
    """The timed lines of a take's recipe."""
    return [
        (line["text"], line["start"], line["end"])
        for line in take["recipe"]["blueprint"]["lyrics"]
        if "start" in line
    ]


def test_a_new_song_says_when_its_lines_are_sung(ws: WebSocketPeer) -> None:
    take = takes_of(ws, "generate", **SONG, lyric_times=True)["mix"]
    blueprint = take["recipe"]["blueprint"]
    assert blueprint["lyrics_timed"] is True
    assert [line["text"] for line in blueprint["lyrics"]] == LYRICS.split("\n")
    lines = lines_of(take)
    assert [text for text, _, _ in lines] == SUNG
    (_, first, end), (_, second, last) = lines
    assert 0 <= first < end <= second < last <= 10
    assert [(line["text"], line["start"], line["end"]) for line in take["sung"]] == lines
    assert 0 <= take["recipe"]["figures"]["lyric_score"] <= 1
    clip = ws.fetch(take["id"])
    info = WavInfoReader(io.BytesIO(clip))
    assert [(cue.position, info.cues.label_and_note(cue.name)[0]) for cue in info.cues.cues] == [
        (round(start * RATE), text) for text, start, _ in lines
    ]
    assert soundfile.info(io.BytesIO(clip)).frames == 10 * RATE
    assert take["attachments"] == ["lyrics.lrc"]
    lrc = ws.fetch(take["id"], "attachment", "lyrics.lrc").decode()
    stamped = re.findall(r"^\[(\d\d):(\d\d\.\d\d)\](.*)$", lrc, re.MULTILINE)
    assert [(text, int(minutes) * 60 + float(seconds)) for minutes, seconds, text in stamped if text] == [
        (text, pytest.approx(start, abs=0.0051)) for text, start, _ in lines
    ]
    written = ws.call("export", what="take", name=take["id"], format="rpp")["path"]
    project = Path(written).read_text(encoding="utf-8")
    assert re.findall(r'MARKER \d+ \S+ "([^"]*)"', project)[1:-1] == SUNG
    # The audio is what it is without: the same seed gives the same samples.
    assert takes_of(ws, "generate", **SONG)["mix"]["audio"] == take["audio"]


def test_a_cover_with_lyrics_and_a_plan_that_was_edited(ws: WebSocketPeer) -> None:
    asked = {"source": "song.wav", "lyrics": LYRICS, "seed": 1, "options": {"steps": 2}, "lyric_times": True}
    cover = takes_of(ws, "cover", **asked)["mix"]
    assert [line["text"] for line in cover["recipe"]["blueprint"]["lyrics"]] == LYRICS.split("\n")
    lines = [
        {"text": text, **({"start": 1.0, "end": 2.0} if text in SUNG else {})} for text in LYRICS.split("\n")
    ]
    plan = {"caption": "a song", "lyrics": lines, "language": "en", "seconds": 10.0, "lyrics_timed": True}
    asked = {"blueprint": plan, "seed": 5, "rate": 48_000}
    laid_out = takes_of(ws, "generate", **asked)["mix"]
    assert "lyrics_timed" not in laid_out["recipe"]["blueprint"]
    assert laid_out["attachments"] == []
    assert lines_of(laid_out)[0][1:] == (1.0, 2.0)
    timed = takes_of(ws, "generate", **asked, lyric_times=True)["mix"]
    assert timed["recipe"]["blueprint"]["caption"] == "a song"
    assert lines_of(timed)[0][1:] != (1.0, 2.0)


def takes_in(ws: WebSocketPeer, job: str) -> list[dict[str, Any]]:
    return [ws.call("takes.show", take=one["take"]) for one in ws.until_end(job) if one.name == "take"]


def test_times_are_asked_for_later_of_a_take_that_stays_as_it_is(ws: WebSocketPeer) -> None:
    made = takes_in(ws, ws.call("generate", **SONG, takes=2)["job"])
    at_once = takes_in(ws, ws.call("generate", **SONG, takes=2, lyric_times=True)["job"])
    assert "sung" in at_once[0]
    for take, timed in zip(made, at_once, strict=True):
        assert "sung" not in take
        answer = ws.call("vary", take=take["take"], lyric_times=True)
        assert answer["note"].startswith("The take is rendered once more, as it is")
        (later,) = takes_in(ws, answer["job"])
        assert later["audio"] == take["audio"]
        assert later["origin"] == take["take"]
        for name in ("sung", "attachments"):
            assert later.get(name) == timed.get(name)
        assert later["recipe"]["blueprint"] == timed["recipe"]["blueprint"]
    assert made[0]["audio"] != made[1]["audio"]
    (varied,) = takes_in(ws, ws.call("vary", take=made[1]["take"], lyric_times=True, variance=0.5)["job"])
    assert varied["audio"] != made[1]["audio"]
    assert varied["recipe"]["blueprint"]["lyrics"]


def test_a_take_that_cannot_be_timed_later_says_why(ws: WebSocketPeer) -> None:
    asked = {"source": "song.wav", "start": 48_000, "end": 96_000, "options": {"steps": 1}}
    repainted = takes_of(ws, "repaint", **asked)["mix"]
    wordless = takes_of(ws, "generate", **{**SONG, "lyrics": "", "options": {"steps": 1}})["mix"]
    job = ws.call("generate", **SONG, takes=3, options={"steps": 2, "method": "sde"})["job"]
    second = [one["take"] for one in ws.until_end(job) if one.name == "take"][1]
    for take, words in (
        (repainted["id"], "no new song and no cover"),
        (wordless["id"], "no line to sing"),
        (second, "number 2 of its request"),
    ):
        with pytest.raises(RpcError, match=words) as refused:
            ws.call("vary", take=take, lyric_times=True)
        assert refused.value.field == "lyric_times"
    assert "takes 3 and" in refused.value.remedy, "as many as it was one of"
    with pytest.raises(RpcError, match="is rendered once more, as it is") as several:
        ws.call("vary", take=second, lyric_times=True, takes=2)
    assert several.value.field == "takes"


def test_attention_that_follows_nothing_gives_no_times_and_says_why(ws: WebSocketPeer) -> None:
    options = {"checkpoint": "base", "steps": 2, "guidance": 1}
    with pytest.raises(AssertionError, match="does not say which of its attention follows the lyrics"):
        takes_of(ws, "generate", **SONG, lyric_times=True, options=options)
    flat = {**SONG, "lyrics": "a\n" * 200, "options": {"steps": 2}}
    take = takes_of(ws, "generate", **flat, lyric_times=True)["mix"]
    assert any(note.startswith("The lyrics have no times") for note in take["recipe"]["notes"])
    assert take["attachments"] == []
    assert lines_of(take) == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"lyrics": ""}, "no line to sing"),
        ({"lyrics": "[Instrumental]"}, "no line to sing"),
        ({"engine": "sketch", "lyrics": ""}, "Sketch|sketch"),
        ({"lyric_times": "maybe"}, "lyric_times"),
    ],
)
def test_what_cannot_be_timed_is_refused_before_anything_is_queued(
    ws: WebSocketPeer, asked: dict[str, Any], words: str
) -> None:
    jobs = len(ws.call("jobs.list", limit=1000)["jobs"])
    with pytest.raises(RpcError, match=words):
        ws.call("generate", **{**SONG, "lyric_times": True, **asked})
    assert len(ws.call("jobs.list", limit=1000)["jobs"]) == jobs


def test_timing_shows_progress_and_can_be_cancelled(server: ServerThread, ws: WebSocketPeer) -> None:
    job = ws.call(
        "generate",
        **{**SONG, "length": "60s", "lyrics": f"{LYRICS}\n" * 40, "options": {"steps": 1}},
        lyric_times=True,
    )["job"]
    while True:
        reply = ws.next_received()
        if (
            reply.values.get("job") == job
            and reply.name == "progress"
            and reply.values["stage"] == "timing the lyrics"
        ):
            break
    ws.call("cancel", job=job)
    assert ws.until_end(job)[-1].name == "cancelled"
