import jsonschema
import pytest

from daw_protocol.errors import ProtocolError
from daw_protocol.fields import Text, Whole
from daw_protocol.recipe import Recipe, ReferenceAudio
from daw_protocol.replies import TakeReady
from daw_protocol.result_fields import (
    AnyText,
    JsonObject,
    ListOf,
    Nullable,
    Record,
    Row,
    TableOf,
    linked,
    title,
)
from daw_protocol.results import Accepted

NUMBER = Whole(0, 9)
VOICE = {"name": "voice", "digest": "aa", "consent": True}

RIGHT = [
    (AnyText(), "x" * 9000, "x" * 9000),
    (JsonObject(), {"a": [1, None]}, {"a": [1, None]}),
    (Nullable(NUMBER), None, None),
    (Nullable(NUMBER), 3, 3),
    (ListOf(NUMBER), (1, 2), [1, 2]),
    (ListOf(Nullable(NUMBER)), (1, None), [1, None]),
    (Row((NUMBER, AnyText())), (1, "4/4"), [1, "4/4"]),
    (TableOf(NUMBER), {"a b": 1}, {"a b": 1}),
    (Record(ReferenceAudio), ReferenceAudio(**VOICE), VOICE),
    (TableOf(ListOf(Record(ReferenceAudio))), {"x": (ReferenceAudio(**VOICE),)}, {"x": [VOICE]}),
]


@pytest.mark.parametrize(("kind", "value", "written"), RIGHT)
def test_written_and_read(kind, value, written):
    assert kind.write(value) == written
    assert kind.read(written) == value
    assert kind.read(value) == value
    jsonschema.Draft202012Validator(kind.schema()).validate(written)
    assert kind.describe()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (AnyText(), 1), (AnyText(), None), (JsonObject(), [1]), (Nullable(NUMBER), "x"), (Nullable(NUMBER), 10),
        (ListOf(NUMBER), 1), (ListOf(NUMBER), "12"), (ListOf(NUMBER), [1, None]), (Row((NUMBER, NUMBER)), [1]),
        (Row((NUMBER, NUMBER)), [1, "x"]), (TableOf(NUMBER), [1]), (TableOf(NUMBER), {"a": None}),
        (Record(ReferenceAudio), "x"), (Record(ReferenceAudio), {"name": 1}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_and_invalid(kind, wrong):
    with pytest.raises((TypeError, ValueError, ProtocolError)):
        kind.read(wrong)
    assert not jsonschema.Draft202012Validator(kind.schema()).is_valid(wrong)


def test_a_file_name_that_is_not_unicode_can_be_sent():
    assert AnyText().read("song \udcff.wav") == "song ?.wav"
    assert TableOf(NUMBER).read({"\ud800": 1}) == {"?": 1}


def test_a_record_of_a_later_version_is_read_without_what_is_new():
    assert Record(ReferenceAudio).read({**VOICE, "later": 1}) == ReferenceAudio(**VOICE)


def test_names_and_links_of_the_document():
    assert title(Recipe) == "recipe"
    assert title(ReferenceAudio) == "reference audio"
    assert linked(ReferenceAudio) == "[reference audio](#reference-audio)"
    assert linked(TakeReady) == "[`take`](#bridgetake-notification-take)"
    assert linked(Accepted) == "[accepted](#accepted)", "it is no reply of its own name"


def test_text_kinds_differ_on_purpose():
    """A producer's text is checked; what the server says of its own is not refused."""
    with pytest.raises(ValueError, match="control"):
        Text().read("a\x00")
    assert AnyText().read("a\x00") == "a\x00"
