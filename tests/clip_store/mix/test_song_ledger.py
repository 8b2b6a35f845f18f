"""The ledger of a song from the store, and the packet its file gets."""

import pytest

from clip_store.audio.xmp import SourceMark, decode_xmp, encode_xmp
from clip_store.errors import StoreError
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_ledger import UNMARKED, ledger_of, xmp_of_song
from clip_store.source_type import VOCABULARY, SourceType
from daw_protocol.recipe import Recipe, ReferenceAudio

NEURAL = Recipe(
    engine="acestep", engine_label="ACE-Step 1.5", neural=True, weights="turbo", licence="MIT", made_by="Takebridge 1",
    figures={"weights_digest": "d" * 64}, reference=ReferenceAudio(name="voice.wav", consent=True),
)  # fmt: skip
CAPTURED = encode_xmp(SourceMark(f"{VOCABULARY}digitalCapture", tool="A recorder")).decode()


def made_with(shelf, **changes):
    made = shelf(position=4800)
    take = made.add(1000, 2000, recipe=NEURAL, request={"prompt": "darker", "lyrics": "la"}, **changes)
    made.store.index.choose(take.id, None, 1_790_000_000.0, "REAPER")
    return made, take


def of(made):
    accepted = accepted_in(made.store.index, made.song.digest)
    ledger = ledger_of(made.store, accepted, "Song", made.position)
    return ledger, decode_xmp(xmp_of_song(made.store, accepted, ledger).decode())


def test_it_says_how_a_take_was_made_and_who_chose_it(shelf):
    made, take = made_with(shelf)
    ledger, mark = of(made)
    (one,) = ledger.takes
    assert (one.take, one.engine, one.weights, one.weights_digest, one.licence) == (
        take.id, "ACE-Step 1.5", "turbo", "d" * 64, "MIT",
    )  # fmt: skip
    assert (one.prompt, one.lyrics, one.reference, one.audio) == ("darker", "la", "voice.wav", take.audio)
    assert (one.chosen_by, one.chosen) == ("REAPER", 1_790_000_000.0)
    assert ledger.human + ledger.machine + ledger.mixed == ledger.end - ledger.start == made.song.frames
    assert ledger.source_type == mark.source_type == SourceType.EDITED_BY_TRAINED.address
    assert mark.system == "ACE-Step 1.5 (turbo)"
    assert UNMARKED in ledger.notes


def test_who_chose_is_who_chose_what_is_in_force(shelf):
    made, take = made_with(shelf)
    other = made.add(1000, 2000)
    made.store.index.choose(other.id, None, 5.0, "panel")
    made.store.index.history.undo(made.song.digest)
    ledger, _ = of(made)
    assert [(one.take, one.chosen_by) for one in ledger.takes] == [(take.id, "REAPER")]


def test_a_choice_of_an_earlier_version_has_no_name(shelf):
    made = shelf()
    made.store.index.choose(made.add(1000, 2000).id)
    ledger, _ = of(made)
    assert (ledger.takes[0].chosen_by, ledger.takes[0].chosen) == ("", None)


def test_what_the_songs_own_file_says_is_kept(shelf):
    made, _ = made_with(shelf)
    made.store.index.remember_xmp(made.song.digest, CAPTURED)
    ledger, mark = of(made)
    assert (mark.tool, mark.source_type) == ("Takebridge", SourceType.EDITED_BY_TRAINED.address)
    assert any("digitalCapture" in note for note in ledger.notes)
    assert {one.whose for one in ledger.stretches} == {"human", "machine"}


def test_an_untouched_song_has_its_own_packet(shelf):
    made = shelf()
    ledger, mark = of(made)
    assert (ledger.source_type, mark) == ("", SourceMark())
    made.store.index.remember_xmp(made.song.digest, CAPTURED)
    ledger, mark = of(made)
    assert ledger.source_type == mark.source_type == f"{VOCABULARY}digitalCapture"


def test_a_song_that_a_machine_made_is_not_called_human(shelf):
    made = shelf()
    made.store.index.remember_xmp(
        made.song.digest, encode_xmp(SourceMark(SourceType.TRAINED.address)).decode()
    )
    made.store.index.choose(made.add(1000, 2000).id)
    ledger, _ = of(made)
    assert (ledger.human, ledger.source_type) == (0, SourceType.WITH_SYNTHETIC.address)


def test_a_generated_song_is_the_machines(shelf):
    made = shelf()
    new = made.add(0, 8000, task="generate", parent=None, recipe=NEURAL)
    accepted = accepted_in(made.store.index, new.audio)
    ledger = ledger_of(made.store, accepted, "New", 0)
    assert (ledger.machine, ledger.source_type) == (8000, SourceType.TRAINED.address)


def test_a_song_that_is_gone_has_no_ledger(shelf):
    made, _ = made_with(shelf)
    made.store.blobs.path(made.song.digest).unlink()
    with pytest.raises(StoreError, match="no longer holds"):
        of(made)
