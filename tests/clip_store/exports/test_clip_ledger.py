"""The ledger of clips that no export wrote: as a store keeps them, or moved into a folder."""

import pytest

from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import read_recipe
from clip_store.errors import ClipStoreError
from clip_store.exports.clip_ledger import ALONG, NEW, OTHER_RATE, SEVERAL, STEM, UNPLACED
from clip_store.exports.ledger_files import CLIP_EDITED, ledger_from_files
from clip_store.exports.stems import write_stems
from clip_store.mix.whose import CROSSFADE, REARRANGED, RENDERED
from clip_store.source_type import SourceType
from clip_store.take import unmeasured
from daw_protocol.ledger import EDITED, MACHINE, MIXED, SAME
from daw_protocol.recipe import Recipe

NEURAL = Recipe(engine="acestep", engine_label="ACE-Step", neural=True, weights="turbo", licence="MIT")
RATE = 8_000


@pytest.fixture
def made(shelf):
    return shelf(rate=RATE, position=4_000)


def faded(made, start, length, fade):
    return unmeasured(made.position + start, length, RATE).evolve(crossfade_in=fade, crossfade_out=fade)


def clips(made, *takes):
    for take in takes:
        made.store.clip_path(take)
    return made.store.root / "clips"


def test_every_clip_says_whose_it_is_and_where_it_belongs(made):
    network = made.add(
        1000, 2000, recipe=NEURAL, receipt=faded(made, 1000, 2000, 80), request={"prompt": "warm"}
    )
    sketch = made.add(5000, 1000)
    found = ledger_from_files(clips(made, network, sketch)).ledger
    rows = [(one.start, one.end, one.whose, one.reason) for one in found.stretches]
    assert rows == [
        (1000, 1080, MIXED, CROSSFADE), (1080, 2920, MACHINE, RENDERED), (2920, 3000, MIXED, CROSSFADE),
        (5000, 6000, MIXED, REARRANGED),
    ]  # fmt: skip
    assert (found.song, found.title, found.position) == (made.song.digest, "Song", 4_000)
    assert (found.human, found.machine, found.mixed) == (0, 1840, 1160)
    assert found.source_type == SourceType.WITH_SYNTHETIC.address
    first = found.takes[0]
    assert (first.take, first.engine, first.weights, first.licence) == (
        network.id,
        "ACE-Step",
        "turbo",
        "MIT",
    )
    assert (first.prompt, first.made, first.file, first.chosen_by) == ("warm", network.created, SAME, "")
    assert any("the song between the clips, is not known" in note for note in found.notes)
    assert not any("human could not be checked" in note for note in found.notes)


def test_takes_of_one_place_backings_stems_and_new_songs(made):
    first, second = made.add(1000, 2000, recipe=NEURAL), made.add(2000, 2000)
    backing = made.add(9000, 500, task="accompany", stem="bass")
    (stem,) = made.stems(10_000, 500, "drums")
    found = ledger_from_files(clips(made, first, second, backing, stem)).ledger
    rows = [(one.start, one.end, one.whose, one.reason, len(one.takes)) for one in found.stretches]
    assert rows == [
        (1000, 2000, MACHINE, RENDERED, 1), (2000, 3000, MIXED, SEVERAL, 2), (3000, 4000, MIXED, REARRANGED, 1),
        (9000, 9500, MACHINE, ALONG, 1), (10_000, 10_500, MIXED, STEM, 1),
    ]  # fmt: skip


def test_a_new_song_is_its_own(made):
    new = made.add(0, 3000, task="generate", parent=None)
    found = ledger_from_files(clips(made, new)).ledger
    assert (found.song, found.stretches[0].whose, found.stretches[0].reason) == (new.audio, MACHINE, NEW)


def test_an_edited_clip_is_nobodys_alone(made):
    take = made.add(1000, 2000, recipe=NEURAL)
    folder = clips(made, take)
    path = made.store.clip_path(take)
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    found = ledger_from_files(folder).ledger
    assert (found.takes[0].file, found.stretches[0].whose, found.stretches[0].reason) == (
        EDITED, MIXED, CLIP_EDITED,
    )  # fmt: skip


def test_clips_of_an_earlier_version_and_of_none(made, tmp_path):
    take = made.add(1000, 2000)
    path = made.store.clip_path(take)
    recipe = read_recipe(path)
    old = {name: value for name, value in recipe.items() if name not in ("start", "created")}
    (tmp_path / "old").mkdir()
    write_wav(tmp_path / "old" / "clip.wav", read_audio(path, 100), recipe=old)
    found = ledger_from_files(tmp_path / "old").ledger
    assert (found.position, found.stretches[0].start, found.takes[0].made) == (0, take.position, 0.0)
    assert UNPLACED in found.notes
    for broken in ({"task": "dance"}, {"recipe": 3}, {"position": "x"}, {"length": -1}):
        write_wav(tmp_path / "old" / "clip.wav", read_audio(path, 100), recipe={**recipe, **broken})
        with pytest.raises(ClipStoreError, match="carries a ledger"):
            ledger_from_files(tmp_path / "old")


@pytest.mark.parametrize(
    "damage",
    [
        {"rate": 0}, {"rate": 10**9}, {"length": 2**60}, {"position": 2**60}, {"start": -(2**60)},
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_clip_is_passed_over(made, damage):
    take = made.add(1000, 2000)
    folder = clips(made, take)
    path = made.store.clip_path(take)
    write_wav(folder / "Another.wav", read_audio(path, 100), recipe={**read_recipe(path), **damage})
    found = ledger_from_files(folder).ledger
    assert [(one.start, one.end) for one in found.stretches] == [(1000, 3000)]


def test_clips_at_another_rate_are_left_out_and_the_ledger_says_so(made):
    take = made.add(1000, 2000)
    folder = clips(made, take)
    path = made.store.clip_path(take)
    other = {**read_recipe(path), "rate": 2 * RATE, "start": 50_000}
    write_wav(folder / "zzz.wav", read_audio(path, 100), recipe=other)
    found = ledger_from_files(folder).ledger
    assert ([(one.start, one.end) for one in found.stretches], found.rate) == ([(1000, 3000)], RATE)
    assert OTHER_RATE in found.notes


def test_clips_of_two_songs_are_told_apart(made):
    other = made.store.blobs.put(made.audio(3000, 7))
    with pytest.raises(ClipStoreError, match="2 songs: Other and Song"):
        ledger_from_files(clips(made, made.add(0, 500), made.add(0, 500, parent=other, title="Other")))


def test_the_zip_of_a_separation_has_one_too(made, tmp_path):
    stems = made.stems(0, 4000, "drums", "bass")
    written = write_stems(stems, made.store.blobs, tmp_path, lambda _: None)
    found = ledger_from_files(written.main).ledger
    assert {one.stem for one in found.takes} == {"drums", "bass"}
    assert {one.file for one in found.takes} == {SAME}
