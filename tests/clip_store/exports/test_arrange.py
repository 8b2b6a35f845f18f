import numpy as np
import pytest

from clip_store.errors import StoreError, TakeError
from clip_store.exports.arrange import find_song, song_project, take_project
from clip_store.marks import Mark
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.splice import with_clip
from daw_protocol.recipe import Recipe
from daw_protocol.timeline import Span
from tests.clip_store.exports.conftest import expected_clips
from tests.clip_store.exports.songs import MOVING, describe
from tests.clip_store.mix.separations import repainted, separated

TITLES = [
    "CON",
    "a/b\\c:d*?",
    "<&\"'>",
    "Größe 曲 🎵",
    "x" * 300,
    "../../etc/passwd",
    "",
    "bell\x07 null",
    "  . ",
]


def test_a_take_in_its_song(shelf):
    made = shelf(position=1000)
    made.add(0, 500)
    take = made.add(24_000, 4_800)
    project = take_project(made.store, take.id, describe)
    assert expected_clips(project) == [
        ("Original", 1000, 0, 24_000, True),
        ("Original", 25_000, 24_000, 4_800, False),
        ("Original", 29_800, 28_800, 96_000 - 28_800, True),
        ("Chosen takes", 25_000, 0, 4_800, True),
    ]
    assert [(marker.name, marker.position) for marker in project.markers] == [
        ("repaint starts", 25_000), ("repaint ends", 29_800),
    ]  # fmt: skip
    assert (project.rate, project.title, str(project.keys[0][1])) == (48_000, "Song", "F# minor")


def test_one_stem_brings_the_others_along(shelf):
    made = shelf()
    stems = made.stems(0, 96_000, "vocals", "drums", "residual")
    project = take_project(made.store, stems[1].id, describe)
    assert [(track.name, track.muted) for track in project.tracks] == [
        ("Original", False), ("vocals", False), ("drums", False), ("residual", False),
    ]  # fmt: skip
    assert [clip.muted for clip in project.tracks[0].clips] == [True]


def test_a_song_with_its_choices(shelf):
    made = shelf(tempo_map=MOVING)
    made.add(1000, 2000)
    second = made.add(1000, 2000)
    made.store.index.choose(second.id)
    project = song_project(made.store, "Song", describe)
    assert [(track.name, track.muted) for track in project.tracks] == [
        ("Original", False), ("Chosen takes", False), ("Take 1", True),
    ]  # fmt: skip
    assert project.tracks[1].clips[0].file.take.id == second.id
    assert project.tempo_map.points == MOVING.points


def test_a_stem_that_is_chosen_brings_the_others_along(shelf):
    made = shelf()
    stems = made.stems(0, 96_000, "vocals", "residual")
    made.store.index.choose(stems[0].id)
    project = song_project(made.store, made.song.digest, describe)
    assert [(track.name, track.muted) for track in project.tracks[1:]] == [
        ("vocals", False),
        ("residual", False),
    ]


@pytest.mark.parametrize("changes", [{}, {"created": 1.0}], ids=["usual", "clock set back"])
def test_a_take_of_a_take_keeps_what_it_stands_on(shelf, changes):
    made = shelf(position=10_000)
    blobs = made.store.blobs
    first = made.add(-500, 1500)
    result = with_clip(made.song, blobs.get(first.audio), first.start)
    blobs.put(result)
    made.store.index.delete(first.id)
    first = made.add(-500, 1500, result=result.digest)
    # The result begins 500 samples earlier than the song.
    second = made.add(700, 100, parent=result.digest, position=made.position - 500 + 700, **changes)
    made.store.index.choose(second.id)
    project = song_project(made.store, made.song.digest, describe)
    audible = [clip for clip in expected_clips(project) if clip[4]]
    assert audible == [
        ("Original", 11_000, 1_000, 95_000, True),
        ("Chosen takes", 9_500, 0, 700, True),
        ("Chosen takes", 10_200, 0, 100, True),
        ("Chosen takes", 10_300, 800, 700, True),
    ]


def test_a_song_without_takes(shelf):
    made = shelf()
    project = song_project(made.store, f"audio:{made.song.digest}", describe)
    assert expected_clips(project) == [("Original", 0, 0, 96_000, True)]


def test_a_take_without_a_song(shelf):
    made = shelf()
    take = made.add(0, 1000, parent=None, task="generate")
    assert expected_clips(take_project(made.store, take.id, describe)) == [("Chosen takes", 0, 0, 1000, True)]


