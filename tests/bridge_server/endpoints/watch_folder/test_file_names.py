import contextlib
import json
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge_server.endpoints.watch_folder.file_names import FILE_TASKS, read_json, read_words, split_name
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from daw_protocol.timeline import Meter, SongMap, TempoMap

SETTLED = {"source": "audio:x", "title": "song", "source_position": 0}


@pytest.mark.parametrize(
    ("stem", "title", "words"),
    [
        ("song [repaint 17-20, 120 bpm]", "song", "repaint 17-20, 120 bpm"),
        ("song[REPAINT 17-20]", "song", "REPAINT 17-20"),
        ("[extract]", "[extract]", "extract"),
        ("a [b] c [extract, stems drums] ", "a [b] c", "extract, stems drums"),
        ("song [repiant 17-20]", "song", "repiant 17-20"),
        ("song [mix v3]", "song [mix v3]", None),
        ("song [2024]", "song [2024]", None),
        ("song []", "song []", None),
        ("song [repaint 5-6] (1)", "song", "repaint 5-6"),
        ("song [repaint 5-6] - Kopie (2)", "song", "repaint 5-6"),
        ("song [repaint 5-6]-001_bip", "song", "repaint 5-6"),
        ("song [repaint 5-6] [mix v3]", "song", "repaint 5-6"),
        ("song [repaint 5-6] [extract]", "song [repaint 5-6]", "extract"),
        ("[repaint 5-6] song", "song", "repaint 5-6"),
        ("song [mix v3] (1)", "song [mix v3] (1)", None),
        ("song", "song", None),
        ("", "", None),
        ("曲［repaint 5-6］", "曲", "repaint 5-6"),
        ("曲【ｒｅｐａｉｎｔ　５－６】（1）", "曲", "ｒｅｐａｉｎｔ　５－６"),
        (
            "song [\N{ZERO WIDTH SPACE}repaint\N{NO-BREAK SPACE}5-6]",
            "song",
            "\N{ZERO WIDTH SPACE}repaint\N{NO-BREAK SPACE}5-6",
        ),
    ],
)
def test_titles_and_words(stem, title, words):
    assert split_name(stem) == (title, words)


