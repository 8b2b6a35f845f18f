"""Requests as a producer sends them, in the network's terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.conditioning.prompts import Metas
from model.acestep.conditioning.request_plan import SongPlan, plan_render, with_song_plan
from model.acestep.pipeline import set_scene
from model.acestep.weights.capabilities import TRACKS, ModelTask, traits_of
from model.engine import Grid, RenderRequest, Song, SongWords, Task
from model.errors import CannotRender
from tests.model.acestep.golden_data import table

TURBO = traits_of("acestep-v15-turbo", is_turbo=True, is_xl=False)
BASE = traits_of("acestep-v15-base", is_turbo=False, is_xl=False)
RATE = 44_100
SONG = Song(np.zeros((60 * RATE, 2), np.float32), RATE, "silence")


def grid(count: int = 200) -> Grid:
    """4/4 at 120 from the start, 90 and 3/4 from the 40th beat on."""
    before, beats = 40, np.arange(count)
    late = beats >= before
    return Grid(
        seconds=np.where(late, 20 + (beats - before) * (60 / 90), beats * 0.5),
        beat_in_bar=np.where(late, (beats - before) % 3, beats % 4),
        bar_beats=np.where(late, 3, 4),
        bar=np.where(late, 11 + (beats - before) // 3, 1 + beats // 4),
        quarters_per_minute=np.where(late, 90.0, 120.0),
    )


def request(task: Task = Task.REPAINT, **changed: Any) -> RenderRequest:
    values: dict[str, Any] = {
        "song": SONG,
        "rate": RATE,
        "channels": 2,
        "start": 5 * RATE,
        "end": 9 * RATE,
        "grid": grid(),
        "seed": 1,
        "caption": "warm tape",
    }
    return RenderRequest(task=task, **{**values, **changed})


def edit(
    caption: str = "slow piano ballad", lyrics: str = "[Verse]\nold words", **changed: Any
) -> RenderRequest:
    """An edit of twelve seconds at 90 BPM in C major, in a time signature the prompt cannot express."""
    beats = np.arange(30)
    five = Grid(beats * (60 / 90), beats % 5, np.full(30, 5), 1 + beats // 5, np.full(30, 90.0))
    values = {
        "song": Song(np.zeros((12 * RATE, 2), np.float32), RATE, "song"),
        "start": 0,
        "end": 12 * RATE,
        "grid": five,
        "key": "C major",
        "language": "de",
        "caption": "slow piano ballad, choir",
        "lyrics": "[Verse]\nnew words",
        "edit": SongWords(caption, lyrics),
    }
    return request(Task.COVER, **{**values, **changed})


FORMS = {"cover": "codes", "cover-nofsq": "song", "text2music": "nothing"}


def test_an_edit_asks_for_the_song_as_the_official_application_does() -> None:
    """Its words around the song's own caption and lyrics, and the same context on both sides."""
    for stored in table("flow_edit_dispatch"):
        plan = plan_render(edit(options={"cover_from": FORMS[stored["task"]]}), TURBO)
        assert plan.task.value == stored["task"]
        assert plan.as_it_is is not None
        text, lyrics = stored["source_texts"]
        if stored["task"] == "text2music":  # there the cover's instruction was given by hand
            text = text.replace("Generate audio semantic tokens", "Fill the audio semantic mask")
        assert (plan.as_it_is.text, plan.as_it_is.lyrics) == (text, lyrics)
        (wanted,) = plan.prompts
        assert wanted.text == text.replace("slow piano ballad", "slow piano ballad, choir")
        assert wanted.lyrics == lyrics.replace("old", "new")
        assert plan.window.source == (0, 300)
        song, quiet = torch.randn(1, 300, 64), torch.zeros(1, 300, 64)
        codes = song if plan.task is ModelTask.COVER else None
        context = set_scene(plan.task, song, quiet, plan.settings, from_codes=codes).context[:, :, :64]
        assert torch.equal(context, quiet) is stored["context_is_silence"]
        assert torch.equal(context, song) is stored["context_is_source"]


def test_an_edit_hears_the_song_itself_and_a_cover_its_codes() -> None:
    assert plan_render(edit(), TURBO).task is ModelTask.COVER_NOFSQ
    assert plan_render(edit(edit=None), TURBO).task is ModelTask.COVER
    assert plan_render(edit(edit=None, options={"cover_from": "song"}), TURBO).task is ModelTask.COVER_NOFSQ
    assert plan_render(edit(), TURBO).settings.edit is not None
    with pytest.raises(CannotRender, match="keeps something of its song"):
        plan_render(edit(edit=None, options={"cover_from": "nothing"}), TURBO)
    with pytest.raises(CannotRender, match="cover_from cannot be 'everything'"):
        plan_render(edit(options={"cover_from": "everything"}), TURBO)


