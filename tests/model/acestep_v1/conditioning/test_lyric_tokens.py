"""Lyrics as tokens: the stream, section tags and languages; with words like those of the published vocabulary."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from model.acestep_v1.conditioning.lyric_tokens import (
    FileVocabulary,
    language_of,
    line_ids,
    lyric_tokens,
    with_plain_tag,
)
from model.acestep_v1.conditioning.lyric_words import LANGUAGES
from model.errors import CannotRender, NotLoaded
from tests.model.acestep_v1.conditioning.test_lyric_cleaning import need_packages
from tests.model.acestep_v1.golden_v1 import table

TABLE = table("lyric_tokenizer")


class Spy:
    """A vocabulary that keeps what it gets: one token for a text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def ids(self, text: str) -> list[int]:
        self.texts.append(text)
        return [1000 + len(self.texts)]


def test_the_text_of_every_line_is_that_of_the_published_tokens():
    """The tokens of each line, joined, are the line as it was encoded (unknown letters aside)."""
    for line in TABLE["lines"]:
        need_packages(line["used"])
        spy = Spy()
        line_ids(line["text"].strip(), line["used"], spy)
        parts = [re.escape(token) if token != "[UNK]" else ".+?" for token in line["tokens"]]
        assert re.fullmatch("".join(parts), spy.texts[0]), (line["text"], spy.texts[0])


@pytest.mark.parametrize("song", TABLE["songs"], ids=lambda song: song["lyrics"][:12])
def test_the_stream_of_a_song(song: dict[str, Any]):
    """A start, and a blank after every line, also after empty ones."""
    if not song["lyrics"].strip():
        assert lyric_tokens(song["lyrics"], "en", Spy()).ids == (0,)
        return
    ids = lyric_tokens(_ascii_only(song["lyrics"]), "en", Spy()).ids
    assert ids[0] == 261
    assert ids[-1] == 2
    lines = song["lyrics"].split("\n")
    assert len(ids) == 1 + len(lines) + sum(bool(line.strip()) for line in lines)


def _ascii_only(text: str) -> str:
    return re.sub("[^\x00-\x7f]", "a", text)


def test_section_tags_lose_their_number():
    assert with_plain_tag("[Verse 2]") == "[verse]"
    assert with_plain_tag("[Instrumental]") == "[inst]"
    assert with_plain_tag("[PRE-CHORUS: 1]") == "[pre-chorus]"
    assert with_plain_tag("[break] la la") == "[break] la la"
    assert with_plain_tag("[soft piano]") == "[soft piano]"
    assert with_plain_tag("la [verse 1]") == "la [verse 1]"


@pytest.mark.parametrize(
    ("line", "given", "language"),
    [
        ("Hello night, hello 2 stars", "en", "en"),
        ("Hello night", "unknown", "en"),
        ("안녕하세요", "unknown", "ko"),
        ("さくら", "unknown", "ja"),
        ("音乐", "unknown", "zh"),
        ("Катюша", "unknown", "ru"),
        ("حبيبي", "unknown", "ar"),
        ("तुम", "unknown", "hi"),
        ("[verse]", "fr", "en"),
        ("Volare", "it", "it"),
    ],
)
def test_languages(line: str, given: str, language: str):
    assert language_of(line, given) == language


def test_a_line_may_name_its_language():
    spy = Spy()
    lyric_tokens("[fr] Je chante\n[verse] la\n[ZH-cn]ni3 hao3", "de", spy)
    assert spy.texts == ["[fr]je[SPACE]chante", "[en][verse][SPACE]la", "[zh-cn]ni3[SPACE]hao3"]


def test_a_line_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: str) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr("model.acestep_v1.conditioning.lyric_tokens.cleaned", broken)
    with pytest.raises(CannotRender, match="Je chante"):
        lyric_tokens("Je chante", "fr", Spy())


def test_digits_that_stay_are_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.acestep_v1.conditioning.number_words.PACKAGE", "no_such_package")
    (note,) = lyric_tokens("99 Luftballons\nohne", "de", Spy()).notes
    assert "99 Luftballons" in note


def test_lyrics_that_are_too_long_lose_their_end_and_say_so():
    long = lyric_tokens("\n".join(["la"] * 3000 + ["the end"]), "en", Spy())
    assert len(long.ids) <= 4096
    assert long.ids[-1] == 2
    (note,) = long.notes
    assert "4096 tokens" in note


def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path):
    pytest.importorskip("tokenizers")
    file = tmp_path / "vocab.json"
    file.write_text("{}")
    with pytest.raises(NotLoaded, match="no lyric vocabulary"):
        FileVocabulary(file)
    file.write_text(json.dumps(small_vocabulary(start=5)))
    with pytest.raises(NotLoaded, match="another model"):
        FileVocabulary(file)


def test_a_vocabulary_in_a_file(tmp_path: Path):
    pytest.importorskip("tokenizers")
    file = tmp_path / "vocab.json"
    file.write_text(json.dumps(small_vocabulary()))
    assert lyric_tokens("[verse]\nab", "en", FileVocabulary(file)).ids == (261, 259, 6683, 2, 259, 3, 4, 2)


def small_vocabulary(start: int = 261) -> dict[str, Any]:
    """A vocabulary of the published form with two letters, the languages and the section tags."""
    special = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": start}
    tags = {f"[{name}]": 6681 + index for index, name in enumerate(
        ("start", "intro", "verse", "chorus", "bridge", "outro", "end", "inst", "solo", "hook", "pre-chorus", "break")
    )}  # fmt: skip
    languages = {f"[{name}]": 300 + index for index, name in enumerate(LANGUAGES)} | {"[en]": 259}
    added = special | tags | languages
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "added_tokens": [
            {"id": index, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for text, index in sorted(added.items(), key=lambda item: item[1])
        ],
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "vocab": {**added, "a": 3, "b": 4}, "merges": [],
        },
    }  # fmt: skip
