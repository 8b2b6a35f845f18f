"""What the store says, in the protocol's codes."""

import pytest

from bridge_server.errors import as_protocol_error
from clip_store.errors import AudioFileError, ClipStoreError, SpliceError, StoreError, TakeError
from daw_protocol.errors import ErrorCode


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (AudioFileError, ErrorCode.FILE_UNREADABLE),
        (StoreError, ErrorCode.STORE_FAILED),
        (SpliceError, ErrorCode.INTERNAL),
        (ClipStoreError, ErrorCode.INTERNAL),
        (TakeError, ErrorCode.INTERNAL),
    ],
)
def test_each_kind_has_its_code_and_keeps_its_words(kind, code):
    error = as_protocol_error(kind("song.wav is empty.", "Export it again."), "source")
    assert (error.code, error.field) == (code, "source")
    assert (error.sentence, error.remedy) == ("song.wav is empty.", "Export it again.")
    assert as_protocol_error(kind("It is empty.")).field == ""