def test_a_hundred_takes(shelf):
    made = shelf()
    for _ in range(100):
        made.add(1000, 50)
    project = song_project(made.store, made.song.digest, describe)
    assert len(project.tracks) == 101
    assert len({file.name for file in project.files}) == 101
    assert len(project.markers) == 2


def test_a_song_that_was_moved_lies_where_the_newest_take_has_it(shelf):
    made = shelf()
    made.add(1000, 100)
    made.add(2000, 100, position=50_000 + 2000)
    project = song_project(made.store, made.song.digest, describe)
    assert [(name, position) for name, position, *_ in expected_clips(project)] == [
        ("Original", 50_000), ("Take 1", 51_000), ("Take 1", 52_000),
    ]  # fmt: skip
    assert any("elsewhere" in note for note in project.notes)


@pytest.mark.parametrize("title", TITLES)
def test_names_of_files_are_safe_and_unlike(shelf, title):
    made = shelf(title=title)
    made.add(0, 100)
    made.add(0, 100, id="t000000001x")  # the same eight letters
    project = song_project(made.store, made.song.digest, describe)
    names = [file.name for file in project.files]
    assert len({name.casefold() for name in names}) == 3
    for name in names:
        assert not set(name) & set('<>:"/\\|?*\0\x07')
        assert 0 < len(name.encode()) < 200


def test_a_song_is_found_by_digest_its_beginning_or_its_title(shelf):
    made = shelf(title="My song")
    made.add(0, 100)
    digest = made.song.digest
    for name in (digest, f"audio:{digest}", digest[:8], "My song"):
        assert find_song(made.store, name)[0] == digest
    for name in ("Mine", "00000000", "f" * 64, "../x" * 16, ""):
        with pytest.raises(TakeError, match="no song"):
            find_song(made.store, name)


def test_a_title_two_songs_have_is_not_guessed(shelf):
    made = shelf()
    made.add(0, 100)
    other = made.audio(500, 55)
    made.store.blobs.put(other)
    made.add(0, 100, parent=other.digest)
    with pytest.raises(TakeError, match="2 songs") as raised:
        find_song(made.store, "Song")
    assert other.digest[:12] in raised.value.remedy


def test_missing_audio_is_reported_at_once(shelf):
    made = shelf()
    take = made.add(0, 100)
    made.store.blobs.path(take.audio).unlink()
    with pytest.raises(StoreError, match="no longer holds"):
        take_project(made.store, take.id, describe)
    with pytest.raises(TakeError, match="no take"):
        take_project(made.store, "nobody", describe)


def test_a_tempo_map_that_cannot_be_read(shelf):
    made = shelf()
    take = made.add(0, 100, recipe=Recipe(tempo_map={"points": "x"}))
    with pytest.raises(StoreError, match="tempo map"):
        take_project(made.store, take.id, describe)


def test_without_a_tempo_map_or_key_there_is_a_plain_one(shelf):
    made = shelf()
    project = take_project(
        made.store, made.add(0, 100, recipe=Recipe(), request={"key": "H flat"}).id, describe
    )
    assert (project.tempo_map.points[0].bpm, project.keys) == (120, ())


def test_what_plays_is_the_bridges_own_result(shelf):
    """Every sample of the song with its take, and each of them once."""
    made = shelf(position=5_000)
    take = made.add(24_000, 4_800)
    project = take_project(made.store, take.id, describe)
    mix = np.zeros((project.end, 2), np.float32)
    times = np.zeros(project.end, int)
    for track in project.tracks:
        for clip in track.clips:
            if not (track.muted or clip.muted):
                sound = made.store.blobs.get(clip.file.digest).samples[clip.start : clip.start + clip.length]
                mix[clip.position : clip.end] += sound
                times[clip.position : clip.end] += 1
    assert np.array_equal(mix[5_000:], made.store.song_with(take).samples)
    assert (times[:5_000] == 0).all()
    assert (times[5_000:] == 1).all()


