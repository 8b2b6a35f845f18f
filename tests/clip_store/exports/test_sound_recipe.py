"""What the sound files of a project say about themselves."""

from dataclasses import replace

from clip_store.exports.arrange import song_project
from clip_store.exports.sound_recipe import about_sound, recipe_in
from daw_protocol.ledger import Ledger
from daw_protocol.timeline.span import Span
from tests.clip_store.exports.songs import describe


def recipes(made):
    project = song_project(made.store, made.song.digest, describe)
    return project, {
        sound.name: recipe_in(project, sound, sound.read(made.store.blobs)) for sound in project.files
    }


def test_every_file_carries_the_ledger_and_what_it_is(shelf):
    made = shelf(rate=8_000)
    first, second = made.add(1000, 4000), made.add(1000, 4000)
    made.store.index.choose(first.id)
    made.store.index.choose(second.id, Span(2000, 3000))
    project, found = recipes(made)
    assert {Ledger.from_stored(recipe["ledger"]) for recipe, _ in found.values()} == {project.ledger}
    original, comp = found["Song.original"][0], found["Song.comp (accepted)"][0]
    assert (original["original"], original["audio"]) == (True, made.song.digest)
    assert set(comp["comp"]) == {first.id, second.id}
    takes = [recipe["take"] for recipe, note in found.values() if "take" in recipe and note]
    assert sorted(takes) == [first.id, second.id]


def test_a_take_without_a_song_has_its_recipe_alone(shelf):
    made = shelf(rate=8_000)
    made.add(0, 1000)
    project = replace(song_project(made.store, made.song.digest, describe), ledger=None)
    found = {sound.name: recipe_in(project, sound, made.song) for sound in project.files}
    assert found["Song.original"] == (None, "")
    (take,) = (recipe for recipe, _ in found.values() if recipe)
    assert "ledger" not in take


def test_in_words(shelf):
    made = shelf(rate=8_000)
    project, _ = recipes(made)
    assert about_sound(project.files[0]) == "The original song."
