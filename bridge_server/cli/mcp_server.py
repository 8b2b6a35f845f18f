"""`takebridge mcp`: the tools of mcp_tools.py over MCP on stdin and stdout, by the official SDK (extra `mcp`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge_server.cli.agent_session import AgentSession
from bridge_server.cli.mcp_tools import TOOLS, AgentTool, ToolKind, bounded
from bridge_server.version import VERSION
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import shown
from daw_protocol.message import unknown_field

try:
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
except ImportError as missing:
    raise ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        "The package mcp is not installed.",
        "Install it: pip install 'takebridge[mcp]'.",
    ) from missing

INSTRUCTIONS = """\
Takebridge renders new takes of a region of a song, aligned to the sample, on the producer's machine. A usual way: \
songs_list or focus_show for the song, select for the region, repaint with takes 2, the receipts that come back (or \
takes_show), takes_choose for the better one, and export (what song, format mix) to save the song. A region is bars \
("17-20"), or start and end in samples, seconds ("12.5s") or bars and beats ("17|1|0"). Songs are files in the folders \
the server was started with. audition_play lets the producer listen. Errors say what was wrong and what to do."""


async def serve_agents(store: Path) -> int:
    """Serves one agent's program until it closes stdin. Returns the exit status."""
    async with AgentSession(store) as session, stdio_server() as (incoming, outgoing):
        server = server_for(session)
        await server.run(incoming, outgoing, server.create_initialization_options())
    return 0


def server_for(session: AgentSession) -> Any:
    """The SDK's server, its tools carried out in this session."""

    async def on_list_tools(_context: Any, _params: Any) -> Any:
        return types.ListToolsResult(tools=[described(tool) for tool in TOOLS.values()])

    async def on_call_tool(context: Any, params: Any) -> Any:
        async def progress(fraction: float, stage: str) -> None:
            await context.session.report_progress(fraction, 1.0, stage)

        try:
            return succeeded(await session.call(tool_named(params.name), params.arguments or {}, progress))
        except ProtocolError as error:
            return refused(error)

    return Server(
        "takebridge",
        version=VERSION,
        title="Takebridge",
        instructions=INSTRUCTIONS,
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
    )


def tool_named(name: str) -> AgentTool:
    """Raises ProtocolError that suggests the nearest one."""
    if name in TOOLS:
        return TOOLS[name]
    remedy = unknown_field(name, TOOLS).remedy
    raise ProtocolError(ErrorCode.UNKNOWN_COMMAND, f"There is no tool {shown(name)}.", remedy, "name")


def described(tool: AgentTool) -> Any:
    """One tool, with hints for programs that ask a person before they let an agent change something."""
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema,
        annotations=types.ToolAnnotations(
            title=tool.command.name,
            read_only_hint=tool.kind is ToolKind.READING,
            destructive_hint=tool.kind is ToolKind.REMOVING,
            open_world_hint=False,
        ),
    )


def succeeded(result: dict[str, Any]) -> Any:
    found = bounded(result)
    text = json.dumps(found, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=found)


def refused(error: ProtocolError) -> Any:
    """What was wrong and what to do, as a producer reads it; the code and the field for programs."""
    text = f"{error.sentence} {error.remedy}".strip()
    about = {
        "code": error.code.value,
        "sentence": error.sentence,
        "remedy": error.remedy,
        "field": error.field,
    }
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=about, is_error=True
    )