def test_takes_cover_one_another_in_the_order_they_were_accepted_with_crossfades(shelf):
    """Not in the order they were made: what was accepted last is what the producer heard last."""
    made = shelf()
    short, long = made.add(2000, 1000), made.add(1000, 9000)
    made.store.index.choose(long.id)
    made.store.index.choose(short.id)
    project = song_project(made.store, "Song", describe)
    (comp,) = [file for file in project.files if file.comp]
    assert (comp.name, comp.position, comp.frames) == ("Song.comp (accepted)", 1000, 9000)
    audible = [clip for clip in expected_clips(project) if clip[4]]
    assert audible == [
        ("Original", 0, 0, 1000, True), ("Original", 10_000, 10_000, 86_000, True),
        ("Chosen takes", 1000, 0, 9000, True),
    ]  # fmt: skip
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    assert np.array_equal(comp.read(made.store.blobs).samples, mix.read(Span(1000, 10_000)).samples)
    assert {file.take.id for file in project.files if file.take} == {short.id, long.id}, "as muted takes"


def test_what_is_accepted_is_marked_in_the_names_of_files(shelf):
    made = shelf()
    first, second = made.add(1000, 500), made.add(4000, 500)
    made.store.index.choose(second.id)
    names = {
        file.take.id: file.name for file in song_project(made.store, "Song", describe).files if file.take
    }
    assert names[second.id].endswith(" (accepted)")
    assert not names[first.id].endswith("(accepted)")
    alone = take_project(made.store, first.id, describe)
    assert not any(file.name.endswith("(accepted)") for file in alone.files)


def test_names_of_takes_are_on_tracks_clips_and_files(shelf):
    made = shelf()
    chosen, other = made.add(40_001, 12_345), made.add(40_001, 12_345)
    vocals, _ = made.stems(0, 9_000, "vocals", "residual")
    marks = made.store.index.marks
    for take, name in ((chosen, "Bridge: größer"), (other, "Plan B"), (vocals, "Lead")):
        marks.put(take.id, Mark(name))
    made.store.index.choose(chosen.id)
    project = song_project(made.store, made.song.digest, describe)
    named = {track.name: [clip.name for clip in track.clips] for track in project.tracks}
    assert named["Chosen takes"] == [f"{made.title} Bridge: größer"]
    assert named["Plan B"] == [f"{made.title} Plan B"]
    assert named["Lead (vocals)"] == [f"{made.title} Lead vocals"]
    files = [clip.file.name for track in project.tracks for clip in track.clips]
    assert any("Bridge_ größer.1-" in name and name.endswith("(accepted)") for name in files), files


def sum_of(made, project):
    """What a DAW plays of it, in floats."""
    found = np.zeros((max(clip.end for track in project.tracks for clip in track.clips), made.channels))
    for track in project.tracks:
        for clip in track.clips:
            if not (track.muted or clip.muted):
                sound = clip.file.read(made.store.blobs).samples
                found[clip.position : clip.end] += sound[clip.start : clip.start + clip.length]
    return found


@pytest.mark.parametrize("playing", [False, True])
def test_a_project_plays_changed_stems_as_the_mix_has_them(shelf, playing):
    made = shelf(rate=8_000)
    vocals, drums = separated(made, made.song.digest, 0, made.song.frames, "vocals", "drums")
    sung = repainted(made, vocals.audio, 2000, 3000)
    if playing:
        made.store.index.choose(drums.id)
    made.store.index.choose(sung.id)
    project = song_project(made.store, "Song", describe)
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    assert np.abs(sum_of(made, project) - mix.read(mix.span).samples).max() < 1e-6
    (comp,) = [file for file in project.files if file.comp]
    assert comp.frames == (made.song.frames if playing else 3000)
    muted = [clip.file.take for track in project.tracks if track.muted for clip in track.clips]
    assert sung.id in {take.id for take in muted if take}


def test_stems_of_another_separation_do_not_hide_a_changed_stem(shelf):
    made = shelf(rate=8_000)
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "drums")
    other, _ = separated(made, made.song.digest, 0, made.song.frames - 10, "bass", "residual")
    made.connection.execute("UPDATE take SET job = 'other' WHERE stem IN ('bass', 'residual')")
    for take in (vocals, other, repainted(made, vocals.audio, 2000, 3000)):
        made.store.index.choose(take.id)
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    played = sum_of(made, song_project(made.store, "Song", describe))
    assert np.abs(played - mix.read(mix.span).samples).max() < 1e-6


def test_a_song_is_found_by_its_title_though_takes_made_songs_of_the_same_title(shelf):
    made = shelf(rate=8_000)
    take = repainted(made, made.song.digest, 2000, 3000)
    repainted(made, take.result, 2500, 1000)
    assert find_song(made.store, "Song") == (made.song.digest, "Song")
