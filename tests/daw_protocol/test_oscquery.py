import dataclasses
import json

import pytest

from daw_protocol.addresses import COMMANDS
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.oscquery import (
    ATTRIBUTES,
    EXTENSIONS,
    READABLE,
    REPLY_AT,
    Access,
    Listen,
    ListenCommand,
    Query,
    attributes_of,
    host_info,
    is_oscquery,
    listen_in,
    node_at,
    tree,
)
from daw_protocol.requests import SetTempo
from daw_protocol.schema import whole_schema

TYPED = [command for command in COMMANDS if command.osc]
VALUES = {"/bridge/tempo": [120.5], "/bridge/transport": [96000, 1]}


def nodes(node):
    yield node
    for below in node.get("CONTENTS", {}).values():
        yield from nodes(below)


def test_the_tree_holds_every_address_and_no_other():
    leaves = {node["FULL_PATH"] for node in nodes(tree({})) if "TYPE" in node}
    assert leaves == {command.address for command in TYPED} | set(REPLY_AT)


def test_what_is_sent_and_what_is_received_have_addresses_of_their_own():
    assert not {command.address for command in TYPED} & set(REPLY_AT)


def test_every_node_knows_where_it_is():
    for node in nodes(tree(VALUES)):
        assert node_at(node["FULL_PATH"], VALUES) == node
        assert node["ACCESS"] in (0, 1, 2, 3)
        assert set(node) <= set(ATTRIBUTES)
        for name, below in node.get("CONTENTS", {}).items():
            assert below["FULL_PATH"] == f"{node['FULL_PATH'].rstrip('/')}/{name}"


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_types_and_ranges_belong_together(command):
    leaf = node_at(command.address, VALUES)
    assert leaf["ACCESS"] & Access.WRITE
    assert len(leaf["TYPE"]) == len(leaf["RANGE"]) == len(leaf["EXTENDED_TYPE"]) == len(command.positional)
    assert set(leaf["TYPE"]) <= set("ifsh")
    assert len(leaf.get("VALUE", leaf["TYPE"])) == len(leaf["TYPE"])
    for name in command.positional:
        assert f"{name}: " in leaf["DESCRIPTION"]


def test_only_what_everybody_looks_at_can_be_read():
    readable = {node["FULL_PATH"] for node in nodes(tree({})) if node["ACCESS"] == 3}
    assert readable == set(READABLE)


def test_one_leaf_in_full():
    others = [entry.name for entry in dataclasses.fields(SetTempo) if entry.name != "bpm"]
    assert node_at("/bridge/tempo", VALUES) == {
        "FULL_PATH": "/bridge/tempo",
        "ACCESS": 3,
        "DESCRIPTION": "The song's tempo, for requests without one. First bpm: quarter notes per minute. "
        f"Then name-value pairs of: {', '.join(others)}.",
        "TYPE": "f",
        "RANGE": [{"MIN": 5, "MAX": 1000}],
        "EXTENDED_TYPE": ["bpm"],
        "TAGS": ["context"],
        "SCHEMA": "/schema.json#/$defs/requests/tempo",
        "VALUE": [120.5],
    }


def test_yes_and_no_are_numbers():
    leaf = node_at("/bridge/transport", VALUES)
    assert (leaf["TYPE"], leaf["RANGE"][1], leaf["VALUE"]) == ("ii", {"MIN": 0, "MAX": 1}, [96000, 1])


def test_a_reply_can_be_received_and_not_sent():
    leaf = node_at("/bridge/progress", {})
    assert (leaf["ACCESS"], leaf["TYPE"]) == (1, "s")
    assert "fraction" in leaf["DESCRIPTION"]


@pytest.mark.parametrize("path", ["/nothing", "/bridge/nothing", "/bridge/tempo/bpm", "/bridge/jobs/list/x"])
def test_nothing_there(path):
    assert node_at(path, VALUES) is None


def test_the_root_has_several_names():
    assert node_at("/", {}) == node_at("", {}) == tree({})


def test_all_of_it_is_json():
    assert json.loads(json.dumps(tree(VALUES))) == tree(VALUES)


