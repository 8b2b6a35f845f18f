import dataclasses

import jsonschema
import pytest
from hypothesis import given

from daw_protocol.addresses import COMMANDS
from daw_protocol.fields import Flag, Names, Switches, Texts
from daw_protocol.message import has_default, message_schema
from daw_protocol.part_fields import PartsKind
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import Recipe
from daw_protocol.replies import REPLIES
from daw_protocol.result_fields import JsonObject, ListOf, Nullable, Record, TableOf
from daw_protocol.schema import whole_schema
from daw_protocol.timeline_fields import TempoMapKind
from tests.daw_protocol.generated import FEW, messages

RESULTS = {command.result: None for command in COMMANDS}
TYPES = list(dict.fromkeys([*(command.request for command in COMMANDS), *REPLIES, Receipt, Recipe, *RESULTS]))
# Kinds that take what others do not: anything a JSON object holds, an empty list, null.
OBJECTS = (TempoMapKind, Switches, JsonObject, TableOf, Record)
LISTS = (PartsKind, Names, Texts, ListOf)
MAP = {"points": [{"quarter": 0, "bpm": 120}]}


def valid(message, fields) -> bool:
    return jsonschema.Draft202012Validator(message_schema(message)).is_valid(fields)


@pytest.mark.parametrize("message", TYPES, ids=lambda one: one.__name__)
def test_every_message_is_valid_and_the_same_with_a_slip_is_not(message):
    @FEW
    @given(messages(message))
    def check(one):
        fields = one.to_fields()
        assert valid(message, fields)
        assert not valid(message, {**fields, "unheard_of": 1})
        for entry in dataclasses.fields(message):
            if not has_default(entry):
                assert not valid(
                    message, {name: given for name, given in fields.items() if name != entry.name}
                )

    check()


@pytest.mark.parametrize("message", TYPES, ids=lambda one: one.__name__)
def test_every_value_of_the_wrong_kind_is_invalid(message):
    schema = message_schema(message)
    for entry in dataclasses.fields(message):
        kind = entry.metadata["kind"]
        wrong = [] if isinstance(kind, Nullable) else [None]
        kind = kind.kind if isinstance(kind, Nullable) else kind
        wrong += [1 if isinstance(kind, Flag) else True, [[]]]
        if not isinstance(kind, OBJECTS):
            wrong.append({})
        if not isinstance(kind, LISTS):
            wrong.append([])
        for given_value in wrong:
            one = jsonschema.Draft202012Validator(schema["properties"][entry.name])
            assert not one.is_valid(given_value), (entry.name, given_value)


@pytest.mark.parametrize(
    "tempo_map",
    [
        {},
        {"points": []},
        {"points": [{"quarter": 0}]},
        {"points": [{"quarter": 0, "bpm": 120, "curve": 1}]},
        {"points": [{"quarter": 0, "bpm": 120, "ramp": 1}]},
        {**MAP, "tempo": 120},
        {**MAP, "meters": []},
        {**MAP, "meters": [{"quarter": 0, "meter": 4}]},
        {**MAP, "first_bar": 0.5},
    ],
)
def test_a_tempo_map_is_described_down_to_its_points(tempo_map):
    schema = jsonschema.Draft202012Validator(TempoMapKind().schema())
    assert schema.is_valid(MAP)
    assert not schema.is_valid(tempo_map)


def test_the_whole_schema_is_one():
    whole = whole_schema()
    jsonschema.Draft202012Validator.check_schema(whole)
    assert set(whole["$defs"]["requests"]) == {command.name for command in COMMANDS}
    assert set(whole["$defs"]["results"]) == {command.name for command in COMMANDS}
    assert set(whole["$defs"]["replies"]) == {reply.name for reply in REPLIES}
    for group in ("requests", "results", "replies"):
        for one in whole["$defs"][group].values():
            jsonschema.Draft202012Validator.check_schema(one)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_the_schema_of_a_result_is_found_under_its_command(command):
    validator = jsonschema.Draft202012Validator({**whole_schema(), "$ref": f"#/$defs/results/{command.name}"})

    @FEW
    @given(messages(command.result))
    def check(result):
        fields = result.to_fields()
        validator.validate(fields)
        assert not validator.is_valid({**fields, "unheard_of": 1})

    check()


def test_defaults_are_listed_and_are_valid():
    for message in TYPES:
        for name, entry in message_schema(message)["properties"].items():
            assert entry["description"], name
            if "default" in entry:
                jsonschema.validate(entry["default"], entry)
