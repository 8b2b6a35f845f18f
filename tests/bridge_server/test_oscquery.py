"""OSCQuery at the server's port, as its clients use it: the tree, single attributes, and what is refused.

The client here is written from the proposal's text; python-oscquery, which others wrote, reads what it understands.
"""

from __future__ import annotations

import pytest

from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.oscquery import READABLE
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.query_client import get, query_client, send_context
from tests.bridge_server.servers import server_fixture, settings_in

# Of its own: what everybody is looking at is one thing for all its clients.
server = server_fixture((noise_song, "song.wav"))


def test_host_info(server):
    status, info = get(server, "/any/path?HOST_INFO")
    assert status == 200
    assert info["OSC_PORT"] == server.settings.osc_port
    assert info["WS_PORT"] == server.settings.websocket_port
    assert (info["OSC_IP"], info["WS_IP"], info["OSC_TRANSPORT"]) == ("127.0.0.1", "127.0.0.1", "UDP")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/bridge/tempo?RANGE", 200), ("/bridge/tempo?TYPE&ACCESS", 200), ("/?DESCRIPTION", 200),
        ("/bridge/repaint?VALUE", 204), ("/bridge?RANGE", 204), ("/bridge/tempo?UNIT", 400),
        ("/bridge/tempo?NONSENSE", 400), ("/bridge/nothing?VALUE", 404), ("/bridge/tempo?client=x", 200),
    ],
)  # fmt: skip
def test_the_proposal_s_status_codes(server, path, status):
    found, body = get(server, path)
    assert found == status
    assert body if status != 204 else body == b""


def test_a_browser_may_ask_for_an_attribute(server):
    assert server.get("/?DESCRIPTION", Accept="text/html")[1]["Content-Type"] == "application/json"


@pytest.mark.parametrize("data", ["/bridge/nothing", 5, None, ["/bridge/tempo"]])
def test_what_is_wrong_in_a_command_is_reported_by_osc(server, data):
    with query_client(server) as client:
        client.command("LISTEN", data)
        address, arguments = client.packet()
        assert (address, arguments[:3]) == ("/bridge/failed", ["", "code", "unknown_command"])


def test_a_client_that_others_wrote_reads_it(server):
    """python-oscquery knows no addresses that can only be written to; it reads those that hold a value."""
    service = pytest.importorskip("pythonoscquery.osc_query_client")
    zeroconf = pytest.importorskip("zeroconf")
    info = zeroconf.ServiceInfo(
        "_oscjson._tcp.local.", "bridge._oscjson._tcp.local.", server.settings.websocket_port,
        addresses=[b"\x7f\x00\x00\x01"],
    )  # fmt: skip
    client = service.OSCQueryClient(info)
    assert client.get_host_info().osc_port == server.settings.osc_port
    send_context(server, "/bridge/tempo", 133)
    assert client.query_node("/bridge/tempo").value == [133]
    assert client.query_node("/bridge/nothing") is None


def test_every_context_command_can_be_read_but_forget():
    context = {command.address for command in COMMANDS if command.group is Group.CONTEXT}
    assert context - set(READABLE) == {"/bridge/forget"}


def test_a_surface_that_said_nothing_means_what_everybody_looks_at(tmp_path):
    """A DAW selects; a tablet, another client, sends the bare address. Who has named a song means that one."""
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as fresh, fresh.osc() as daw, query_client(fresh) as tablet:
        tablet.send("/bridge/repaint", "early")
        address, arguments = tablet.packet()
        assert (address, arguments[:3]) == ("/bridge/failed", ["early", "code", "missing_field"])
        daw.ask("/bridge/source", "song.wav")
        daw.ask("/bridge/select", 4000, 9000)
        tablet.send("/bridge/repaint", "bare")
        received = []
        while not received or received[-1][0] != "/bridge/done":
            received.append(tablet.packet())
        take = next(arguments for address, arguments in received if address == "/bridge/take")
        named = dict(zip(take[1::2], take[2::2], strict=True))
        assert (named["position"], named["length"]) == (4000, 5000)
        tablet.send("/bridge/source", "other.wav")
        assert tablet.packet()[1][2] == "file_missing"
        noise_song(settings.roots[0] / "other.wav", seed=3)
        tablet.send("/bridge/source", "other.wav")
        tablet.packet()
        daw.ask("/bridge/source", "song.wav")
        daw.ask("/bridge/select", 4000, 9000)
        tablet.send("/bridge/repaint", "own")
        assert tablet.packet()[0] == "/bridge/failed"  # the selection is the DAW's, of another song
