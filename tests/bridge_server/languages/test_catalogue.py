import time

import pytest

from bridge_server.languages.catalogue import _FIGURE, Catalogue
from bridge_server.languages.template import Template

ENTRIES = {
    "There is no file {path}.": "{path} 파일이 없습니다.",
    "Check the name.": "이름을 확인하세요.",
    "The disk is full.": "디스크가 가득 찼습니다.",
    "{name} cannot be read: {error}.": "{name} 파일을 읽을 수 없습니다: {error}.",
    "it is empty": "비어 있습니다",
    "a MIDI file": "MIDI 파일",
    "whole number, {low} to {high}": "{low}~{high}의 정수",
    "It takes {article}{described}.": "받는 값: {article}{described}.",
    "must be {low} to {high}, got {value}": "{low}~{high} 범위여야 합니다(받은 값: {value})",
    "{count} takes": "테이크 {count}개",
    "{start} to {end}": "{start}~{end}",
    "{field}: there is no {value}.": "{field}: {value}이(가) 없습니다.",
    "Take {id} is gone. Render it again.": "테이크 {id}은(는) 없습니다. 다시 렌더링하세요.",
    "Warning: {warning}": "주의: {warning}",
    "one of {list}": "다음 중 하나: {list}",
    "Cover {where}": "{where} 커버",
    "must be {low} to {high} characters long, got {count}": "{low}~{high}자여야 합니다(받은 길이: {count}자)",
    "{what} must be {low} to {high}, got {value}": "{what} 값은 {low}~{high}(받은 값: {value})",
    "Job {job} was cancelled.": "작업 {job}이(가) 취소되었습니다.",
    "Job {id} has no take: {reason}.": "작업 {id}에 테이크가 없습니다: {reason}.",
    "it was cancelled": "취소되었습니다",
    "a list of {count}": "항목 {count}개의 목록",
    'list of at most {most} songs, each `{{"a": 1}}`': '최대 {most}곡, 각각 `{{"a": 1}}`',
    "  renders on {place}, {count} takes": "  렌더링     {place}, 테이크 {count}개",
}


@pytest.fixture(scope="module")
def korean():
    return Catalogue(ENTRIES)


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("There is no file a.wav.", "a.wav 파일이 없습니다."),
        ("There is no file a.wav. Check the name.", "a.wav 파일이 없습니다. 이름을 확인하세요."),
        ("a.wav cannot be read: it is empty.", "a.wav 파일을 읽을 수 없습니다: 비어 있습니다."),
        ("  Check the name.\n", "  이름을 확인하세요.\n"),
        ("It takes a whole number, 1 to 9.", "받는 값: 1~9의 정수."),
        ("bpm: must be 1 to 999, got 0.", "bpm: 1~999 범위여야 합니다(받은 값: 0)."),
        ("3 takes", "테이크 3개"),
        ("5 to 9", "5~9"),
        ("Take t7 is gone. Render it again.", "테이크 t7은 없습니다. 다시 렌더링하세요."),
        ("stem: there is no drums.", "stem: drums가 없습니다."),
        ("Warning: There is no file a.wav.", "주의: a.wav 파일이 없습니다."),
        ("  renders on studio, 3 takes", "  렌더링     studio, 테이크 3개"),
        ("name: must be 1 to 128 characters long, got 0.", "name: 1~128자여야 합니다(받은 길이: 0자)."),
        ("tempo must be 1 to 999, got 0.", "tempo 값은 1~999(받은 값: 0)."),
        ("Job j1 has no take: it was cancelled.", "작업 j1에 테이크가 없습니다: 취소되었습니다."),
        ("It takes a list of 3.", "받는 값: 항목 3개의 목록."),
        ('It takes a list of at most 3 songs, each {"a": 1}.', '받는 값: 최대 3곡, 각각 {"a": 1}.'),
        ("no more takes", "no more takes"),
        (" 3 takes ", " 테이크 3개 "),
        (" 5 to 9", " 5~9"),
        ("It takes one of a, b.", "받는 값: 다음 중 하나: a, b."),
    ],
)
def test_a_text_is_recognised_by_what_stands_around_its_values(korean, english, expected):
    assert korean.translate(english) == expected


@pytest.mark.parametrize(
    "text", ["", "  ", "Nothing like it.", "song.wav", "from here to eternity", "Cover Me"]
)
def test_what_has_no_entry_stays(korean, text):
    assert korean.translate(text) == text


def test_a_producers_own_words_stay(korean):
    assert korean.translate('"The disk is full." cannot be read: it is empty.').startswith(
        '"The disk is full."'
    )


def test_of_several_entries_the_one_with_most_words_of_its_own_counts():
    catalogue = Catalogue({"The {a} is {b}.": "{a}: {b}.", "The song is {b}.": "곡: {b}."})
    assert catalogue.translate("The song is long.") == "곡: long."


def test_what_is_unknown_between_known_sentences_stays(korean):
    assert korean.translate("The disk is full. So it goes. Check the name.") == (
        "디스크가 가득 찼습니다. So it goes. 이름을 확인하세요."
    )


@pytest.mark.parametrize("text", ["There is no file. ", "It takes a 5 to 9, got b. ", "a: "])
def test_a_text_that_fits_in_very_many_ways_is_read_only_so_often(korean, monkeypatch, text):
    read = []
    match = Template.match
    monkeypatch.setattr(Template, "match", lambda self, given: read.append(given) or match(self, given))
    Catalogue(ENTRIES).translate((text * 200)[:2000])
    assert len(read) < 20_000


@pytest.mark.parametrize("text", ["7", "-7 dB", "1|2", "120 BPM", "٣", "7 \n 8", "7x"])
def test_a_number_with_its_unit_is_a_figure(text):
    assert _FIGURE.fullmatch(text)


@pytest.mark.parametrize("text", ["", "dB", "- dB", "bar 3", "3 bars", "7 x 7", "x7"])
def test_all_else_is_none(text):
    assert not _FIGURE.fullmatch(text)


def test_long_foreign_text_takes_no_longer_than_its_length_deserves():
    text = "1" * 40_000 + " bars"
    began = time.process_time()
    assert _FIGURE.fullmatch(text) is None
    assert time.process_time() - began < 1
