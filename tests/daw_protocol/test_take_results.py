from daw_protocol.take_results import ChosenTake, SongChange


def test_the_original_is_null_and_the_parts_of_one_take_are_left_out():
    assert ChosenTake(chosen=None).to_fields() == {"chosen": None}
    assert ChosenTake(chosen="t1", parts=(("t1", 0, 9),)).to_fields() == {
        "chosen": "t1",
        "parts": [["t1", 0, 9]],
    }


def test_a_change_in_a_song_comes_back_from_its_fields():
    change = SongChange(
        chosen="t1", parts=(("t1", 0, 5), ("t2", 5, 9)), song="a" * 64, start=0, end=9, stem="mix", undo=True,
        redo=False,
    )  # fmt: skip
    assert SongChange.from_fields(change.to_fields()) == change
