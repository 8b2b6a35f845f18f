import dataclasses
import json

import pytest

from daw_protocol.addresses import COMMANDS
from daw_protocol.oscquery import WRITE_ONLY, host_info, node_at, tree
from daw_protocol.requests import SetTempo

TYPED = [command for command in COMMANDS if command.osc]


def nodes(node):
    yield node
    for below in node.get("CONTENTS", {}).values():
        yield from nodes(below)


def test_the_tree_holds_every_address_and_no_other():
    leaves = {node["FULL_PATH"] for node in nodes(tree()) if "TYPE" in node}
    assert leaves == {command.address for command in TYPED}


def test_every_node_knows_where_it_is():
    for node in nodes(tree()):
        assert node_at(node["FULL_PATH"]) == node
        assert node["ACCESS"] in (0, WRITE_ONLY)
        for name, below in node.get("CONTENTS", {}).items():
            assert below["FULL_PATH"] == f"{node['FULL_PATH'].rstrip('/')}/{name}"


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_types_and_ranges_belong_together(command):
    leaf = node_at(command.address)
    assert leaf["ACCESS"] == WRITE_ONLY
    assert len(leaf["TYPE"]) == len(leaf["RANGE"]) == len(command.positional)
    assert set(leaf["TYPE"]) <= set("ifshTF")
    for name in command.positional:
        assert f"{name}: " in leaf["DESCRIPTION"]


def test_one_leaf_in_full():
    others = [entry.name for entry in dataclasses.fields(SetTempo) if entry.name != "bpm"]
    assert node_at("/bridge/tempo") == {
        "FULL_PATH": "/bridge/tempo",
        "ACCESS": 2,
        "DESCRIPTION": "The song's tempo, for requests that do not give one. First bpm: quarter notes a minute. "
        f"Then name, value pairs of: {', '.join(others)}.",
        "TYPE": "f",
        "RANGE": [{"MIN": 5, "MAX": 1000}],
    }


@pytest.mark.parametrize("path", ["/nothing", "/bridge/nothing", "/bridge/tempo/bpm", "/bridge/jobs/list/x"])
def test_nothing_there(path):
    assert node_at(path) is None


def test_the_root_has_several_names():
    assert node_at("/") == node_at("") == tree()


def test_all_of_it_is_json():
    assert json.loads(json.dumps(tree())) == tree()


def test_host_info():
    info = host_info("ACE Bridge", 9124)
    assert (info["NAME"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == ("ACE Bridge", 9124, "UDP")
    assert info["EXTENSIONS"]["TYPE"] is True
    assert info["EXTENSIONS"]["VALUE"] is False
