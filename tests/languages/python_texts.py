"""What the server, its engines and the command line say to a producer, read from the sources as templates."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

from bridge_server.jobs.job import JobState
from daw_protocol.addresses import COMMANDS
from daw_protocol.message import has_default
from tests.places import PROJECT

PACKAGES = ("daw_protocol", "clip_store", "model", "bridge_server")
MAX_FORMS = 16
"""Of one text whose parts depend on conditions."""

# Modules whose texts are read by programs, developers or the log alone, or are help, documents and pages of their own.
NOT_SAID = (
    "bridge_server/bundled.py", "bridge_server/cli/arguments.py",
    "bridge_server/cli/docs.py", "bridge_server/cli/known_words.py",
    "bridge_server/cli/mcp_tools.py", "bridge_server/cli/options.py", "bridge_server/cli/parser.py",
    "bridge_server/cli/report.py", "bridge_server/cli/request_parsers.py",
    "bridge_server/daws.py", "bridge_server/endpoints/http/metrics_page.py", "bridge_server/handlers/metrics.py",
    "bridge_server/live_extension_file.py", "bridge_server/log",
    "clip_store/audio/xmp.py", "clip_store/index_schema.py",
    "clip_store/exports/aaf.py",
    "daw_protocol/addresses.py", "daw_protocol/document.py", "daw_protocol/schema.py",
    "model/acestep/planner/planner_prompts.py", "model/acestep/sampling/option_help.py",
    "model/sketch/band/presets.py",
    "bridge_server/cli/analyse_parser.py", "bridge_server/cli/presets_parser.py", "bridge_server/cli/send_parser.py",
)  # fmt: skip
# Calls whose texts are read by no producer: the log, tables of fields, help, faults of the program itself.
NOT_SAID_BY = {
    "AssertionError", "RuntimeError", "KeyError", "NotImplementedError", "Command", "Family", "TypeTag",
    "Thread", "compile", "create_task", "critical", "debug", "error", "exception", "execute", "executescript",
    "getLogger", "info", "search", "set_defaults", "spawn", "value", "warning", "add_argument", "add_parser",
    "add_subparsers", "fullmatch", "match", "sub", "split", "removeprefix", "removesuffix", "startswith",
    "endswith", "strptime", "strftime", "getattr", "executemany", "ContextVar", "_takes", "_rows", "setdefault",
}  # fmt: skip
# Of these the engine's own code asks only: a request never reaches them unchecked.
FAULTS_OF_THE_PROGRAM = ("ValueError", "TypeError")

SAID = re.compile(r"[A-Za-z'`\"}][,;:.)]* [({\"`'>-]*[A-Za-z]|[a-z]{2,}[.:]$")
# "Region 2: The region is empty.", "Warning: The take clicks.", "position 'x': it is not in a known form; write ..."
HEAD = re.compile(r"[A-Za-z]+(?: \{\})?: \{\}(?:; \{\}|\.)?")
FILLED = re.compile(r"\{\{([a-z_]*)(?::[^{}]*)?\}\}(?![}\]])")
FILLED_IN = re.compile(r"\{[^{}]*\}")
WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class SourceText:
    """A template of the sources: literal text and, in braces, the names of what is filled in."""

    text: str
    where: str


@cache
def python_texts() -> tuple[SourceText, ...]:
    """Every text a producer may read, in the order of the sources."""
    found = [*_missing_values(), *_states()]
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            if not name.startswith(NOT_SAID):
                found += texts_of(path.read_text(encoding="utf-8"), name)
    return tuple(found)


def _missing_values() -> Iterator[SourceText]:
    """What requests say of values they cannot do without: quoted where one is missing."""
    for command in COMMANDS:
        for entry in fields(command.request):
            if not has_default(entry):
                yield SourceText(
                    entry.metadata["doc"], f"daw_protocol: {command.request.__name__}.{entry.name}"
                )


def _states() -> Iterator[SourceText]:
    """Where a job is: answers name it, and commands show it."""
    for state in JobState:
        yield SourceText(state.value, f"bridge_server/jobs/job.py: {state}")


def texts_of(source: str, name: str) -> list[SourceText]:
    """The texts of one module."""
    tree = ast.parse(source)
    skipped = {id(text) for text in _unsaid(tree, internal=name.startswith("model/"))}
    translated = {id(text) for text in _translated(tree)}
    labels = {id(text) for text in _labels(tree)}
    # A part of an f-string or of a sum is no text of its own.
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
            continue
        for form in _forms(node):
            text = _named(form)
            if id(node) in labels and text.isalpha():  # as `label_in` looks it up
                found.append(SourceText(f"[{text}]", f"{name}:{node.lineno}"))
            elif is_said(text) or (id(node) in translated | labels and WORD.search(FILLED_IN.sub("", text))):
                found.append(SourceText(text, f"{name}:{node.lineno}"))
    return found


def _translated(tree: ast.Module) -> Iterator[ast.expr]:
    """Texts that the code itself looks up in the tables, or that say how far a render is, if they are but a word."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if _called(node) in ("text_in", "said", "Progress") or ast.unparse(node.func).endswith("pace.at"):
            yield node.args[0]


