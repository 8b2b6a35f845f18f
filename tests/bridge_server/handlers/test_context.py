"""Context messages: applied to the client's own context and the shared one, and echoed as they were understood."""

import asyncio
import contextlib
from fractions import Fraction

import pytest

from bridge_server.endpoints.oscquery_values import focus_values
from bridge_server.handlers.context import ContextHandlers, in_words, typed
from bridge_server.jobs.database import open_database
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.events import Events
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.song_reader import SongReader
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.store import ClipStore
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import AtSample, Meter, TempoMap, TempoPoint
from tests.bridge_server.peers import noise_song


class Script:
    """A client."""

    reply_to = ""

    def __init__(self, key="script"):
        self.key = self.sender = key

    def send(self, reply):
        raise AssertionError("the answer is the handler's result")


@pytest.fixture
def parts(tmp_path):
    """Handlers, the contexts by client and the shared one; song.wav is in the folder `songs`."""
    (tmp_path / "songs").mkdir()
    noise_song(tmp_path / "songs" / "song.wav")
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        reader = SongReader(ClipStore(tmp_path / "store", connection), connection, (tmp_path / "songs",), 60)
        contexts, shared = ClientContexts(10), SharedContext(Events())
        yield ContextHandlers(contexts, shared, reader), contexts, shared


def test_a_message_changes_the_senders_context_and_the_shared_one(parts):
    handlers, contexts, shared = parts
    tempo = requests.SetTempo(id="t", bpm=97.5)
    response = asyncio.run(handlers.apply(tempo, Script()))
    assert (contexts.context("script").bpm, contexts.context("another").bpm) == (Fraction("97.5"), None)
    assert (shared.context.bpm, shared.client) == (Fraction("97.5"), "script")
    assert response.result == tempo
    assert (response.replies[0].id, response.replies[0].text) == ("t", "bpm 97.5")


def test_the_shared_song_has_its_whole_name_and_the_senders_the_one_it_gave(parts, tmp_path):
    handlers, contexts, shared = parts
    asyncio.run(handlers.apply(requests.SetSource(source="song.wav"), Script()))
    assert shared.context.source == str(tmp_path / "songs" / "song.wav")
    assert contexts.context("script").source == "song.wav"


def test_a_song_there_is_none_of_changes_nothing(parts):
    handlers, contexts, shared = parts
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(handlers.apply(requests.SetSource(source="gone.wav"), Script()))
    assert raised.value.code is ErrorCode.FILE_MISSING
    assert contexts.context("script").source is None
    assert shared.context.source is None


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (requests.SetTempo(bpm=126.5), "bpm 126.5"),
        (requests.SetMeter(meter=Meter(7, 8)), "meter 7/8"),
        (requests.SetSource(source="song.wav", position=AtSample(480)), "source song.wav, position 480"),
        (requests.Transport(position=AtSample(96000), rolling=True), "position 96000, rolling True"),
        (requests.SetMeter(id="m", meter=Meter(3, 4), client="me", reply_port=9000, token="t"), "meter 3/4"),
        (requests.ForgetContext(), "forgotten"),
        (
            requests.SetTempo(
                tempo_map=TempoMap(
                    (TempoPoint(Fraction(0), Fraction(120), ramp=True), TempoPoint(Fraction(8), Fraction(60)))
                )
            ),
            "2 tempos: 120 BPM from quarter note 0 moving to the next, 60 BPM from quarter note 8",
        ),
    ],
)  # fmt: skip
def test_a_message_is_echoed_as_it_was_understood(request_, words):
    assert in_words(request_) == words


def test_an_echo_is_no_longer_than_a_line():
    points = tuple(TempoPoint(Fraction(number), Fraction(100 + number)) for number in range(40))
    assert len(in_words(requests.SetTempo(tempo_map=TempoMap(points)))) == 500
    assert len(in_words(requests.SetSource(source="x" * 900))) == 500


@pytest.mark.parametrize(
    ("given", "text"), [(127.30000305175781, "127.3"), (120.0, "120"), (7, "7"), (True, "True"), ("a", "a")]
)
def test_a_number_is_written_as_it_was_typed(given, text):
    assert typed(given) == text


def test_a_stamped_song_is_shown_where_it_lies_before_anything_is_rendered(parts, tmp_path):
    """Clients' own contexts keep what was sent: each request finds the stamp by itself, and says so."""
    handlers, contexts, shared = parts
    stamped = tmp_path / "songs" / "stamped.wav"
    write_wav(
        stamped,
        read_audio(tmp_path / "songs" / "song.wav", 60),
        Bext(originator="DAW", time_reference=172_800_000),
    )
    asyncio.run(handlers.apply(requests.SetSource(source="stamped.wav"), Script()))
    assert focus_values(shared)["/bridge/source"] == [str(stamped), 172_800_000]
    assert (shared.context.source_position, contexts.context("script").source_position) == (None, None)
    asyncio.run(handlers.apply(requests.SetSource(source="stamped.wav", position=AtSample(5)), Script()))
    assert focus_values(shared)["/bridge/source"] == [str(stamped), 5]
    asyncio.run(handlers.apply(requests.SetSource(source="song.wav"), Script()))
    assert focus_values(shared)["/bridge/source"] == [str(tmp_path / "songs" / "song.wav"), 0]


def test_bars_are_shown_at_the_songs_own_rate_before_anybody_looks_at_it(parts, tmp_path):
    handlers, _, shared = parts
    noise_song(tmp_path / "songs" / "slow.wav", rate=44_100)
    asyncio.run(handlers.apply(requests.SetSource(source="slow.wav"), Script()))
    asyncio.run(handlers.apply(requests.SetTempo(bpm=60.0), Script()))
    asyncio.run(handlers.apply(requests.Select(start="2|1|0", end="3|1|0"), Script()))
    assert focus_values(shared)["/bridge/select"] == [4 * 44_100, 8 * 44_100]
