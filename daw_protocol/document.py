"""docs/protocol.md, generated from the command table and the message types; a test keeps the file current."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from daw_protocol.addresses import COMMANDS, Command, Group
from daw_protocol.errors import ErrorCode
from daw_protocol.fields import Kind
from daw_protocol.message import Message, default_of, has_default
from daw_protocol.osc_packet import TYPE_TAGS
from daw_protocol.receipt import Receipt
from daw_protocol.replies import REPLIES, Reply
from daw_protocol.requests import Render, Request
from daw_protocol.result_fields import ListOf, Nullable, Record, TableOf, linked, title

INTRODUCTION = """\
# The protocol

This page is generated from the tables in `daw_protocol/`; `takebridge docs` writes it.

The bridge listens for OSC on UDP port 9124 and for JSON-RPC 2.0 over WebSocket and HTTP on port 9125. All take the same
commands with the same values.

**OSC.** A message is an address, the first values in the order given below, then name-value pairs, so that you can
type it: `takebridge send /bridge/repaint source song.wav start 384000 end 576000`, which prints the answers, or with
liblo `oscsend localhost 9124 /bridge/repaint sssisi source song.wav start 384000 end 576000`. The examples below are as
oscsend takes them, with the type of each value; `takebridge send` needs none.
Every value may be sent as a string, and whole numbers as floats; [Type tags](#osc-type-tags) lists what each becomes.
Address patterns (`*`, `?`, `[]`, `{}`) are not matched. Replies go to the port the message came from, or to
`reply_port`. Messages of one machine share their context, so that they can be typed one by one; `client` keeps
programs apart. A request without a song, from a client that never named one, uses the shared context: the song any
client named last. With a token, every message carries it; without it no answer is larger than what was sent, and a
short message gets none. Replies have the id first,
then pairs. A reply never exceeds 1,400 bytes: long texts are shortened and a path that does not fit is omitted; the
WebSocket carries both in full. Text is UTF-8: other bytes are refused and shown as U+FFFD, and a WebSocket text frame
with them ends its connection with the code 1007 (RFC 6455, 8.1).

**WebSocket.** The result of `{"jsonrpc":"2.0","id":1,"method":"repaint","params":{"source":"song.wav",...}}`
is the acknowledgement; progress, takes and the terminal message follow as notifications
(`{"jsonrpc":"2.0","method":"progress","params":{...}}`). [Results](#results) describes every method's result.

**HTTP.** `POST /rpc` takes the same JSON-RPC and gives the same results; later, `jobs.show` tells what has
become of a job. Files have addresses of their own: [http.md](http.md).

**Mailbox.** Scripts without sockets write the same JSON-RPC requests to files and read the answers from another file:
[mailbox.md](mailbox.md).

**Answers.** Every request for audio gets `ack` at once, `progress` at most ten times a second, one `take` per clip,
and exactly one terminal message: `done`, `failed` or `cancelled`. An invalid request gets `failed` only. All other
requests get `ok`.

**Ids.** A request needs no `id`: replies about a job then have the job's. Repeating a request with its `id` repeats
the answer without doing the work again. The same `id` with other values, or a bare request after the context has
changed, is refused (`id_in_use`). Every client has ids of its own: a WebSocket connection or the name it connects
with, a mailbox `client`, an OSC `client` or, without that name, the port that replies go to. OSC messages typed one by
one come from a new port each time: an `id` with the same values is then the same request, with other values a new one,
and `cancel` finds the newest.

**Numbers and texts.** Text is UTF-8. A number may be text, with a decimal comma where it can only be one: `120,5` is
120.5, and `1,500` is refused. A float above 2^24 (32 bits) or 2^53 (64 bits) may have been rounded and is refused as
an id, a seed or a position. Seeds are 0 to 2^64 - 1; other whole numbers are folded into that range, -1 draws one, and
the acknowledgement notes it. Seeds above 2^53 are written as text.

**Positions** are `384000` (samples), `"12.5s"`, `"17|1|0"` (bar, beat, tick of 960 to the quarter note), `"64b"`
(quarter notes from the start of the ruler), `"1:02.5"` or timecode (`"00:01:02:12@25"`). A region is half-open:
`end` is the first sample after it. `bars "17-20"` includes both bars. All count from the start of the project.
`source_position` is the song's own place there. Without it, the time stamp of a Broadcast WAV counts (the `ack` then
has a `note`), or the place of the take that is the source; without those, the song starts where the project does.

**File names** match in any spelling: accents composed or decomposed, and capitals or small letters where no file has
the exact name. Answers show `?` for each byte of a name that is not UTF-8; requests may use that form.

**Tempo maps** are objects: `{"points": [{"quarter": 0, "bpm": 120}, {"quarter": 32, "bpm": 126, "ramp": true}, ...],
"meters": [{"quarter": 0, "meter": "4/4"}], "offset": 0, "first_bar": 1}`; `quarter` counts quarter notes, `ramp` moves
the tempo linearly in time to the next point, `offset` is the time in seconds of the first beat of `first_bar`.
Numbers without an exact decimal form are written as strings (`"1/3"`).
"""


def protocol_document() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    for group in Group:
        yield f"## {group.value}\n"
        if group is Group.RENDER:
            yield "All of these share the values under [Shared values](#shared-values).\n"
        for command in COMMANDS:
            if command.group is group:
                yield from _command(command)
    yield "## Shared values\n"
    yield from _table(dataclasses.fields(Render))
    yield "## Replies\n"
    for reply in REPLIES:
        yield f"### `/bridge/{reply.name}`, notification `{reply.name}`\n"
        yield f"{(reply.__doc__ or '').strip()}\n"
        yield from _table(dataclasses.fields(reply))
    yield "## Results\n"
    yield "What methods return over WebSocket and mailbox. Required values are always present.\n"
    for message in _results():
        yield from _result(message)
    yield "## Receipt\n"
    yield f"{(Receipt.__doc__ or '').strip()} It is part of the take's record (`takes.show`) and of its files.\n"
    yield from _table(dataclasses.fields(Receipt))
    yield "## OSC type tags\n"
    yield "| value | tag | accepted | becomes |"
    yield "|---|---|---|---|"
    for known in TYPE_TAGS:
        yield f"| {known.name} | `{known.tag}` | {'yes' if known.accepted else 'no'} | {known.becomes} |"
    yield "| array | `[` `]` | yes | a list |\n"
    yield "A refused value does not move those behind it. A message with any other tag is refused.\n"
    yield "## Errors\n"
    yield "`failed` has one of these codes, a sentence, a remedy and the field at fault:\n"
    yield ", ".join(f"`{code.value}`" for code in ErrorCode) + "."


def _command(command: Command) -> Iterator[str]:
    heading = f"`{command.address}`, method `{command.name}`" if command.osc else f"method `{command.name}`"
    yield f"### {heading}\n"
    yield f"{command.doc}\n"
    if command.example:
        yield f"    {command.example}\n"
    shared = (
        {entry.name for entry in dataclasses.fields(Render)} if issubclass(command.request, Render) else set()
    )
    if shared:
        shared -= set(command.positional)
    own = [entry for entry in dataclasses.fields(command.request) if entry.name not in shared]
    if not issubclass(command.request, Render):
        own = [entry for entry in own if entry.name not in _base_names() - set(command.positional)]
    if command.osc and command.positional:
        yield f"First: {', '.join(f'`{name}`' for name in command.positional)}.\n"
    yield from _table(own)
    yield f"Result: {_returned(command)}.\n"


def _returned(command: Command) -> str:
    """What a command returns over WebSocket, with a link."""
    if issubclass(command.result, Request):
        return "these values as they were interpreted"
    return linked(command.result)


def _results() -> list[type[Message]]:
    """The messages that are results, or parts of one, and have no section elsewhere; each once, in reading order."""
    found: dict[type[Message], None] = {}
    waiting = [command.result for command in COMMANDS]
    while waiting:
        message = waiting.pop(0)
        if message in found or message in (*REPLIES, Receipt) or issubclass(message, Request):
            continue
        found[message] = None
        base = _base(message)
        parts = [_record_in(entry.metadata["kind"]) for entry in dataclasses.fields(message)]
        waiting = [one for one in (base, *parts) if one is not None] + waiting
    return list(found)


def _base(message: type[Message]) -> type[Message] | None:
    """The message whose values this one has too."""
    base = message.__base__
    return base if base is not None and issubclass(base, Message) and base not in (Message, Reply) else None


def _record_in(kind: Kind) -> type[Message] | None:
    """The message that values of this kind hold."""
    while isinstance(kind, (ListOf, Nullable, TableOf)):
        kind = kind.kind
    return kind.message if isinstance(kind, Record) else None


def _result(message: type[Message]) -> Iterator[str]:
    yield f"### {title(message).capitalize()}\n"
    yield f"{(message.__doc__ or '').strip()}\n"
    own = dataclasses.fields(message)
    if (base := _base(message)) is not None:
        yield f"The values of {linked(base)}, and:\n"
        own = own[len(dataclasses.fields(base)) :]
    yield from _table(own)


def _base_names() -> set[str]:
    return {entry.name for entry in dataclasses.fields(Request)}


def _table(entries: Iterable[dataclasses.Field[Message]]) -> Iterator[str]:
    rows = [_row(entry) for entry in entries]
    if not rows:
        return
    yield "| value | takes | meaning | default |"
    yield "|---|---|---|---|"
    yield from rows
    yield ""


def _row(entry: dataclasses.Field[Message]) -> str:
    kind = entry.metadata["kind"]
    default = "required"
    if has_default(entry):
        found = default_of(entry)
        default = "" if found in (None, "", (), {}) else f"`{kind.write(found)}`"
    return f"| `{entry.name}` | {kind.describe()} | {entry.metadata['doc']} | {default} |"
