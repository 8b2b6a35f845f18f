"""What an edit knows of the song as it is. Whole edits: tests/bridge_server/test_acestep_renders.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bridge_server.handlers.song_words import UNDESCRIBED, refuse_impossible_edit, with_song_words
from daw_protocol.errors import ProtocolError
from daw_protocol.requests import Cover
from tests.doubles import NoiseEngine

TAKE = SimpleNamespace(request={"prompt": "calm piano", "lyrics": "old"})


@pytest.mark.parametrize(
    ("asked", "take", "words", "note"),
    [
        # as it is (prompt, lyrics), as it is wanted
        ({"lyrics": "new"}, TAKE, ("calm piano", "old", "calm piano", "new"), ""),
        ({"prompt": "choir"}, TAKE, ("calm piano", "old", "choir", "old"), ""),
        ({"lyrics": "new", "song_lyrics": "mine"}, TAKE, ("calm piano", "mine", "calm piano", "new"), ""),
        ({"prompt": "choir"}, None, ("", "", "choir", ""), UNDESCRIBED),
    ],
)
def test_what_is_left_out_stays_as_it_is_in_the_song(asked, take, words, note):
    found, said = with_song_words(Cover(edit=True, **asked), take)
    assert (found.song_prompt, found.song_lyrics, found.prompt, found.lyrics) == words
    assert said == note


def test_other_covers_stay_as_they_are():
    request = Cover(prompt="choir")
    assert with_song_words(request, TAKE) == (request, "")


@pytest.mark.parametrize(
    ("asked", "field"), [({}, "edit"), ({"lyrics": "old"}, "lyrics"), ({"prompt": "calm piano"}, "prompt")]
)
def test_an_edit_without_a_change_is_refused(asked, field):
    with pytest.raises(ProtocolError) as refused:
        with_song_words(Cover(edit=True, **asked), TAKE)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("asked", "field"), [({"edit": True}, "edit"), ({"song_prompt": "piano"}, "song_prompt")]
)
def test_what_an_engine_cannot_edit_is_refused(asked, field):
    with pytest.raises(ProtocolError) as refused:
        refuse_impossible_edit(NoiseEngine().describe(), Cover(prompt="choir", **asked))
    assert refused.value.field == field
    assert refused.value.remedy
