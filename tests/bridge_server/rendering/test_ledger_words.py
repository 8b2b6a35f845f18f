import pytest

from bridge_server.rendering.ledger_words import (
    chooser_in_words,
    clock,
    ledger_in_words,
    program_of,
    share_lines,
    source_type_in_words,
    states_in_words,
)
from clip_store.source_type import VOCABULARY, SourceType
from daw_protocol.ledger import Ledger, LedgerStretch, LedgerTake

LEDGER = Ledger(
    title="Demo", song="a" * 64, position=0, rate=1000, end=4000, human=3000, machine=900, mixed=100,
    stretches=(
        LedgerStretch(start=0, end=3000, whose="human", reason="the original, bit for bit"),
        LedgerStretch(start=3000, end=4000, whose="machine", takes=("t1",), reason="rendered by a network"),
    ),
    takes=(LedgerTake(take="t1", task="repaint", engine="ACE-Step", weights="turbo", licence="MIT", file="edited"),),
)  # fmt: skip


def test_shares_add_up():
    assert [line.split("%")[0] for line in share_lines(LEDGER)] == ["75.0 ", "22.5 ", "2.5 "]


def test_a_line_for_each_stretch_and_each_take():
    found = list(ledger_in_words(LEDGER))
    assert "0:03.000 – 0:04.000  machine: rendered by a network (t1); samples 3000 to 4000" in found
    assert found[-1] == (
        "t1: repaint, made with ACE-Step, turbo; licence: MIT; chosen: not noted; edited since it was rendered"
    )


def test_every_source_type_has_a_sentence():
    for kind in SourceType:
        assert kind.value in source_type_in_words(kind.address)
    assert "digitalCapture" in source_type_in_words(f"{VOCABULARY}digitalCapture")
    assert source_type_in_words("") == "The original, unchanged; its file says nothing of how it was made."


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("ws:panel-123-456", "panel"),
        ("osc:192.168.1.5:REAPER@9000", "REAPER"),
        ("osc:192.168.1.5", "OSC program"),
        ("midi", "MIDI pad"),
        ("http:abc", "script"),
        ("mailbox:Bitwig", "Bitwig"),
        ("ws:0123456789abcdef", "another program"),
    ],
)
def test_a_program_has_a_name_and_no_address(client, name):
    assert program_of(client) == name


def test_who_and_when():
    take = LedgerTake(take="t", task="repaint", chosen_by="panel", chosen=0.0)
    assert chooser_in_words(take) == "panel, 1970-01-01 00:00 UTC"
    assert states_in_words("") == ()
    assert clock(62.3456) == "1:02.346"
