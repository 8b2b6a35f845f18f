"""Numbers and texts as control surfaces, scripts and people write them: the same outcome at every door."""

import json
import math
from fractions import Fraction

import pytest

from bridge_server.server import mailbox_root
from daw_protocol.osc_packet import messages_in
from tests.bridge_server.every_door import DOORS, of_answer, packet, text
from tests.bridge_server.mailbox_peer import MailboxPeer, a_call
from tests.bridge_server.peers import noise_song
from tests.bridge_server.servers import server_fixture


def long_song(path):
    return noise_song(path, frames=8 * 48000, seed=2)


server = server_fixture((long_song, "long.wav"))

SONG = {"source": "long.wav"}
REGION = {**SONG, "start": 0, "end": 4800}
LONG = "9" * 5000

READ = [
    ("a decimal comma", {**REGION, "bpm": "120,5"}, {"bpm": 120.5}),
    ("a decimal point", {**REGION, "bpm": "120.5"}, {"bpm": 120.5}),
    ("a comma behind a nought", {**REGION, "strength": "0,125"}, {"strength": 0.125}),
    ("seconds with a comma", {**SONG, "start": "0,5s", "end": "0,75s"}, {"start": "0.5s", "end": "0.75s"}),
    ("a clock with a comma", {**SONG, "start": "0:00,5", "end": "1s"}, {"start": "0.5s"}),
    ("quarters with a comma", {**SONG, "bpm": 120, "start": "0,5b", "end": "2,5b"}, {"start": "0.5b", "end": "2.5b"}),
    ("a length with a comma", {**SONG, "start": 0, "length": "0,25s"}, {"length": "0.25s"}),
    ("a tempo map with commas", {**REGION, "tempo_map": {"points": [{"quarter": 0, "bpm": "120,5"}]}}, None),
    ("a typesetter's minus", {**REGION, "source_position": "\N{MINUS SIGN}2s", "start": 0}, {"source_position": "-2s"}),
    ("before zero", {**REGION, "source_position": "-2s"}, {"source_position": "-2s"}),
    ("before zero in bars", {**REGION, "bpm": 120, "source_position": "-1|1|0"}, {"source_position": "-1|1|0"}),
    ("before zero in samples", {**REGION, "source_position": -4800}, {"source_position": "-4800"}),
    ("whole floats", {**SONG, "takes": 2.0, "bars": 1.0, "bpm": 120.0, "rate": 48000.0}, {"takes": 2, "bpm": 120}),
    ("Lua's numbers as text", {**SONG, "takes": "2.0", "bars": "1.0-2.0", "bpm": "120.0"}, {"takes": 2, "bpm": 120}),
    ("floats as positions", {**SONG, "start": 0.0, "end": 4800.0}, {"end": "4800"}),
    ("a float as a name", {**REGION, "title": 5.0}, {"title": "5"}),
    ("numbers as text", {**REGION, "takes": " 2 ", "crossfade": "12"}, {"takes": 2}),
    ("a 32-bit seed", {**REGION, "seed": 3698135662}, {"seed": 3698135662}),
    ("a 32-bit seed as text", {**REGION, "seed": "3698135662"}, {"seed": 3698135662}),
    ("the largest seed", {**REGION, "seed": 2**64 - 1}, {"seed": str(2**64 - 1)}),
    ("a float seed", {**REGION, "seed": 7.0}, {"seed": 7}),
    ("full width", {**SONG, "bpm": "１２０．５", "bars": "１－２"}, {"bpm": 120.5, "bars": "1-2"}),
    ("a non-breaking hyphen", {**SONG, "bpm": 120, "bars": "1\N{NON-BREAKING HYPHEN}2"}, {"bars": "1-2"}),
    ("Arabic digits", {**SONG, "bpm": "\u0661\u0662\u0660", "bars": "\u0661-\u0662"}, {"bpm": 120, "bars": "1-2"}),
    ("a plus sign", {**REGION, "bpm": "+120", "takes": "+2", "seed": "+7"}, {"bpm": 120, "takes": 2, "seed": 7}),
    ("minus nothing", {**SONG, "start": "-0", "end": 4800, "seed": "-0"}, {"start": "0"}),
    ("too small for a float", {**REGION, "handles": "1e-400"}, {"handles": 0}),
    ("an en dash", {**SONG, "bpm": 120, "bars": "1\N{EN DASH}2"}, {"bars": "1-2"}),
    ("a no-break space", {**SONG, "start": "1\N{NO-BREAK SPACE}s", "length": "1\N{NO-BREAK SPACE}s"}, {"start": "1s"}),
]  # fmt: skip


def jobs(server):
    """How many there are."""
    with server.websocket() as peer:
        return len(peer.call("jobs.list", limit=1000)["jobs"])


