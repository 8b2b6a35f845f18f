import pytest

from daw_protocol.depth import DEPTHS, Depth


@pytest.mark.parametrize("word", DEPTHS)
def test_every_word_is_read(word):
    assert Depth().read(word) == word


@pytest.mark.parametrize("number", [24, 24.0])
def test_24_may_be_a_number(number):
    assert Depth().read(number) == "24"


@pytest.mark.parametrize("other", [16, 32, True, None, float("nan")])
def test_other_depths_are_refused(other):
    with pytest.raises(TypeError):
        Depth().read(other)


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="one of song, 24, float"):
        Depth().read("16")
