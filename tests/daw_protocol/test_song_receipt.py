from daw_protocol.song_receipt import AcceptedRegion, SongReceipt

REGION = AcceptedRegion(position=5, length=10, task="repaint", stem="mix", parts=(("t1", 5, 15),))


def receipt(**changes):
    return SongReceipt(
        position=0, length=20, rate=48_000, encoding="PCM_24", exact=True, outside_identical=True,
        **{"regions": (REGION,), **changes},
    )  # fmt: skip


def test_it_comes_back_from_what_is_stored():
    assert SongReceipt.from_stored({**receipt().to_fields(), "of a later version": 1}) == receipt()


def test_it_passes_without_warnings_of_its_own_and_of_its_regions():
    assert receipt().passed
    assert not receipt(warnings=("x",)).passed
    bad = AcceptedRegion(**{**vars(REGION), "warnings": ("There may be a click.",)})
    assert not receipt(regions=(REGION, bad)).passed
