"""Which commands an agent has as tools, of which kind, and how much it has to read."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from bridge_server.cli.mcp_tools import (
    KINDS,
    MAX_RESULT,
    NOT_AN_AGENTS,
    TOOLS,
    UNSENT,
    WITHHELD,
    ToolKind,
    bounded,
)
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.errors import ErrorCode
from tests.places import DOCS
from tests.refusals import refusal


def test_of_every_command_it_was_decided_whether_an_agent_may():
    tools = [name for names in KINDS.values() for name in names]
    assert sorted([*tools, *WITHHELD]) == sorted(command.name for command in COMMANDS)


def test_what_renders_and_what_only_reads_are_told_apart():
    for tool in TOOLS.values():
        assert (tool.kind is ToolKind.RENDERING) == (tool.command.group is Group.RENDER)
        word = tool.command.name.rpartition(".")[2]
        if word in ("list", "show", "lineage", "status", "engines", "devices"):
            assert tool.kind is ToolKind.READING, tool.name
        if word in ("delete", "cancel"):
            assert tool.kind is ToolKind.REMOVING, tool.name


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_names_texts_and_schemas(tool):
    assert re.fullmatch(r"[a-z_]{1,64}", tool.name)
    assert tool.description
    jsonschema.Draft202012Validator.check_schema(tool.schema)
    assert not set(UNSENT) & set(tool.schema["properties"])
    assert set(tool.schema.get("required", ())) <= set(tool.schema["properties"])
    assert "$ref" not in json.dumps(tool.schema)


def test_an_agent_can_read_them_all():
    whole = sum(len(json.dumps(tool.schema)) + len(tool.description) for tool in TOOLS.values())
    assert whole < 80_000, "some 20,000 tokens, read before anything is asked"


@pytest.mark.parametrize("name", [*NOT_AN_AGENTS, "token", "prompts"])
def test_what_is_not_in_the_schema_is_refused(name):
    error = refusal(lambda: TOOLS["repaint"].checked({"bars": "1-2", name: True}))
    assert error.code is ErrorCode.UNKNOWN_FIELD
    assert error.field == name


def test_a_long_result_is_shortened_and_says_so():
    short = {"takes": [{"take": "t1"}]}
    assert bounded(short) == short
    long = {"takes": [{"take": f"t{number}", "path": "x" * 100} for number in range(1000)]}
    found = bounded(long)
    assert len(json.dumps(found)) <= MAX_RESULT
    assert found["takes"] == long["takes"][: len(found["takes"])] != []
    assert f"{len(found['takes'])} entries" in found["shortened"]
    hopeless = bounded({str(number): "x" * 30 for number in range(2000)})
    assert list(hopeless) == ["shortened"]


def test_the_page_for_agents_names_what_they_cannot_do():
    page = (DOCS / "agents.md").read_text(encoding="utf-8")
    for name in WITHHELD:
        assert f"`{name}`" in page, name


def test_the_page_for_agents_lists_every_tool_that_only_reads():
    page = (DOCS / "agents.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith("| reading |")]
    reading = {name for name, tool in TOOLS.items() if tool.kind is ToolKind.READING}
    assert set(re.findall(r"`(\w+)`", row)) == reading
