import pytest

from clip_store.audio.xml_text import allowed, without_entities

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'


@pytest.mark.parametrize(
    "xml", [BOMB, BOMB.encode("utf-16"), "<x>", "", "no xml", b'<?xml version="1.0" encoding="?"?><x/>']
)
def test_what_is_no_plain_xml_is_nothing(xml):
    assert without_entities(xml) is None


def test_plain_xml_is_read():
    root = without_entities("<x><y>Ä</y></x>")
    assert root is not None
    assert root.findtext("y") == "Ä"


def test_text_keeps_what_xml_can_hold():
    assert allowed("a\x00b\tc\ud800d\U0001f3b5") == "ab\tcd\U0001f3b5"
