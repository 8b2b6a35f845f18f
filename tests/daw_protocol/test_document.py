import dataclasses
import re

import pytest

from daw_protocol.addresses import COMMANDS
from daw_protocol.document import protocol_document
from daw_protocol.errors import ErrorCode
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import Recipe
from daw_protocol.replies import REPLIES
from daw_protocol.result_fields import title
from daw_protocol.results import EngineRecord, Focus
from daw_protocol.take_results import TakeRecord

PAGE = protocol_document()
LINES = PAGE.splitlines()


def section(heading: str) -> list[str]:
    """The lines from a heading to the next one."""
    start = next(number for number, line in enumerate(LINES) if line.startswith(heading)) + 1
    end = next((number for number in range(start, len(LINES)) if LINES[number].startswith("#")), len(LINES))
    return LINES[start:end]


def test_every_command_has_a_section_with_its_example_and_its_own_values():
    shared = {line.split("`")[1] for line in section("## Shared values") if line.startswith("| `")}
    for command in COMMANDS:
        heading = f"### `{command.address}`" if command.osc else f"### method `{command.name}`"
        found = section(heading)
        assert command.doc in found
        if command.osc:
            assert f"    {command.example}" in found
        reported = {line.split("`")[1] for line in found if line.startswith("| `")}
        asked = {entry.name for entry in dataclasses.fields(command.request)}
        assert reported <= asked
        # The rest is documented once for all: shared by renders, or id, reply_port and client.
        assert asked - reported <= shared


def test_every_reply_and_the_receipt_are_documented_in_full():
    sections = {f"### `/bridge/{reply.name}`": reply for reply in REPLIES} | {"## Receipt": Receipt}
    for heading, message in sections.items():
        reported = [line.split("`")[1] for line in section(heading) if line.startswith("| `")]
        assert reported == [entry.name for entry in dataclasses.fields(message)]


def test_every_command_links_to_what_it_returns_and_every_link_leads_somewhere():
    headings = [line.lstrip("# ").lower() for line in LINES if line.startswith("#")]
    anchors = {re.sub(r"[^a-z0-9 _-]", "", line).replace(" ", "-") for line in headings}
    for command in COMMANDS:
        heading = f"### `{command.address}`" if command.osc else f"### method `{command.name}`"
        assert any(line.startswith("Result: ") for line in section(heading))
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert len(links) > len(COMMANDS)
    assert set(links) <= anchors


@pytest.mark.parametrize("message", [TakeRecord, Recipe, EngineRecord, Focus])
def test_results_are_documented_in_full(message):
    reported = [
        line.split("`")[1] for line in section(f"### {title(message).capitalize()}") if line.startswith("| `")
    ]
    assert reported == [entry.name for entry in dataclasses.fields(message)]


def test_a_result_that_adds_to_another_documents_what_is_new_only():
    found = section("### Listed take")
    assert "The values of [take record](#take-record), and:" in found
    assert [line.split("`")[1] for line in found if line.startswith("| `")] == ["chosen", "parts"]


def test_every_error_code_is_documented():
    reported = " ".join(section("## Errors"))
    assert all(f"`{code.value}`" in reported for code in ErrorCode)


def test_every_table_is_a_table():
    for number, line in enumerate(LINES):
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|")
            assert cells == 5, line
            assert LINES[number - 1].startswith("|") or line.startswith("| value")


def test_one_row():
    assert "| `takes` | whole number, 1 to 8 | how many versions to render | `1` |" in LINES
    assert "| `job` | text, at most 64 characters | the job's id | required |" in LINES


def test_the_page_ends_with_a_line_end_and_has_no_others_at_line_ends():
    assert PAGE.endswith(".\n")
    assert all(line == line.rstrip() for line in LINES)