def request_of(server, job):
    """The request a job has, which is then cancelled: how it sounds is not the question."""
    with server.websocket() as peer:
        found = peer.call("jobs.show", job=job)["request"]
        peer.call("cancel", job=job)
    return found


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("fields", "kept"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_read(server, door, fields, kept):
    if door == "command line" and isinstance(fields.get("end"), float):
        pytest.skip('SKIPPED: typed, "4800.0" may be seconds, and is refused')
    outcome = DOORS[door](server, "repaint", fields)
    assert (outcome.code, outcome.sentence) == ("", "")
    found = request_of(server, outcome.job)
    if kept is None:
        assert Fraction(found["tempo_map"]["points"][0]["bpm"]) == Fraction("120.5")
    else:
        assert {name: found.get(name) for name in kept} == kept


NOTED = [
    ("one too large", 2**64 + 7, 7, "was folded to 7"),
    ("a negative one", -5, str(2**64 - 5), "was folded to 18446744073709551611"),
    ("any", -1, None, "random seed"),
    ("one of 5,000 digits", "9" * 5000, str((10**5000 - 1) % 2**64), "was folded to"),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("seed", "kept", "words"), [case[1:] for case in NOTED], ids=[case[0] for case in NOTED]
)
def test_a_seed_that_was_changed_is_noted(server, door, seed, kept, words):
    outcome = DOORS[door](server, "repaint", {**REGION, "seed": seed})
    assert words in outcome.note
    found = request_of(server, outcome.job)["seed"]
    assert 0 <= int(found) < 2**64
    assert kept in (None, found)


def test_a_take_of_a_large_seed_has_it_everywhere(server):
    seed = 2**64 - 1
    with server.osc() as osc, server.websocket() as ws:
        replies = osc.render("/bridge/repaint", "large", *sum(REGION.items(), ()), "seed", str(seed))
        (take,) = [reply for reply in replies if reply.name == "take"]
        assert take["seed"] == str(seed)
        assert ws.call("takes.show", take=take["take"])["recipe"]["seed"] == str(seed)
        again = osc.render("/bridge/vary", "again", "take", take["take"], "seed", str(seed))
        (other,) = [reply for reply in again if reply.name == "take"]
        clips = [ws.fetch(one["take"]) for one in (take, other)]
        assert clips[0][-4800:] == clips[1][-4800:], "the same seed gives the same result"


REFUSED = [
    ("thousands or decimals", {**REGION, "bpm": "1,200"}, "out_of_range", "bpm", "comma"),
    ("a comma in front", {**SONG, "start": ",5s", "end": "2s"}, "out_of_range", "start", 'write "0.5"'),
    ("half a bar", {**SONG, "bpm": 120, "bars": "5.5"}, "bad_region", "bars", "in whole numbers, got '5.5'"),
    ("two commas", {**REGION, "bpm": "1,2,0"}, "out_of_range", "bpm", "comma"),
    ("seconds in thousands", {**SONG, "start": "1,500s", "end": "2s"}, "out_of_range", "start", "comma"),
    ("half a take", {**REGION, "takes": "1,5"}, "wrong_type", "takes", "whole number"),
    ("half a take as a float", {**REGION, "takes": 1.5}, "wrong_type", "takes", "whole number"),
    ("not a number", {**REGION, "bpm": "nan"}, "out_of_range", "bpm", "got 'nan'"),
    ("infinity", {**REGION, "crossfade": "Infinity"}, "out_of_range", "crossfade", "got 'Infinity'"),
    ("digits by the thousand", {**REGION, "bpm": LONG}, "out_of_range", "bpm", "must be 5 to 1000, got '9999"),
    ("takes by the thousand digits", {**REGION, "takes": LONG}, "out_of_range", "takes", "must be 1 to 8, got '9999"),
    ("a tempo of 1e400", {**REGION, "bpm": "1e400"}, "out_of_range", "bpm", "must be 5 to 1000, got '1e400'"),
    ("a rate of -1e400", {**REGION, "rate": "-1e400"}, "out_of_range", "rate", "got '-1e400'"),
    ("a seed of 1e400", {**REGION, "seed": "1e400"}, "wrong_type", "seed", "got '1e400'"),
    ("a switch of 1e400", {**REGION, "match_loudness": "1e400"}, "wrong_type", "match_loudness", "got '1e400'"),
    ("bars of thousands of digits", {**SONG, "bpm": 120, "bars": LONG}, "out_of_range", "bars", "got '9999"),
    ("a position of thousands of digits", {**SONG, "start": LONG, "end": 9}, "out_of_range", "start", "'9999"),
    ("a length of thousands of digits", {**SONG, "start": 0, "length": LONG}, "out_of_range", "length", "'9999"),
    ("hexadecimal", {**REGION, "bpm": "0x78"}, "wrong_type", "bpm", "got '0x78'"),
    ("a superscript", {**REGION, "takes": "2\u00b2"}, "wrong_type", "takes", "got '2\u00b2'"),
    ("digits of a program", {**REGION, "bpm": "1_20"}, "wrong_type", "bpm", "number"),
    ("half a seed", {**REGION, "seed": "0.5"}, "wrong_type", "seed", "whole number"),
    ("a rounded seed", {**REGION, "seed": 2.0**40}, "out_of_range", "seed", "rounded"),
    ("a rounded position", {**SONG, "start": 0, "end": 2.0**25}, "out_of_range", "end", "float"),
    ("Latin-1", {**REGION, "prompt": "Stra\udcdfe"}, "out_of_range", "prompt", "UTF-8"),
    ("Latin-1 as a song", {**REGION, "source": "Stra\udcdfe.wav"}, "out_of_range", "source", "UTF-8"),
    ("Latin-1 as a position", {**SONG, "start": "1\udca0s", "end": "2s"}, "out_of_range", "start", "got \'1\ufffds\'"),
    ("Korean of a code page", {**REGION, "prompt": "\udcc7\udcd1"}, "out_of_range", "prompt", "UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("fields", "code", "field", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(server, door, fields, code, field, words):
    if door == "command line" and any(
        isinstance(given, float) and given > 2**24 for given in fields.values()
    ):
        pytest.skip("SKIPPED: on the command line everything is text, which rounds nothing")
    if door == "command line" and field == "match_loudness":
        pytest.skip(
            "SKIPPED: on the command line it is --match-loudness or --no-match-loudness, without a value"
        )
    before = jobs(server)
    outcome = DOORS[door](server, "repaint", fields)
    assert (outcome.code, outcome.field) == (code, field)
    assert words in outcome.sentence
    assert len(outcome.sentence) < 500
    assert jobs(server) == before


NUMERIC = ["bpm", "takes", "start", "seed", "strength", "title", "match_loudness", "length"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("door", ["udp", "osc over websocket"])
@pytest.mark.parametrize("field", NUMERIC)
def test_floats_that_are_no_numbers(server, door, number, field):
    outcome = DOORS[door](server, "repaint", {**SONG, field: number})
    assert outcome.code in ("out_of_range", "wrong_type")
    assert outcome.field == field


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_json_has_no_such_numbers(server, word):
    with server.websocket() as peer:
        peer.connection.send('{"jsonrpc":"2.0","id":1,"method":"tempo","params":{"bpm":' + word + "}}")
        answer = peer.frame_where(lambda frame: "error" in frame)
    assert answer["error"]["code"] == -32700
    assert word in answer["error"]["message"]


FOLDED = str((10**5000 - 1) % 2**64)
LONG_NUMBERS = {
    # field: (code of the refusal, words)
    "seed": ("", "was folded to " + FOLDED),
    "takes": ("out_of_range", "must be 1 to 8, got '9999"),
    "bpm": ("out_of_range", "must be 5 to 1000, got '9999"),
    "strength": ("out_of_range", "got '9999"),
    "start": ("out_of_range", "start"),
    "rate": ("out_of_range", "got '9999"),
    "context": ("out_of_range", "context"),
}
TOO_LARGE = {"takes": "out_of_range", "bpm": "out_of_range", "seed": "wrong_type", "start": "out_of_range"}


@pytest.mark.parametrize("door", ["websocket", "mailbox"])
@pytest.mark.parametrize("field", LONG_NUMBERS)
def test_a_json_number_of_thousands_of_digits_is_its_fields_affair(server, door, field):
    """It is no fault of the whole message: the answer has its id, and names the field."""
    outcome = of_number(server, door, field, LONG)
    code, words = LONG_NUMBERS[field]
    assert outcome.code == code
    assert words in (outcome.sentence or outcome.note)


@pytest.mark.parametrize("door", ["websocket", "mailbox"])
@pytest.mark.parametrize("field", TOO_LARGE)
def test_a_json_number_that_no_float_holds_is_quoted(server, door, field):
    outcome = of_number(server, door, field, "1e400")
    assert (outcome.code, outcome.field) == (TOO_LARGE[field], field)
    assert "'1e400'" in outcome.sentence


def of_number(server, door, field, number):
    """What becomes of a repaint with this JSON number in a field."""
    call = a_call("repaint", **{**REGION, field: "NUMBER"}) | {"id": 1}
    frame = json.dumps(call).replace('"NUMBER"', number)  # Python refuses to write such numbers itself
    if door == "mailbox":
        box = MailboxPeer(mailbox_root(server.settings.store))
        answer = box.response(box.put(frame.encode()))
    else:
        with server.websocket() as peer:
            peer.connection.send(frame)
            answer = peer.frame_where(lambda frame: frame.get("id") == 1)
    assert answer["id"] == 1
    return of_answer(answer)


@pytest.mark.parametrize("name", [5.0, 5, "5"])
def test_an_id_is_the_same_whatever_number_it_was_sent_as(server, osc_bytes, name):
    reply = osc_bytes("/bridge/status", name)
    assert reply["id"] == "5"


@pytest.fixture
def osc_bytes(server):
    """Sends values exactly as given; returns the reply's values."""
    with server.osc() as peer:

        def ask(address, *values):
            peer.send_bytes(packet(address, *values))
            return peer.receive()

        yield ask


def test_a_refused_text_keeps_the_id_of_its_message(osc_bytes):
    """The case of a Windows program: Latin-1 in a song's name. The answer finds its request."""
    reply = osc_bytes("/bridge/repaint", "id1", "source", "Stra\udcdfe.wav")
    assert (reply["id"], reply["field"]) == ("id1", "source")
    assert "UTF-8" in reply["sentence"]
    assert reply["remedy"].startswith("Send it as UTF-8")


@pytest.mark.parametrize(("value", "code"), [(5.5, "wrong_type"), (2.0, "")])
def test_bars_as_floats(server, value, code):
    outcome = DOORS["udp"](server, "repaint", {**SONG, "bpm": 120, "bars": value})
    assert outcome.code == code
    assert (
        not code
        or 'bars must look like "17-20" (the last one included) or "17", in whole numbers' in outcome.sentence
    )


@pytest.mark.parametrize("address", ["/bridge/caf\udce9", "/bridge/tempo\udcff\udcfe"])
def test_bytes_that_are_no_text_are_shown_in_an_address_too(osc_bytes, address):
    sentence = osc_bytes(address, 120)["sentence"]
    assert "\ufffd" in sentence
    assert "udc" not in sentence


PATTERNS = [
    "/bridge/{tempo,meter}",
    "/bridge/*",
    "/bridge/tem?o",
    "/bridge/tempo[12]",
    "//tempo",
    "/*/*",
    "/bridge/[",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_address_pattern_is_answered_in_words(osc_bytes, pattern):
    reply = osc_bytes(pattern, 120)
    assert (reply.name, reply["code"], reply["field"]) == ("failed", "unknown_command", "address")
    assert "address pattern" in reply["sentence"]
    assert reply["remedy"] == "Send one message to each address."


TAGS = [
    (",sSi", text("id1") + text("takes") + b"\0\0\0\x02", "ok"),
    (",sSc", text("id1") + text("takes") + b"\0\0\x002", "ok"),
    (",sSd", text("id1") + text("takes") + b"\x40\0\0\0\0\0\0\0", "ok"),
    (",sSN", text("id1") + text("takes"), "ok"),
    (",sSI", text("id1") + text("match_loudness"), "ok"),
    (",sSr", text("id1") + text("takes") + b"\x01\x02\x03\x04", "takes: cannot be a colour"),
    (",sSm", text("id1") + text("takes") + b"\x01\x02\x03\x04", "takes: cannot be a MIDI message"),
    (",sSt", text("id1") + text("takes") + bytes(8), "takes: cannot be a time tag"),
    (",sSb", text("id1") + text("takes") + bytes(4), "takes: cannot be a blob"),
    (",sS[ii]", text("id1") + text("takes") + bytes(8), "takes: must be a whole number"),
    (",sSx", text("id1") + text("takes") + bytes(8), "type tag 'x' is unknown"),
]


@pytest.mark.parametrize("way", ["udp", "websocket"])
@pytest.mark.parametrize(("tags", "data", "words"), TAGS, ids=[tags for tags, _, _ in TAGS])
def test_type_tags(server, way, tags, data, words):
    """What stands behind the value, the song, is read in every case."""
    region = text("source") + text("nonesuch.wav")
    sent = text("/bridge/repaint") + text(f"{tags}ss") + data + region
    if way == "udp":
        with server.osc() as peer:
            peer.send_bytes(sent)
            reply = peer.receive().values
    else:
        with server.websocket() as peer:
            peer.connection.send(sent)
            values = messages_in(peer.connection.recv())[0].values
            reply = {"id": values[0], **dict(zip(values[1::2], values[2::2], strict=True))}
    assert reply["id"] == "id1"
    assert (words if words != "ok" else "nonesuch.wav") in reply["sentence"]


def test_a_mailbox_request_that_is_no_utf8_is_refused_with_its_id(server):
    box = MailboxPeer(mailbox_root(server.settings.store))
    data = json.dumps({**a_call("source", source="Straße.wav"), "id": "mine"}, ensure_ascii=False).encode(
        "cp1252"
    )
    answer = box.response(box.put(data))
    assert (answer["id"], answer["error"]["data"]["field"]) == ("mine", "source")
    assert "UTF-8" in answer["error"]["message"]