def test_a_repaint() -> None:
    plan = plan_render(request(key="a minor", lyrics="la la", language="en", takes=(3,)), TURBO)
    assert plan.task is ModelTask.REPAINT
    assert plan.region == plan.window.region == (125, 225)
    assert (plan.seed, plan.take) == (1, 3)
    (words,) = plan.prompts
    assert words.stem == "mix"
    assert words.text == (
        "# Instruction\nRepaint the mask area based on the given conditions:\n\n# Caption\nwarm tape\n\n"
        "# Metas\n- bpm: 120\n- timesignature: 4\n- keyscale: A minor\n- duration: 60 seconds\n<|endoftext|>\n"
    )
    assert words.lyrics == "# Languages\nen\n\n# Lyric\nla la<|endoftext|>"
    assert words.unconditioned_text.startswith("# Instruction\nFill the audio semantic mask")


@pytest.mark.parametrize(
    ("start_seconds", "bpm", "meter"), [(19.99, 120, 4), (20, 90, 3), (-3, 120, 4), (500, 90, 3)]
)
def test_tempo_and_meter_are_those_at_the_region(start_seconds: float, bpm: int, meter: int) -> None:
    start = round(start_seconds * RATE)
    (words,) = plan_render(request(start=start, end=start + RATE), TURBO).prompts
    assert f"- bpm: {bpm}\n- timesignature: {meter}\n" in words.text


def test_a_region_on_a_beat_finds_that_beat_whatever_its_time_was_rounded_to() -> None:
    beats = grid()
    nudged = Grid(
        np.nextafter(beats.seconds, np.inf),
        beats.beat_in_bar,
        beats.bar_beats,
        beats.bar,
        beats.quarters_per_minute,
    )
    (words,) = plan_render(request(grid=nudged, start=20 * RATE, end=21 * RATE), TURBO).prompts
    assert "- bpm: 90\n" in words.text


@pytest.mark.parametrize(("ending", "last"), [(False, 128), (True, 75)])
def test_an_ending_is_followed_by_silence(ending: bool, last: int) -> None:
    short = Song(np.zeros((2 * RATE, 2), np.float32), RATE, "short silence")
    asked = request(Task.COMPLETE, song=short, start=2 * RATE, end=3 * RATE, ending=ending)
    assert plan_render(asked, TURBO).region == (50, last)


def test_without_beats_the_prompt_says_so() -> None:
    (words,) = plan_render(request(grid=grid(0)), TURBO).prompts
    assert "- bpm: N/A\n- timesignature: N/A\n" in words.text


def test_a_continuation_is_a_repaint_beyond_the_end() -> None:
    plan = plan_render(request(Task.COMPLETE, start=60 * RATE, end=70 * RATE), TURBO)
    assert plan.task is ModelTask.REPAINT
    assert plan.region == (1500, 1750)
    assert plan.window.source == (0, 1500)


def test_a_prompt_that_extraction_has_no_place_for_is_noted() -> None:
    plan = plan_render(request(Task.EXTRACT, stems=("drums",)), BASE)
    assert [note for note in plan.notes if "prompt was ignored" in note]
    for other in (request(Task.EXTRACT, stems=("drums",), caption=""), request(Task.LEGO, stems=("drums",))):
        assert not [note for note in plan_render(other, BASE).notes if "prompt was ignored" in note]


def test_extraction_has_one_piece_for_each_stem_with_its_name_as_caption() -> None:
    plan = plan_render(request(Task.EXTRACT, stems=("drums", "backing_vocals")), BASE)
    assert [words.stem for words in plan.prompts] == ["drums", "backing_vocals"]
    assert (
        "Extract the BACKING_VOCALS track from the audio:\n\n# Caption\nbacking_vocals\n"
        in plan.prompts[1].text
    )
    assert plan.region is None
    assert [words.stem for words in plan_render(request(Task.EXTRACT), BASE).prompts] == list(TRACKS)


def test_an_accompaniment_names_its_instruments_together() -> None:
    (words,) = plan_render(request(Task.ACCOMPANY, stems=("drums", "bass")), BASE).prompts
    assert "Complete the input track with DRUMS | BASS:" in words.text


