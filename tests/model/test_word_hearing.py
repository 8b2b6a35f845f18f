"""Which words of lyrics are heard: with the real library on random weights, and the comparison by itself."""

from types import SimpleNamespace

import numpy as np
import pytest

from model import word_hearing
from model.errors import NotLoaded
from model.word_hearing import (
    RATE,
    WORD_MODELS,
    SungClip,
    WordListener,
    in_order,
    sung_text,
    word_folder,
    words_of,
)
from tests.model.tiny_whisper import tiny_whisper


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("torch", "transformers", "faster_whisper"):
        pytest.importorskip(name, reason=f"SKIPPED: {name} is not installed (extra ears)")
    scratch = tmp_path_factory.mktemp("scratch")
    return tiny_whisper(tmp_path_factory.mktemp("models") / WORD_MODELS[0].folder, scratch)


def sound(seed, seconds=2.0, rate=RATE):
    return np.random.default_rng(seed).standard_normal((round(seconds * rate), 2)).astype(np.float32) * 0.1


def test_the_library_hears_the_same_each_time(folder):
    listener = WordListener(folder)
    first = listener.hear(SungClip(sound(1), RATE, "[Verse]\nla la", "en"))
    again = listener.hear(SungClip(sound(1), RATE, "[Verse]\nla la", "en"))
    assert first == again
    assert (first.words, first.language, first.language_confidence) == (2, "en", 1.0)
    assert first.text
    assert 0 < first.confidence < 1
    shares = []
    assert listener.hear(SungClip(sound(1), RATE, first.text, "en"), shares.append).match == 1.0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert listener.hear(SungClip(sound(1, rate=44_100), 44_100, "la", "en")).words == 1


def test_silence_sings_nothing(folder):
    found = WordListener(folder).hear(SungClip(np.zeros((RATE, 2), np.float32), RATE, "la la", "en"))
    assert (found.match, found.words, found.text, found.confidence) == (0.0, 2, "", 0.0)


def test_a_language_it_does_not_know_is_left_to_it(folder):
    """`transcribe(language=None)` detects it, and gives language and language_probability: the library's README."""
    asked = []

    def transcribe(samples, *, language, **_):
        asked.append(language)
        segment = SimpleNamespace(text=" la, la!", tokens=[1, 2, 3], avg_logprob=-0.5, end=2.0)
        return iter([segment]), SimpleNamespace(language="ko", language_probability=0.75)

    listener = WordListener(folder)
    listener._network = SimpleNamespace(transcribe=transcribe, supported_languages=["en", "ko"])
    found = [listener.hear(SungClip(sound(1), RATE, "La la la", name)) for name in ("ko", "sa", "unknown")]
    assert asked == ["ko", None, None]
    assert found[0].match == pytest.approx(2 / 3)
    assert (found[1].language, found[1].language_confidence) == ("ko", 0.75)
    assert found[0].confidence == pytest.approx(np.exp(-0.5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  stop—NOW", ["dont", "stop", "now"]),
        ("ça va, über héllo", ["ça", "va", "über", "héllo"]),
        ("愛してる yeah", ["愛", "し", "て", "る", "yeah"]),
        ("사랑해요, 정말", ["사랑해요", "정말"]),
        ("ＬＡ 24", ["la", "24"]),
        (" ... ", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_words_count_in_their_order_and_each_once():
    assert in_order(["a", "b", "c", "d"], ["a", "x", "b", "d", "c"]) == 3
    assert in_order(["la", "la", "la"], ["la", "la"]) == 2
    assert in_order(["a", "b"], ["b", "a"]) == 1
    assert in_order([], ["a"]) == in_order(["a"], []) == 0


def test_tags_are_not_sung():
    assert sung_text("[Verse]\nhello\n\n[Chorus]\nla [whisper] la") == "hello\nla [whisper] la"


def test_without_weights_or_package_it_says_what_to_get(tmp_path, monkeypatch, folder):
    assert word_folder(folder.parent) == folder
    for models in (None, tmp_path):
        with pytest.raises(NotLoaded, match="weights of Whisper tiny are not here") as caught:
            word_folder(models)
        assert "takebridge models pull words" in caught.value.remedy
    monkeypatch.setattr(word_hearing, "PACKAGES", ("no_such_package",))
    with pytest.raises(NotLoaded, match="no_such_package") as caught:
        word_folder(folder.parent)
    assert "takebridge[ears]" in caught.value.remedy


def test_damaged_weights_are_named(tmp_path, folder):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(NotLoaded, match="cannot be read") as caught:
        WordListener(tmp_path)
    assert "models pull words" in caught.value.remedy