@pytest.mark.parametrize(
    ("path", "names", "status", "answer"),
    [
        ("/bridge/tempo", ["VALUE"], 200, {"VALUE": [120.5]}),
        ("/bridge/tempo", ["TYPE", "ACCESS"], 200, {"TYPE": "f", "ACCESS": 3}),
        ("/bridge/tempo", ["RANGE"], 200, {"RANGE": [{"MIN": 5, "MAX": 1000}]}),
        ("/bridge/key", ["VALUE"], 200, {}),  # can be read, and no client has sent the key yet
        ("/bridge/progress", ["VALUE"], 200, {}),
        ("/bridge/repaint", ["VALUE"], 204, {}),  # can only be sent to
        ("/bridge", ["VALUE"], 204, {}),
        ("/bridge", ["RANGE"], 204, {}),
        ("/bridge/tempo", ["CONTENTS"], 204, {}),
        ("/bridge/jobs", ["FULL_PATH"], 200, {"FULL_PATH": "/bridge/jobs"}),
        ("/bridge/tempo", ["UNIT"], 400, {}),  # OSCQuery has it, we have not
        ("/bridge/tempo", ["NONSENSE"], 400, {}),
        ("/bridge/repaint", ["VALUE", "NONSENSE"], 400, {}),
        ("/bridge/tempo", ["value"], 400, {}),
    ],
)
def test_single_attributes(path, names, status, answer):
    found, attributes = attributes_of(node_at(path, VALUES), names)
    assert (found, attributes) == (Query(status), answer)


def test_host_info_says_what_is_true():
    info = host_info("Takebridge", 9124, 9125, "127.0.0.1")
    assert (info["NAME"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == ("Takebridge", 9124, "UDP")
    assert (info["WS_PORT"], info["OSC_IP"], info["WS_IP"]) == (9125, "127.0.0.1", "127.0.0.1")
    served = {name for name, there in info["EXTENSIONS"].items() if there} - {"LISTEN"}
    assert served == set(ATTRIBUTES) - {"FULL_PATH", "CONTENTS", "TYPE"}  # those every server has


def test_a_server_at_all_addresses_names_none():
    assert not {"OSC_IP", "WS_IP"} & set(host_info("Takebridge", 9124, 9125))


def test_every_extension_of_the_proposal_is_listed_and_one_of_ours():
    assert len(EXTENSIONS) == 16 + 1


def test_each_leaf_names_the_schema_of_its_pairs():
    """A client can build a form: the part of the schema has all the names, positional and pairs."""
    assert host_info("Takebridge", 9124, 9125)["SCHEMA"] == "/schema.json"
    whole = whole_schema()
    leaves = [node for node in nodes(tree({})) if "TYPE" in node]
    assert len(leaves) > 40
    for leaf in leaves:
        document, _, pointer = leaf["SCHEMA"].partition("#")
        assert document == "/schema.json"
        part = whole
        for name in pointer.strip("/").split("/"):
            part = part[name]
        described = leaf["DESCRIPTION"].partition("name-value pairs of: ")[2].rstrip(".").split(", ")
        assert set(part["properties"]) == {*leaf["EXTENDED_TYPE"], *filter(None, described)}


@pytest.mark.parametrize(
    ("frame", "is_one"),
    [
        ('{"COMMAND": "LISTEN", "DATA": "/bridge/tempo"}', True),
        ('{"COMMAND": 7}', True),
        ('{"jsonrpc": "2.0", "id": 1, "method": "status", "params": {"id": "\\"COMMAND\\""}}', False),
        ('{"jsonrpc": "2.0", "COMMAND": "LISTEN"}', False),
        ('["COMMAND"]', False),
        ('"COMMAND"', False),
        ('{"COMMAND"', False),
        ("[" * 100_000 + '"COMMAND"', False),
        ("", False),
    ],
)
def test_frames_are_distinguished_by_what_they_contain(frame, is_one):
    assert is_oscquery(frame) is is_one


def test_listen_and_ignore():
    frame = '{"COMMAND": "%s", "DATA": "/bridge/progress"}'
    assert listen_in(frame % "LISTEN") == Listen(ListenCommand.LISTEN, "/bridge/progress")
    assert listen_in(frame % "IGNORE") == Listen(ListenCommand.IGNORE, "/bridge/progress")


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"COMMAND": "PATH_CHANGED", "DATA": "/bridge/tempo"}', "COMMAND"),
        ('{"COMMAND": ["LISTEN"], "DATA": "/bridge/tempo"}', "COMMAND"),
        ('{"COMMAND": "LISTEN"}', "DATA"),
        ('{"COMMAND": "LISTEN", "DATA": 5}', "DATA"),
        ('{"COMMAND": "LISTEN", "DATA": "/bridge"}', "DATA"),
        ('{"COMMAND": "LISTEN", "DATA": "/bridge/takes/fetch"}', "DATA"),
    ],
)
def test_bad_commands_say_what_is_wrong(frame, field):
    with pytest.raises(ProtocolError) as found:
        listen_in(frame)
    assert (found.value.code, found.value.field) == (ErrorCode.UNKNOWN_COMMAND, field)