def test_a_new_track_is_composed_over_the_whole_window() -> None:
    plan = plan_render(request(Task.LEGO, stems=("strings",)), BASE)
    assert plan.region is None
    assert plan.settings.repaint is None
    assert "Generate the STRINGS track based on the audio context:" in plan.prompts[0].text
    assert "# Caption\nwarm tape\n" in plan.prompts[0].text


def test_a_stem_fine_tune_gets_song_and_track_in_its_prompt() -> None:
    tuned = traits_of("my-stems", is_turbo=False, is_xl=False, stem_tuned=True)
    plan = plan_render(request(Task.LEGO, stems=("strings", "bass"), options={"mask": "auto"}), tuned)
    assert [words.stem for words in plan.prompts] == ["strings", "bass"]
    prompt = "# Caption\nGlobal: warm tape\nLocal: bass\nMask Control: false\n"
    assert prompt in plan.prompts[1].text
    assert "Global" not in plan_render(request(), tuned).prompts[0].text


def test_lego_without_a_name_leaves_the_track_to_the_model() -> None:
    (words,) = plan_render(request(Task.LEGO), BASE).prompts
    assert words.stem == "mix"
    assert "Generate the track based on the audio context:" in words.text


def test_a_new_song_without_lyrics_is_instrumental_and_an_old_one_is_not_said_to_be() -> None:
    (new,) = plan_render(request(Task.GENERATE, song=None), TURBO).prompts
    assert new.lyrics.endswith("# Lyric\n[Instrumental]<|endoftext|>")
    (old,) = plan_render(request(), TURBO).prompts
    assert old.lyrics.endswith("# Lyric\n<|endoftext|>")


def test_a_new_song_does_not_look_at_an_old_one() -> None:
    plan = plan_render(request(Task.GENERATE), TURBO)
    assert plan.window.source == (0, 0)
    assert plan.window.frames == 128


def test_a_surround_shows_less_of_the_song() -> None:
    window = plan_render(request(start=30 * RATE, end=32 * RATE, context_seconds=10.0), TURBO).window
    assert (window.origin, window.frames) == (20 * RATE, 22 * 25)


def test_notes_come_along() -> None:
    plan = plan_render(request(key="H dur", options={"steps": 99}), TURBO)
    assert len(plan.notes) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"end": 700 * RATE}, "at most 600 s"), ({"options": {"nonsense": 1}}, "no option nonsense")],
)
def test_what_cannot_be_done_is_refused_with_a_reason(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotRender, match=said) as refusal:
        plan_render(request(**changed), TURBO)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "changed",
    [
        {"task": Task.EXTRACT},
        {"task": Task.COVER, "song": None},
        {"stems": ("kazoo",)},
        {"language": "tlh"},
        {"channels": 1},
        {"caption": "x" * 513},
        {"lyrics": "x" * 4097},
    ],
    ids=str,
)
def test_what_the_bridge_refuses_never_comes_here(changed: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        plan_render(request(**changed), TURBO)


# --- planned songs ------------------------------------------------------------------------------------


def test_a_planned_song_gets_its_codes_and_what_the_host_did_not_know() -> None:
    written = SongPlan(Metas(77, "3", "C minor", 12), (1, 2, 3), "slow waltz", "fr")
    asked = request(Task.GENERATE, song=None, caption="", lyrics="la la")
    plan = with_song_plan(plan_render(asked, TURBO), asked, written)
    assert (plan.task, plan.codes) == (ModelTask.TEXT2MUSIC, (1, 2, 3))
    (words,) = plan.prompts
    assert words.text == (
        "# Instruction\nGenerate audio semantic tokens based on the given conditions:\n\n# Caption\nslow waltz\n\n"
        "# Metas\n- bpm: 120\n- timesignature: 4\n- keyscale: C minor\n- duration: 5 seconds\n<|endoftext|>\n"
    )
    assert words.lyrics == "# Languages\nfr\n\n# Lyric\nla la<|endoftext|>"


def test_the_producers_own_words_stay_in_a_planned_song() -> None:
    written = SongPlan(Metas(77, "3", "C minor", 12), (1,))
    asked = request(Task.GENERATE, song=None, language="en", key="D major")
    (words,) = with_song_plan(plan_render(asked, TURBO), asked, written).prompts
    assert "# Caption\nwarm tape\n" in words.text
    assert "- keyscale: D major\n" in words.text
    assert words.lyrics.startswith("# Languages\nen\n")
    (plain,) = plan_render(request(Task.GENERATE, song=None), TURBO).prompts
    assert plain.text.startswith("# Instruction\nFill the audio semantic mask")
