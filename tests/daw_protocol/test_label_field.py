"""Names of songs and tracks: the beginning is kept, and nothing is refused over one."""

import pytest

from daw_protocol.label_field import Label


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("기타 솔로 1", "기타 솔로"),
        ("a\x1bb\r\nc", "a b\nc"),
        ("na\udcefve", "na?ve"),
        (7.0, "7"),
        ("", ""),
    ],
)
def test_any_name_is_a_label(given, kept):
    assert Label(5).read(given) == kept
    assert Label(5).read(kept) == kept


@pytest.mark.parametrize("given", [True, ["a"], None])
def test_what_is_no_text_is_no_name(given):
    with pytest.raises(TypeError):
        Label(5).read(given)
