from clip_store.comp import Part
from clip_store.mix.accepted import accepted_in, accepted_whole
from clip_store.mix.family import FamilySong, family_of
from daw_protocol.timeline.span import Span


def parts(accepted):
    return [comp.parts for comp in accepted.comps]


def whole(take, start=None):
    first = take.start if start is None else start
    return (Part(take.id, first, first + take.length),)


def test_what_is_accepted_comes_in_the_order_it_was_accepted(shelf):
    made = shelf()
    first, second = made.add(500, 100), made.add(100, 100)
    made.add(700, 100)
    assert parts(accepted_in(made.store.index, made.song.digest)) == []
    made.store.index.choose(first.id)
    made.store.index.choose(second.id, Span(120, 150))
    accepted = accepted_in(made.store.index, made.song.digest)
    assert parts(accepted) == [whole(first), (Part(second.id, 120, 150),)]
    assert set(accepted.takes) == {first.id, second.id}
    assert accepted.region(second.id) == Span(100, 200)


def test_later_parts_cover_earlier_ones_whatever_their_place(shelf):
    made = shelf()
    long, short = made.add(0, 1000), made.add(400, 100)
    for order in ((short, long), (long, short)):
        for take in order:
            made.store.index.choose(take.id)
        covering = accepted_in(made.store.index, made.song.digest).covering
        for take in order:
            made.store.index.revert(made.store.index.choose(take.id))
        assert covering == (whole(long) if order[1] is long else (
            Part(long.id, 0, 400), Part(short.id, 400, 500), Part(long.id, 500, 1000)
        ))  # fmt: skip


def test_a_take_of_a_take_brings_what_it_was_made_of_at_its_place(shelf):
    made = shelf()
    first = made.add(-500, 1500, task="complete", result="1" * 64)
    made.store.blobs.put(made.song)
    child = made.add(700, 100, parent=made.song.digest)
    made.store.index.delete(child.id)
    made.connection.execute("UPDATE take SET id = id")
    child = made.add(700, 100, id="child")
    made.connection.execute("UPDATE take SET parent = ? WHERE id = 'child'", ("1" * 64,))
    made.store.index.choose("child")
    accepted = accepted_in(made.store.index, made.song.digest)
    # Its song begins 500 samples earlier than the root.
    assert parts(accepted) == [whole(first), whole(child, 200)]
    assert accepted.stands_on["child"] == {first.id}
    assert accepted.covering == (
        Part(first.id, -500, 200), Part("child", 200, 300), Part(first.id, 300, 1000),
    )  # fmt: skip
    family = family_of(made.store.index, made.song.digest)
    assert (list(family.takes), family.songs["1" * 64]) == ([first.id, "child"], (FamilySong(-500),))


def test_takes_that_are_each_others_results_end(shelf):
    made = shelf()
    take = made.add(0, 100, result="1" * 64)
    made.add(0, 100, id="back", result=made.song.digest)
    made.connection.execute("UPDATE take SET parent = ? WHERE id = 'back'", ("1" * 64,))
    made.store.index.choose("back")
    assert {part.take for one in parts(accepted_in(made.store.index, made.song.digest)) for part in one} == {
        take.id, "back",
    }  # fmt: skip


def test_backings_are_added_and_stems_leave_the_song_as_it_is(shelf):
    made = shelf()
    piano = made.add(0, 100, task="accompany", stem="piano")
    vocals, _ = made.stems(0, 200, "vocals", "residual")
    for take in (piano, vocals):
        made.store.index.choose(take.id)
    accepted = accepted_in(made.store.index, made.song.digest)
    assert (accepted.covering, accepted.adding, accepted.alone) == ((), (whole(piano),), whole(vocals))
    assert parts(accepted.only(lambda comp: comp.place.stem == "piano")) == [whole(piano)]


def test_some_takes_as_if_they_alone_were_accepted(shelf):
    made = shelf()
    takes = made.stems(0, 200, "vocals", "residual")
    assert parts(accepted_whole(made.song.digest, takes)) == [whole(take) for take in takes]
