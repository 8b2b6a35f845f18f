import pytest

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.pad_map import Control, Pads, Touch, read_pad_map
from daw_protocol.requests import Cancel, ChooseTake, Repaint, SetKey, SetTempo, Status

FILE = """
# what is touched      what is sent
note 36                /bridge/repaint takes 2 prompt "more drums"
note 36 ch 10          /bridge/status
cc 64                  /bridge/takes/choose $take
cc 7 ch 3              /bridge/repaint strength $value(0..1) seed $value
program 5              /bridge/cancel $job
  NOTE 37              /bridge/key "F# minor"
note 38                /bridge/tempo $value(60..187)
"""
KNOWN = {"take": "t1", "job": "j1"}


@pytest.fixture
def pads():
    return Pads(read_pad_map(FILE))


def sent(pads, *touch):
    found = Touch(*touch)
    return [binding.request(found.value, KNOWN) for binding in pads.sent_by(found)]


def test_pads_send_when_struck_and_not_when_let_go(pads):
    assert sent(pads, Control.NOTE, 36, 1, 90) == [Repaint(takes=2, prompt="more drums")]
    assert sent(pads, Control.NOTE, 36, 1, 0) == []
    assert sent(pads, Control.NOTE, 35, 1) == []
    assert sent(pads, Control.NOTE, 37, 1) == [SetKey(key="F# minor")]


def test_a_channel_means_that_channel_only(pads):
    assert sent(pads, Control.NOTE, 36, 10) == [Repaint(takes=2, prompt="more drums"), Status()]


def test_a_pedal_sends_when_it_is_pressed(pads):
    values = (0, 63, 64, 127, 100, 63, 64)
    assert [len(sent(pads, Control.CC, 64, 1, value)) for value in values] == [0, 0, 1, 0, 0, 0, 1]
    assert sent(pads, Control.CC, 64, 2, 127) == [ChooseTake(take="t1")]  # another channel, another pedal


def test_a_fader_sends_at_every_movement(pads):
    assert [request.strength for value in (0, 127, 126) for request in sent(pads, Control.CC, 7, 3, value)] == [
        0, 1, pytest.approx(126 / 127, abs=1e-5),
    ]  # fmt: skip
    assert sent(pads, Control.CC, 7, 3, 5)[0].seed == 5
    assert sent(pads, Control.CC, 7, 2, 5) == []


def test_velocity_is_a_value(pads):
    assert sent(pads, Control.NOTE, 38, 1, 60) == [SetTempo(bpm=120)]
    assert sent(pads, Control.NOTE, 38, 1, 0) == []


def test_a_program_change_sends(pads):
    assert sent(pads, Control.PROGRAM, 5, 16) == [Cancel(job="j1")]


def test_what_has_not_come_yet_is_reported(pads):
    (binding,) = pads.sent_by(Touch(Control.PROGRAM, 5, 1))
    with pytest.raises(ProtocolError, match="there is no job yet"):
        binding.request(127, {})


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("note 36", "bad_message", "no message"),
        ("note 128 /bridge/status", "bad_message", "0 to 127"),
        ("note C3 /bridge/status", "bad_message", "0 to 127"),
        ("note 99999999999999999999 /bridge/status", "bad_message", "0 to 127"),
        ("note ² /bridge/status", "bad_message", "0 to 127"),
        ("note 36 ch 17 /bridge/status", "bad_message", "1 to 16"),
        ("note 36 channel 1 /bridge/status", "bad_message", "not a control"),
        ("pad 36 /bridge/status", "bad_message", "not a control"),
        ("/bridge/status", "bad_message", "not a control"),
        ("note 1 /bridge/repiant", "unknown_command", "repiant"),
        ("note 1 /bridge/repaint id1 strenth 1", "unknown_field", "strenth"),
        ("note 1 /bridge/repaint strength 3", "out_of_range", "strength"),
        ("cc 1 /bridge/repaint strength $value", "out_of_range", "strength"),  # 127 is too strong
        ("cc 1 /bridge/tempo $value(0..120)", "out_of_range", "bpm"),  # and 0 is no tempo
        ("note 1 /bridge/takes/choose", "missing_field", "take"),
        ("note 1 /bridge/takes/fetch $take", "unknown_command", "fetch"),
        ('note 1 /bridge/key "F# minor', "bad_message", "quotation"),
    ],
)
def test_a_wrong_line_is_refused_when_it_is_read(line, code, words):
    with pytest.raises(ProtocolError, match=r"In line 2 of pads\.txt: ") as found:
        read_pad_map(f"note 1 /bridge/status\n{line}\n", "pads.txt")
    assert found.value.code is ErrorCode(code)
    assert words in found.value.sentence
    assert found.value.remedy


def test_too_many_lines_are_no_map():
    with pytest.raises(ProtocolError, match="2001 lines"):
        read_pad_map("\n" * 2001)


def test_a_touch_reads_as_one_writes_it():
    assert str(Touch(Control.CC, 64, 3)) == "cc 64 ch 3"