@pytest.mark.parametrize(
    ("text", "task", "fields"),
    [
        ("repaint 17-20, 120 bpm", "repaint", {"bars": "17-20", "bpm": "120"}),
        ("repaint 17-20 + 33-36, 120 bpm", "repaint",
         {"regions": [{"bars": "17-20"}, {"bars": "33-36"}], "bpm": "120"}),
        ("repaint 5+9", "repaint", {"regions": [{"bars": "5"}, {"bars": "9"}]}),
        ("repaint 2s - 4s + 8s - 9s", "repaint",
         {"regions": [{"start": "2s", "end": "4s"}, {"start": "8s", "end": "9s"}]}),
        ("repaint bars 17 to 20", "repaint", {"bars": "17-20"}),
        ("repaint bar 17", "repaint", {"bars": "17"}),
        ("repaint 17|1|0 - 21|1|0, 127.3bpm", "repaint", {"start": "17|1|0", "end": "21|1|0", "bpm": "127.3"}),
        ("repaint 17_1_0 - 21_1_0", "repaint", {"start": "17|1|0", "end": "21|1|0"}),
        ("repaint 12.5s to 14s", "repaint", {"start": "12.5s", "end": "14s"}),
        ("repaint 0:12.5 – 0:14", "repaint", {"start": "0:12.5", "end": "0:14"}),
        ("extract, stems vocals+drums", "extract", {"stems": "vocals,drums"}),
        ("extract, stems vocals drums", "extract", {"stems": "vocals,drums"}),
        ("complete, length 8 bars, bpm 96, ending", "complete", {"length": "8 bars", "bpm": "96", "ending": True}),
        ("repaint 1, 3 takes, seed 7, F# minor, 6_8", "repaint",
         {"bars": "1", "takes": "3", "seed": "7", "key": "F# minor", "meter": "6/8"}),
        ("repaint 1, meter 7_8, key Bb, strength 0.3", "repaint",
         {"bars": "1", "meter": "7/8", "key": "Bb", "strength": "0.3"}),
        ("repaint\nstart 17_1\nend 18_1\nprompt warm strings", "repaint",
         {"start": "17|1", "end": "18|1", "prompt": "warm strings"}),
        ("Repaint 1; prompt: dry drums", "repaint", {"bars": "1", "prompt": "dry drums"}),
        ("repaint 1, bpm=120, takes: 2", "repaint", {"bars": "1", "bpm": "120", "takes": "2"}),
        ("repaint 1, match_loudness no", "repaint", {"bars": "1", "match_loudness": "no"}),
        ("repaint 17\N{NON-BREAKING HYPHEN}20", "repaint", {"bars": "17-20"}),
        ("repaint 17\N{EN DASH}20", "repaint", {"bars": "17-20"}),
        ("repaint 17 \N{EM DASH} 20", "repaint", {"bars": "17-20"}),
        ("repaint\N{NO-BREAK SPACE}17\N{MINUS SIGN}20,\N{NO-BREAK SPACE}120\N{NO-BREAK SPACE}bpm", "repaint",
         {"bars": "17-20", "bpm": "120"}),
        ("ｒｅｐａｉｎｔ　５－６，　１２０ｂｐｍ，３　ｔａｋｅｓ", "repaint",
         {"bars": "5-6", "bpm": "120", "takes": "3"}),
        ("repaint 17｜1 - 18｜1、bpm：120", "repaint", {"start": "17|1", "end": "18|1", "bpm": "120"}),
        ("repaint 1:02\N{EN DASH}1:05", "repaint", {"start": "1:02", "end": "1:05"}),
        ("repaint 12.5s-14s", "repaint", {"start": "12.5s", "end": "14s"}),
        ("repaint 0,5s - 1,25s, 120,5 bpm", "repaint", {"start": "0.5s", "end": "1.25s", "bpm": "120.5"}),
        ("repaint 1, prompt warm \N{EN DASH} 3,5 stars", "repaint",
         {"bars": "1", "prompt": "warm \N{EN DASH} 3,5 stars"}),
    ],
)  # fmt: skip
def test_words(text, task, fields):
    wanted = read_words(text)
    assert (wanted.task, wanted.fields) == (task, fields)
    request = wanted.request(SETTLED, SongMap(TempoMap.constant(97)))
    assert isinstance(request, Render)
    assert request.task == task


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("", ErrorCode.MISSING_FIELD, "repaint"),
        (" , ;\n", ErrorCode.MISSING_FIELD, "repaint"),
        ("repiant 17-20", ErrorCode.UNKNOWN_COMMAND, "Did you mean repaint"),
        ("vary t1", ErrorCode.UNKNOWN_COMMAND, "There are repaint"),
        ("repaint 1, louder please", ErrorCode.UNKNOWN_FIELD, "docs/protocol.md"),
        ("repaint 1, source other.wav", ErrorCode.UNKNOWN_FIELD, "docs/protocol.md"),
        ("repaint 1, bar1 x", ErrorCode.OUT_OF_RANGE, "3600s"),
        ("repaint 1, bar1 17|1|0", ErrorCode.OUT_OF_RANGE, "3600s"),
        ("x" * 30_000, ErrorCode.TOO_LARGE, "repaint"),
        ("repaint 5-6 120 bpm", ErrorCode.BAD_MESSAGE, 'Write "repaint 5-6, 120 bpm".'),
        (
            "repaint bars 5-6 120 bpm 3 takes",
            ErrorCode.BAD_MESSAGE,
            'Write "repaint bars 5-6, 120 bpm, 3 takes".',
        ),
        ("repaint 5-6, 120 bpm 3 takes", ErrorCode.BAD_MESSAGE, 'Write "120 bpm, 3 takes".'),
        ("repaint 5-6, bpm 120 seed 7", ErrorCode.BAD_MESSAGE, 'Write "bpm 120, seed 7".'),
        (
            "repaint 1s - 2s prompt warm strings",
            ErrorCode.BAD_MESSAGE,
            'Write "repaint 1s - 2s, prompt warm strings".',
        ),
        ("repaint 17_1 - 18_1 120 bpm", ErrorCode.BAD_MESSAGE, 'Write "repaint 17_1 - 18_1, 120 bpm".'),
        ("extract stems vocals+drums", ErrorCode.BAD_MESSAGE, 'Write "extract, stems vocals+drums".'),
    ],
)
def test_words_that_are_not_understood(text, code, word):
    with pytest.raises(ProtocolError) as raised:
        read_words(text)
    assert raised.value.code is code
    assert word in raised.value.remedy


@pytest.mark.parametrize("text", ["repaint", "repaint, 120 bpm", '{"task": "repaint", "bpm": 120}'])
def test_a_task_without_its_region_names_what_a_folder_takes(text):
    wanted = read_json(text) if text.startswith("{") else read_words(text)
    with pytest.raises(ProtocolError) as raised:
        wanted.request(SETTLED, None)
    assert raised.value.code is ErrorCode.MISSING_FIELD
    assert '"repaint 17-20, 120 bpm"' in raised.value.remedy
    assert "/" not in str(raised.value)


@pytest.mark.parametrize("text", ["extract", "complete, 120 bpm", "accompany"])
def test_other_tasks_need_none(text):
    assert read_words(text).request(SETTLED, None).bars is None


def test_json():
    wanted = read_json(
        '{"task": "repaint", "bars": "17-20", "tempo_map": {"points": [{"quarter": 0, "bpm": 97}]}}'
    )
    assert wanted.request(SETTLED, None).tempo_map == TempoMap.constant(97)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", ErrorCode.BAD_MESSAGE),
        ("[]", ErrorCode.BAD_MESSAGE),
        ("[" * 100_000, ErrorCode.BAD_MESSAGE),
        ("{}", ErrorCode.UNKNOWN_COMMAND),
        ('{"task": "repaint", "source": "/etc/passwd"}', ErrorCode.UNKNOWN_FIELD),
        ('{"task": "repaint", "token": "x"}', ErrorCode.UNKNOWN_FIELD),
        ('{"task": "repaint", "bar1": []}', ErrorCode.OUT_OF_RANGE),
    ],
)
def test_json_that_is_not_understood(text, code):
    with pytest.raises(ProtocolError) as raised:
        read_json(text)
    assert raised.value.code is code
    assert raised.value.remedy


