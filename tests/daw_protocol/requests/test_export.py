"""Requests for a project for another DAW."""

from clip_store.exports.formats import Format
from clip_store.mix.write_mix import MixFormat
from daw_protocol.errors import ErrorCode
from daw_protocol.requests import Export
from daw_protocol.requests.export import EXPORT_FORMATS, LEDGER_FORMAT, NOTES_FORMAT, STEMS_FORMAT
from tests.refusals import refusal


def test_every_format_that_can_be_written_can_be_asked_for():
    written = [each.value for each in (*Format, *MixFormat)]
    assert sorted(EXPORT_FORMATS) == sorted((*written, STEMS_FORMAT, LEDGER_FORMAT, NOTES_FORMAT))


def test_stems_are_those_of_a_take():
    assert Export(what="take", name="t1", format="stems").format == "stems"
    error = refusal(Export, what="song", name="x", format="stems")
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "format")


def test_notes_are_those_of_a_take():
    assert Export(what="take", name="t1", format="notes").format == "notes"
    error = refusal(Export, what="song", name="x", format="notes")
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "format")
    assert "extract" in error.remedy


def test_a_ledger_is_of_a_song():
    assert Export(what="song", name="x", format="ledger").format == "ledger"
    error = refusal(Export, what="take", name="t1", format="ledger")
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "format")


def test_a_finished_song_is_of_a_song():
    assert Export(what="song", name="x", format="mix").format == "mix"
    error = refusal(Export, what="take", name="t1", format="mix-flac")
    assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, "format")
    assert "takes.fetch" in error.remedy


def test_what_is_not_said():
    asked = Export(what="take", name="t1")
    assert (asked.format, asked.folder) == ("dawproject", "")


def test_an_export_is_of_a_take_or_a_song_and_names_it():
    assert Export(what="song", name="a").what == "song"
    for fields, field in (
        ({"what": "job", "name": "a"}, "what"),
        ({"what": "take", "name": ""}, "name"),
        ({"what": "take", "name": "a", "format": "als"}, "format"),
    ):
        error = refusal(Export, **fields)
        assert (error.code, error.field) == (ErrorCode.OUT_OF_RANGE, field)
