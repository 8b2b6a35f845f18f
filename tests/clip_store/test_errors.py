"""What the store says when it cannot do its work."""

import pytest

from clip_store.errors import AudioFileError, ClipStoreError, SpliceError, StoreError, TakeError


@pytest.mark.parametrize("kind", [AudioFileError, StoreError, TakeError, SpliceError])
def test_an_error_carries_a_sentence_and_a_remedy(kind):
    error = kind("The disk is full.", "Make room.")
    assert isinstance(error, ClipStoreError)
    assert (error.sentence, error.remedy, str(error)) == (
        "The disk is full.",
        "Make room.",
        "The disk is full. Make room.",
    )
    assert str(kind("The disk is full.")) == "The disk is full."


def test_a_file_name_that_is_no_text_can_be_sent_and_logged():
    """As Python reads the name b"song\\xff.wav" of a file from a disk that was written elsewhere."""
    error = AudioFileError("song\udcff.wav is not audio.")
    assert error.sentence == "song?.wav is not audio."
    str(error).encode()
