"""Numbers in the requests of Lua scripts, in a program whose language writes 0,5 for a half."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.examples.reaper import needs_lua
from tests.places import EXAMPLES

# What C's printf and strtod do once the program, or a plug-in in it, has set such a language (setlocale, LC_NUMERIC).
WITH_COMMAS = """
local format, number = string.format, tonumber
function string.format(form, ...)
  local text = format(form, ...)
  if form:match('g$') then text = text:gsub('%.', ',') end
  return text
end
function tonumber(value, base)
  if base then return number(value, base) end
  return number(type(value) == 'string' and value:gsub(',', '.') or value)
end
"""


@needs_lua
@pytest.mark.parametrize("script", ["reaper/lib/json.lua", "ardour/takebridge/json.lua"])
def test_a_decimal_comma_never_reaches_the_server(script: str) -> None:
    code = (
        WITH_COMMAS
        + f"io.write(dofile({str(EXAMPLES / script)!r}).encode({{bpm = 120.5, list = {{0.1, 2}}}}))"
    )
    sent = subprocess.run(
        ["lua5.4", "-e", code], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert json.loads(sent) == {"bpm": 120.5, "list": [0.1, 2]}
