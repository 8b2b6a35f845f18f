"""What is claimed of exported files."""

import pytest

from bridge_server.provenance.sealing import Sealing, sealing_of
from clip_store.exports import Format, write_export
from clip_store.exports.arrange import song_project
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_ledger import ledger_of
from clip_store.mix.write_mix import MixFormat, SongToWrite, write_mix
from clip_store.source_type import SourceType
from daw_protocol.recipe import Recipe
from tests.clip_store.exports.songs import Shelf, describe


class Pen:
    """Notes what it is asked to sign."""

    def __init__(self):
        self.claims = []

    def sign(self, path, claim):
        assert path.is_file()
        self.claims.append(claim)


@pytest.fixture
def made(tmp_path):
    made = Shelf(tmp_path / "shelf", rate=8_000)
    take = made.add(1000, 2000, recipe=Recipe(engine="acestep", neural=True, weights="turbo"))
    made.store.index.choose(take.id)
    yield made, take
    made.connection.close()


def test_a_finished_song_names_its_original_and_each_take(made, tmp_path):
    shelf, take = made
    pen = Pen()
    accepted = accepted_in(shelf.store.index, shelf.song.digest)
    song = SongToWrite(accepted, "Song", 0, ledger_of(shelf.store, accepted, "Song", 0))
    seal = Sealing(pen, shelf.store.blobs).song
    for kind in MixFormat:
        write_mix(song, shelf.store.blobs, kind, tmp_path / "out", lambda _: None, seal)
    (claim,) = pen.claims  # of the WAV file; FLAC is not signed
    assert (claim.title, claim.source_type) == ("Song.mix.wav", SourceType.EDITED_BY_TRAINED.address)
    assert claim.original == shelf.store.blobs.path(shelf.song.digest)
    assert claim.steps == (
        ("Takebridge, acestep (turbo)", f"repaint, samples 1000 to 3000 (take {take.id})"),
    )


def test_exported_clips_are_signed_and_the_original_is_not(made, tmp_path):
    shelf, _ = made
    pen = Pen()
    project = song_project(shelf.store, shelf.song.digest, describe)
    seal = Sealing(pen, shelf.store.blobs).take
    write_export(project, shelf.store.blobs, Format.WAV, tmp_path / "out", "1", seal=seal)
    assert len(pen.claims) == 1
    assert pen.claims[0].title.endswith(".wav")


def test_nothing_is_signed_unless_it_is_asked_for(made):
    assert sealing_of(None, made[0].store.blobs) is None
