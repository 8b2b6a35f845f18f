"""The server, and the commands that set it up: panel, demo, doctor, models, MIDI, documents."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bridge_server.cli.arguments import engines_of, models_of, screen_of, settings_of, store_of
from bridge_server.cli.options import Subparsers, engine_options, json_option, models_option, places, port
from bridge_server.cli.stopping import leave_at_once, stopped_early
from bridge_server.engines.registry import BUILT_IN, DEFAULT_ENGINE
from bridge_server.logs import JSON, TEXT, logged_to
from bridge_server.settings import MAX_PLACES, OSC_PORT, WEBSOCKET_PORT, Settings

REPORT = "takebridge-report.txt"


def add_others(commands: Subparsers) -> None:
    """Everything but `serve`, which comes first."""
    _models(commands)
    _midi(commands)
    _demo(commands)
    _panel(commands)
    _doctor(commands)
    _mcp(commands)
    _docs(commands)


def add_serve(commands: Subparsers) -> None:
    serve = commands.add_parser("serve", help="run the server a DAW talks to")
    serve.add_argument(
        "--root", type=Path, action="append", default=[], metavar="FOLDER",
        help="a folder whose songs requests may name; may be repeated (default: the current one)",
    )  # fmt: skip
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serve.add_argument(
        "--port", type=port, default=WEBSOCKET_PORT, help="WebSocket and HTTP port (0: any free one)"
    )
    serve.add_argument("--osc-port", type=port, default=OSC_PORT, help="OSC port (0: any free one)")
    serve.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="a file with the token that is required of every client; needed for any other --host",
    )  # fmt: skip
    serve.add_argument(
        "--token", default="", help="the token itself; other users of this machine see it in the process list"
    )
    serve.add_argument(
        "--lan", action="store_true",
        help="allow tablets on the local network: shows a QR code with a token; this machine needs none",
    )  # fmt: skip
    serve.add_argument(
        "--engine",
        default=DEFAULT_ENGINE,
        help="the engine that renders unless a request names another; built in: "
        + ", ".join(spec.name for spec in BUILT_IN),
    )
    serve.add_argument(
        "--midi-in",
        metavar="PORT",
        help="listen to a MIDI input: a part of its name, virtual:NAME or tcp:PORT",
    )
    serve.add_argument(
        "--midi-map", type=Path, metavar="FILE", help="which pad, pedal or fader sends which message"
    )
    serve.add_argument(
        "--midi-clock", action="store_true", help="take tempo and playhead from the input's MIDI clock"
    )
    serve.add_argument(
        "--link",
        action="store_true",
        help="take tempo, start and stop from Ableton Link, on the local network",
    )
    serve.add_argument(
        "--sign",
        action="store_true",
        help="sign clips, exports and finished songs (C2PA) with this machine's own key; not AAF",
    )
    serve.add_argument(
        "--watch", type=Path, metavar="FOLDER",
        help="render what files dropped here ask for by their names (docs/any-daw.md)",
    )  # fmt: skip
    serve.add_argument(
        "--language", metavar="TAG", dest="spoken", default=argparse.SUPPRESS,
        help="language of answers and of the panel: en or ko (default: English; in the panel that of the browser)",
    )  # fmt: skip
    serve.add_argument("--no-sound", dest="sound", action="store_false", help="play nothing on this machine")
    serve.add_argument(
        "--verbose", action="store_true",
        help="show more of the log here, and let it quote requests: prompts, lyrics and names of songs",
    )  # fmt: skip
    serve.add_argument(
        "--log-format", choices=(TEXT, JSON), default=TEXT,
        help="lines for people or JSON for programs, in the store's logs folder (default: text)",
    )  # fmt: skip
    engine_options(serve)
    serve.add_argument(
        "--places", type=places, default=1, metavar="N",
        help=f"how many takes an engine renders at once, 1 to {MAX_PLACES}, each in a process with its own copy of the "
        "engine: 2 need twice the memory (default: 1)",
    )  # fmt: skip
    serve.add_argument(
        "--render-host", action="append", default=[], metavar="JOIN",
        help="a machine that renders for this one: the line `takebridge host` prints there, or a file with it; may be "
        "repeated (docs/studio.md)",
    )  # fmt: skip
    serve.add_argument(
        "--render-host-fallback", choices=("local",), default=None,
        help="render on this machine while no render host can be reached; its takes may differ from theirs",
    )  # fmt: skip
    serve.set_defaults(run=_run_serve, leave=leave_at_once)


def _run_serve(arguments: argparse.Namespace) -> int:
    with stopped_early():
        from bridge_server.cli.serve import serve
        from bridge_server.cli.serve_settings import serve_settings

        settings = serve_settings(arguments)
        with logged_to(settings.store, arguments.log_format, arguments.verbose):
            return asyncio.run(serve(settings))


def _models(commands: Subparsers) -> None:
    labels = " and ".join(one.label for one in BUILT_IN if one.models)
    models = commands.add_parser("models", help=f"list, download and check the models of {labels}")
    models.add_argument(
        "action",
        choices=("list", "pull", "verify", "path", "halve", "unhalve", "ears"),
        help=(
            "ears fetches the weights of the beat tracker that `analyse` uses where the extra of that name is "
            "installed; halve stores the transformer of an ACE-Step checkpoint in half precision too, for graphics "
            "cards that load it anew for every render and compute it in bfloat16 (NVIDIA Ampere or newer), and "
            "unhalve removes that"
        ),
    )
    models.add_argument("name", nargs="*", help="which models, such as turbo; `list` shows their names")
    json_option(models)
    models_option(models)
    models.set_defaults(run=_run_models)


def _run_models(arguments: argparse.Namespace) -> int:
    if arguments.action == "ears":
        from bridge_server.cli.ears import run_ears

        return run_ears(screen_of(arguments))
    from bridge_server.cli.models import run_models

    return run_models(screen_of(arguments), models_of(arguments), arguments.action, arguments.name)


def _midi(commands: Subparsers) -> None:
    midi = commands.add_parser("midi", help="MIDI inputs, what a pad is called, and whether a map is right")
    actions = midi.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the MIDI inputs there are").set_defaults(run=_run_midi_list)
    learn = actions.add_parser("learn", help="print pads and controls as a map names them")
    learn.add_argument("--midi-in", metavar="PORT", required=True, help="the input, as `serve` takes it")
    check = actions.add_parser("check", help="read a map and say what it binds")
    check.add_argument("file", type=Path, help="the map")
    learn.set_defaults(run=_run_midi_learn)
    check.set_defaults(run=_run_midi_check)


def _run_midi_list(_: argparse.Namespace) -> int:
    from bridge_server.cli.console import TextConsole
    from bridge_server.cli.midi import list_inputs

    return list_inputs(TextConsole())


def _run_midi_learn(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.console import TextConsole
    from bridge_server.cli.midi import learn

    return asyncio.run(learn(TextConsole(), arguments.midi_in))


def _run_midi_check(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.console import TextConsole
    from bridge_server.cli.midi import check

    return check(TextConsole(), arguments.file)


def _demo(commands: Subparsers) -> None:
    demo = commands.add_parser("demo", help="try everything on a bundled song")
    demo.add_argument("-o", "--out", type=Path, default=Path("demo-output"), help="folder for the results")
    demo.add_argument(
        "--panel", action=argparse.BooleanOptionalAction, default=None,
        help="leave the panel open at the end, until Ctrl-C (the default in a terminal)",
    )  # fmt: skip
    demo.set_defaults(run=_run_demo)


def _run_demo(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.demo import demo

    out = arguments.out.absolute()
    stay = sys.stdin.isatty() if arguments.panel is None else arguments.panel
    return asyncio.run(demo(Settings(store=out / "store", engines=engines_of(arguments)), out, stay))


def _panel(commands: Subparsers) -> None:
    panel = commands.add_parser("panel", help="open the panel of the running server in the browser")
    panel.add_argument("--code", action="store_true", help="show a code to scan with a tablet instead")
    panel.set_defaults(run=_run_panel)


def _run_panel(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.serve import open_panel

    return open_panel(store_of(arguments), arguments.code)


def _doctor(commands: Subparsers) -> None:
    doctor = commands.add_parser("doctor", help="diagnose the installation and suggest fixes")
    json_option(doctor)
    doctor.add_argument(
        "--report", type=Path, nargs="?", const=Path(REPORT), metavar="FILE",
        help="instead, write what a bug report needs into a file: no names, no words of requests, no folders "
        f"(default: {REPORT})",
    )  # fmt: skip
    models_option(doctor)
    doctor.set_defaults(run=_run_doctor)


def _run_doctor(arguments: argparse.Namespace) -> int:
    if arguments.report is not None:
        return _run_report(arguments)
    from bridge_server.cli.doctor import doctor

    return asyncio.run(doctor(settings_of(arguments), arguments.json, models_of(arguments)))


def _run_report(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.report import report, write_report

    path: Path = arguments.report.expanduser().absolute()
    if arguments.json and arguments.report == Path(REPORT):
        path = path.with_suffix(".json")
    found = asyncio.run(report(settings_of(arguments), models_of(arguments)))
    write_report(path, found, arguments.json)
    if arguments.json:
        print(json.dumps({"report": str(path), "sections": list(found)}))
        return 0
    print(f"The report is in {path}: {', '.join(found)}.")
    print("It has no names, words of requests, folders or addresses. Read it before you send it.")
    return 0


def _mcp(commands: Subparsers) -> None:
    mcp = commands.add_parser(
        "mcp", help="let an agent use the running server, over MCP on stdin and stdout (docs/agents.md)"
    )
    mcp.set_defaults(run=_run_mcp)


def _run_mcp(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.mcp_server import serve_agents

    if sys.stdin.isatty():
        print(
            "An agent's program starts this command and talks to it; docs/agents.md says how.",
            file=sys.stderr,
        )
    return asyncio.run(serve_agents(store_of(arguments)))


def _docs(commands: Subparsers) -> None:
    docs = commands.add_parser("docs", help="write docs/protocol.md and docs/schema.json")
    docs.add_argument("folder", type=Path, nargs="?", default=Path("docs"))
    docs.set_defaults(run=_run_docs)


def _run_docs(arguments: argparse.Namespace) -> int:
    from bridge_server.cli.docs import write_documents

    return write_documents(arguments.folder)