def _labels(tree: ast.Module) -> Iterator[ast.expr]:
    """Texts that stand by themselves: headings, and what a line of `doctor` is about."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from {"ListTable": node.args, "label": node.args, "Finding": node.args[:1]}.get(
                _called(node), []
            )


def is_said(text: str) -> bool:
    """Whether a text is words for people: two words at least, or the end of a sentence."""
    bare = re.sub(r"\{[^{}]*\}", "{}", text).strip()
    if HEAD.fullmatch(bare):
        return True
    if not SAID.search(bare.replace("{}", "")) and not (
        SAID.search(bare) and WORD.search(bare.replace("{}", ""))
    ):
        return False
    return not re.match(
        r"(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|ALTER|BEGIN|<|\(\?|\\|takebridge [a-z]+$)", bare
    )


Piece = str | ast.expr


def _forms(node: ast.expr) -> list[tuple[Piece, ...]]:
    """What an expression may become: literal text, and expressions for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return [(text,)]
        case ast.JoinedStr(values=values):
            parts = [
                _forms(one.value) if isinstance(one, ast.FormattedValue) else _forms(one) for one in values
            ]
        case ast.BinOp(right=ast.Constant(value=int())):  # a number that is counted from one
            return [(node,)]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_forms(left), _forms(right)]
        case ast.IfExp(body=body, orelse=orelse):
            return _forms(body) + _forms(orelse)
        case _:
            return [(node,)]
    if len(list(itertools.islice(itertools.product(*parts), MAX_FORMS + 1))) > MAX_FORMS:
        return [tuple(piece for part in parts for piece in part[0])]
    return [tuple(piece for form in one for piece in form) for one in itertools.product(*parts)]


def _named(form: tuple[Piece, ...]) -> str:
    """A form as a template; the same name twice gets a number."""
    taken: dict[str, int] = {}
    text = ""
    for piece in form:
        if isinstance(piece, str):
            text += FILLED.sub(_later, piece.replace("{", "{{").replace("}", "}}"))
            continue
        name = _name(piece)
        taken[name] = taken.get(name, 0) + 1
        text += f"{{{name}{taken[name] if taken[name] > 1 else ''}}}"
    return text


def _later(found: re.Match[str]) -> str:
    """What `str.format` fills in, as if an f-string did."""
    return f"{{{found[1] or 'value'}}}"


def _name(node: ast.AST) -> str:
    """A word for what is filled in. Raises ValueError for a plural's letters, which no translation could leave out."""
    match node:
        case (
            ast.BinOp(op=ast.Mult(), left=ast.Constant(value="s"))
            | ast.Subscript(value=ast.Constant(value="s"))
        ):
            raise ValueError(f"line {node.lineno}: write a plural as a condition: {{'s' if many else ''}}")
        case ast.Name(id=name):
            return name.lower().strip("_")
        case ast.Attribute(attr=name):
            return name.lower().strip("_")
        case ast.BinOp(left=left, right=ast.Constant(value=int())):
            return _name(left)
        case ast.Call(func=ast.Name(id="len")):
            return "count"
        case ast.Call(func=ast.Attribute(attr="join")):
            return "list"
        case ast.Call(args=[ast.Name() | ast.Attribute() as first, *_]):
            return _name(first)
        case ast.Call(func=function):
            return _name(function)
    return "value"


def _unsaid(tree: ast.Module, internal: bool) -> Iterator[ast.AST]:
    """Nodes whose texts no producer reads, with all below them."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            yield from (
                one.value for one in body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            )
        if isinstance(node, ast.Call) and _silent(node, internal):
            for one in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from ast.walk(one)
        elif (
            isinstance(node, ast.Call) and _called(node) == "Wish"
        ):  # its first value and its synonyms are prompts
            for one in (*node.args[:1], *node.args[2:], *(keyword.value for keyword in node.keywords)):
                yield from ast.walk(one)
        elif isinstance(node, ast.Assert) and node.msg is not None:
            yield from ast.walk(node.msg)
        elif isinstance(node, ast.JoinedStr):
            yield from (one for one in node.values if isinstance(one, ast.Constant))
            yield from _conditions(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from _conditions(node)
        elif isinstance(node, (ast.Subscript, ast.Dict)):
            yield from (node.keys if isinstance(node, ast.Dict) else (node.slice,))  # type: ignore[misc]
        elif isinstance(node, ast.Compare):
            yield from (node.left, *node.comparators)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from (node.returns,) if node.returns else ()


def _conditions(node: ast.AST) -> Iterator[ast.AST]:
    """The texts that `_forms` of this node takes up."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FormattedValue(value=ast.IfExp() as one) | (ast.IfExp() as one):
                yield from _taken_up(one)
            case ast.Constant() | ast.JoinedStr() | ast.BinOp(op=ast.Add()):
                yield child
                yield from _conditions(child)


def _taken_up(node: ast.IfExp) -> Iterator[ast.AST]:
    for one in (node.body, node.orelse):
        if isinstance(one, ast.IfExp):
            yield from _taken_up(one)
        elif isinstance(one, (ast.Constant, ast.JoinedStr, ast.BinOp)):
            yield one
            yield from _conditions(one)


def _silent(node: ast.Call, internal: bool) -> bool:
    name = _called(node)
    return name in NOT_SAID_BY or (internal and name in FAULTS_OF_THE_PROGRAM)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