def test_a_wrong_value_is_reported_by_the_request():
    with pytest.raises(ProtocolError) as raised:
        read_words("repaint 1, takes 99").request(SETTLED, None)
    assert raised.value.field == "takes"


def test_where_bar_1_lies():
    for text in ("repaint 1, 120 bpm, 3_4, bar1 3600s", "repaint 1, 120 bpm, 3_4, bar1 at 1:00:00"):
        request = read_words(text).request(SETTLED, None)
        assert request.tempo_map == TempoMap.constant(120, Meter(3, 4), 3600)
        assert request.bpm is None
    request = read_words("repaint 1, bar1 2").request(SETTLED, SongMap(TempoMap.constant(97)))
    assert request.tempo_map == TempoMap.constant(97, offset=Fraction(2))
    with pytest.raises(ProtocolError) as raised:
        read_words("repaint 1, bar1 2").request(SETTLED, None)
    assert "120 bpm" in raised.value.remedy


def test_a_tempo_typed_wins_over_the_midi_file_beside():
    assert read_words("repaint 1, 99 bpm").request(SETTLED, SongMap(TempoMap.constant(97))).bpm == 99
    assert read_words("repaint 1").request(
        SETTLED, SongMap(TempoMap.constant(97))
    ).tempo_map == TempoMap.constant(97)


@pytest.mark.parametrize(
    "text",
    ["repaint 17-20", "repaint 17_1_0 - 21_1_0", "repaint 0s - 8b", "complete, length 8 bars", "complete, length 8b"],
)  # fmt: skip
def test_bars_without_a_tempo_count_on_the_one_kept_with_the_song(text):
    bare = read_words(text).request(SETTLED, None)  # the server refuses it where none is kept
    assert (bare.bpm, bare.tempo_map) == (None, None)
    assert read_words(text).request(SETTLED, SongMap(TempoMap.constant(97))).tempo_map == TempoMap.constant(
        97
    )
    assert read_words(f"{text}, 96 bpm").request(SETTLED, None).bpm == 96


@pytest.mark.parametrize(
    "text", ["repaint 1s - 2.5s", "repaint, start 48000, end 96000", "extract", "complete, length 8s"]
)
def test_seconds_and_samples_need_no_tempo(text):
    assert read_words(text).request(SETTLED, None).bpm is None


@settings(deadline=None)
@given(st.text())
@example("\xad")  # a soft hyphen alone: something is there, and nothing can be read
def test_any_text_is_understood_or_refused(text):
    split_name(text)
    for read in (read_words, read_json):
        with contextlib.suppress(ProtocolError):
            assert read(text).task in FILE_TASKS


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
)
def test_any_object_is_understood_or_refused(value):
    with contextlib.suppress(ProtocolError):
        assert read_json(json.dumps({**value, "task": "repaint"})).request(SETTLED, None).task == "repaint"


DECIMAL_COMMAS = [
    ("repaint 5-6, 120,5 bpm", {"bars": "5-6", "bpm": "120.5"}),
    ("repaint 8,5s - 12,5s, 120 bpm", {"start": "8.5s", "end": "12.5s", "bpm": "120"}),
    ("repaint 5-6, 120 bpm, strength 0,3", {"bars": "5-6", "bpm": "120", "strength": "0.3"}),
    ("repaint 5-6,bpm 120,takes 2", {"bars": "5-6", "bpm": "120", "takes": "2"}),
    ("extract, stems vocals,drums", None),
]


@pytest.mark.parametrize(("text", "fields"), DECIMAL_COMMAS, ids=[text for text, _ in DECIMAL_COMMAS])
def test_a_comma_between_digits_is_a_decimal_one(text, fields):
    if fields is None:
        with pytest.raises(ProtocolError, match="drums"):
            read_words(text)
    else:
        assert read_words(text).fields == fields


@pytest.mark.parametrize(
    "text", ["repaint 5-6,120 bpm", "repaint 1,500s - 2s, 120 bpm", "repaint 5-6, 1,200 bpm"]
)
def test_a_comma_that_may_mean_two_things_is_named(text):
    with pytest.raises(ProtocolError, match="comma") as raised:
        read_words(text)
    assert "blank after each comma" in raised.value.remedy


def test_bar_1_counts_in_the_tempo_that_a_request_without_it_has():
    tempo = "6.999999999999999999999999999999999999999"
    request = read_words(f"accompany, {tempo} bpm, bar1 2s").request({"source": "song.wav"}, None)
    assert request.tempo_map is not None
    assert request.tempo_map.points[0].bpm == 7
    for seconds in ("0." + "0" * 60 + "1", "9" * 40):
        with pytest.raises(ProtocolError, match="is not a position for bar 1"):
            read_words(f"accompany, 7 bpm, bar1 {seconds}s").request({"source": "song.wav"}, None)
