"""A new take hears what is accepted beside it: through a real server, with the sketch engine."""

import io

import numpy as np
import pytest
import soundfile

from tests.bridge_server.peers import RpcError, band_song
from tests.bridge_server.servers import server_fixture

BAR = 88_200
FIRST, NEXT, OVER, INNER = (BAR, 3 * BAR), (3 * BAR, 5 * BAR), (2 * BAR, 4 * BAR), (BAR + BAR // 2, 2 * BAR)
SONG = "band 16.wav"
SEED = 5


def band(path):
    band_song(path, bars=6)


server = server_fixture((band, SONG), engine="sketch")


@pytest.fixture(scope="module")
def first(server):
    """A take that no test deletes."""
    with server.websocket() as peer:
        return repainted(peer, FIRST)


@pytest.fixture
def accepted(ws, first):
    """The song with that take, and nothing else, accepted; its id."""
    song = shown(ws, first)["song"]
    while any(take["chosen"] for take in ws.call("takes.list", song=song)["takes"]):
        ws.call("songs.undo", song=song)
    ws.call("takes.choose", take=first)
    return first


@pytest.fixture(scope="module")
def made(server, first):
    """(a take over the first one, one beside it): both made while the first one was accepted."""
    with server.websocket() as peer:
        peer.call("takes.choose", take=first)
        return tuple(repainted(peer, region, hears="accepted") for region in (OVER, NEXT))


def repainted(ws, region, task="repaint", **more):
    start, end = region
    given = {"source": SONG, "bpm": 120, "seed": SEED, "strength": 1.0, **more}
    given = {name: value for name, value in given.items() if value is not None}
    replies = ws.render(task, start=start, end=end, **given)
    assert replies[-1].name == "done", replies[-1].values
    return next(reply["take"] for reply in replies if reply.name == "take")


def shown(ws, take):
    return ws.call("takes.show", take=take)


def sound(ws, take, what="clip"):
    return soundfile.read(io.BytesIO(ws.fetch(take, what)), always_2d=True, dtype="int16")[0]


def mix_of(ws, take):
    answer = ws.call("export", what="song", name=shown(ws, take)["song"], format="mix")
    return soundfile.read(answer["path"], always_2d=True, dtype="int16")[0], answer


def original(server):
    return soundfile.read(server.settings.roots[0] / SONG, always_2d=True, dtype="int16")[0]


def test_a_take_over_an_accepted_one_fades_from_it_and_says_what_it_heard(server, ws, made, accepted):
    over, _ = made
    about = shown(ws, over)
    assert about["song"] == shown(ws, accepted)["song"], "it is a take of the same song"
    heard = about["recipe"]["heard"]
    assert (heard["parts"], heard["begins"]) == ([[accepted, *FIRST]], 0)
    assert about["heard"] == [accepted]
    assert about["receipt"]["outside_identical"] is True

    stands = original(server)
    stands[slice(*FIRST)] = sound(ws, accepted)
    expected = stands.copy()
    expected[slice(*OVER)] = sound(ws, over)
    assert np.array_equal(sound(ws, over, "song"), expected), "the take's own song"
    ws.call("takes.choose", take=over)
    found, answer = mix_of(ws, over)
    assert np.array_equal(found, expected), (
        "no further crossfade: the one in the clip comes from what lies below"
    )
    assert answer["receipt"]["outside_identical"] is True
    first_sample = OVER[0]
    step = np.abs(np.diff(found[first_sample - 2 : first_sample + 2].astype(int), axis=0)).max()
    own = np.abs(np.diff(stands[first_sample - 2 : first_sample + 2].astype(int), axis=0)).max()
    assert step <= 2 * own + 200, "it begins where the accepted take is"


def test_beside_it_the_left_edge_fits(server, ws, made, accepted):
    _, beside = made
    about = shown(ws, beside)
    assert about["heard"] == [accepted]
    assert about["receipt"]["seam_rank"] < 99
    ws.call("takes.choose", take=beside)
    found, answer = mix_of(ws, beside)
    expected = original(server)
    expected[slice(*FIRST)], expected[slice(*NEXT)] = sound(ws, accepted), sound(ws, beside)
    assert np.array_equal(found, expected)
    assert "warnings" not in answer["receipt"]
    deaf = repainted(ws, NEXT)
    assert "heard" not in shown(ws, deaf)
    assert not np.array_equal(sound(ws, deaf), sound(ws, beside)), "hearing changes what is rendered"


def test_undoing_what_it_heard_is_told_and_its_edge_gets_a_crossfade(server, ws, made, accepted):
    over, _ = made
    ws.call("takes.choose", take=over)
    ws.call("takes.revert", take=accepted)
    about = shown(ws, over)
    assert about["heard_before"] == [accepted]
    assert f"take {accepted} is no longer accepted" in " ".join(about["words"])
    (listed,) = [take for take in ws.call("takes.list", song=about["song"])["takes"] if take["take"] == over]
    assert listed["heard_before"] == [accepted]
    found, answer = mix_of(ws, over)
    assert any(f"take {accepted}, which is no longer accepted" in note for note in answer["notes"])
    clip, fade = sound(ws, over), round(0.012 * 44_100)
    assert np.array_equal(found[: OVER[0]], original(server)[: OVER[0]])
    assert not np.array_equal(found[OVER[0] : OVER[0] + fade], clip[:fade]), "the original fades to it"
    assert np.array_equal(found[OVER[0] + fade : OVER[1]], clip[fade:])


def test_a_take_of_the_same_place_is_an_alternative_and_hears_the_original(ws, accepted):
    again = repainted(ws, FIRST, hears="accepted", seed=9)
    assert "heard" not in shown(ws, again)
    inside = repainted(ws, INNER, hears="accepted")
    assert shown(ws, inside)["heard"] == [accepted], "inside an accepted take, that is what is repainted"


def test_who_sends_a_source_hears_it_and_who_plays_on_the_shared_song_hears_it_as_it_stands(
    server, ws, accepted
):
    ws.call("source", source=SONG)
    ws.call("tempo", bpm=120)
    assert "heard" not in shown(ws, repainted(ws, NEXT)), "its own bounce"
    with server.websocket() as pad:
        assert shown(ws, repainted(pad, NEXT, source=None))["heard"] == [accepted]


def test_a_variation_hears_what_its_origin_did(ws, made, accepted):
    _, beside = made
    ws.call("takes.revert", take=accepted)
    replies = ws.render("vary", take=beside, seed=SEED)
    (again,) = [reply["take"] for reply in replies if reply.name == "take"]
    assert shown(ws, again)["recipe"]["heard"] == shown(ws, beside)["recipe"]["heard"]
    assert np.array_equal(sound(ws, again), sound(ws, beside)), "the recipe renders it again, bit for bit"


def test_a_continuation_goes_on_where_the_accepted_one_ends_and_can_be_repainted(ws, accepted):
    end = 6 * BAR
    on = repainted(ws, (end, end + BAR), "complete")
    ws.call("takes.choose", take=on)
    further = repainted(ws, (end + BAR, end + 2 * BAR), "complete", hears="accepted")
    assert set(shown(ws, further)["heard"]) == {accepted, on}
    inside = repainted(ws, (end + BAR // 2, end + BAR), hears="accepted")
    assert on in shown(ws, inside)["heard"]


def test_a_lead_in_is_heard_before_the_songs_first_sample(ws, server, accepted):
    at = {"source_position": 2 * BAR}
    lead = repainted(ws, (BAR, 2 * BAR), "complete", **at)
    ws.call("takes.choose", take=lead)
    behind = repainted(ws, (2 * BAR, 3 * BAR), hears="accepted", **at)
    about = shown(ws, behind)
    assert about["recipe"]["heard"]["begins"] == -BAR
    assert about["position"] == 2 * BAR
    whole = sound(ws, behind, "song")
    assert np.array_equal(whole[:BAR], sound(ws, lead))
    assert np.array_equal(whole[BAR : 2 * BAR], sound(ws, behind))


def test_stems_and_analyses_are_of_the_song_as_it_came(ws):
    with pytest.raises(RpcError, match="hears: extract is about the song as it came"):
        ws.call("extract", source=SONG, hears="accepted")


def test_the_lineage_has_what_was_heard(ws, made, accepted):
    _, beside = made
    takes = [take["take"] for take in ws.call("takes.lineage", take=beside)["takes"]]
    assert takes == [beside, accepted]
