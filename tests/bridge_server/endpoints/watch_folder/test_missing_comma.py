import pytest

from bridge_server.endpoints.watch_folder.missing_comma import MOST_WORDS, refuse_joined
from daw_protocol.errors import ErrorCode, ProtocolError


def only(*good: str):
    """Takes these texts and no others."""

    def check(text: str) -> None:
        if text not in good:
            raise ProtocolError(ErrorCode.UNKNOWN_FIELD, text)

    return check


ITEM = only("b", "c d", "e")


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a b", "a, b"), ("a c d", "a, c d"), ("a b c d e", "a, b, c d, e"), ("a a b", "a a, b")],
)
def test_joined(text, parts):
    with pytest.raises(ProtocolError) as raised:
        refuse_joined(text, only("a", "a a"), ITEM)
    assert raised.value.sentence == f"A comma is missing in {text!r}."
    assert raised.value.remedy == f'Write "{parts}".'


@pytest.mark.parametrize("text", ["", "a", "b", "a x", "a b x", "a" + " b" * MOST_WORDS])
def test_whole_or_no_better_in_parts(text):
    refuse_joined(text, only("a"), ITEM)


def test_a_long_text_is_not_repeated_whole():
    long = "b" * 500
    with pytest.raises(ProtocolError) as raised:
        refuse_joined(f"a {long}", only("a"), only(long))
    assert raised.value.remedy == "Write one after 'a'."
    assert len(raised.value.sentence) < 120
