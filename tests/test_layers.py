"""The packages import one another in one direction only, and each keeps to what it may know: read from the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.places import PROJECT

# Package -> what of ours it may import, itself included; a dotted name means that part only.
MAY_IMPORT = {
    "daw_protocol": ("daw_protocol",),
    # Values only: what a task, a recipe and a receipt are, and where something is on the timeline.
    "clip_store": (
        "clip_store",
        "daw_protocol.ledger",
        "daw_protocol.receipt",
        "daw_protocol.recipe",
        "daw_protocol.song_receipt",
        "daw_protocol.tasks",
        "daw_protocol.timeline",
        "model.dsp",
    ),
    "model": ("model",),
    "bridge_server": ("bridge_server", "daw_protocol", "clip_store", "model"),
    "examples": ("examples", "daw_protocol"),
}
# Not a client but the maker of the demo's song: it plays its score on the synthesiser of the sketch engine.
MAKES_THE_DEMO_SONG = "examples/demo_song/render.py"
PACKAGES = tuple(name for name in MAY_IMPORT if name != "examples")
OURS = (*MAY_IMPORT, "tests", "benchmarks")

# These are copied elsewhere and called by the folder they lie in then, so their parts can only import each other
# relatively: Live's package, the commands for Pro Tools, and the nodes for ComfyUI.
LIVES_OWN = PROJECT / "examples" / "ableton" / "Takebridge"
COPIED = (LIVES_OWN, PROJECT / "examples" / "pro_tools", PROJECT / "examples" / "comfyui")
LIVES_MODULES = ("Live", "_Framework")

# Part of a package -> what it must never import, even though it may be installed.
NEVER = {
    # Arithmetic on arrays, for the store too.
    "model/dsp": ("torch", "asyncio", "soundfile", "librosa", "numba"),
    # The base install has no torch; numba and librosa take seconds to start and pin old numpy.
    "model/sketch": ("torch", "librosa", "numba", "demucs", "model.acestep"),
    # What separates knows no other engine.
    "model/stems": ("model.acestep", "model.sketch"),
    # For those without torch: what the networks are like is known, their code is not.
    "model/remote": ("torch", "transformers", "model.acestep.networks", "model.sketch", "model.acestep_v1"),
    # Its own loops and networks; diffusers would bring a second notion of each.
    "model/acestep": ("diffusers", "model.sketch", "model.acestep_v1"),
    "model/acestep_v1": ("diffusers", "model.sketch"),
    # Its library's networks; of ours only what every engine shares.
    "model/musicgen": (
        "diffusers",
        "model.sketch",
        "model.acestep.networks",
        "model.acestep_v1",
        "model.stems",
    ),
    "model/stable_audio": (
        "model.sketch",
        "model.acestep.networks",
        "model.acestep_v1",
        "model.musicgen",
        "model.stems",
    ),
    # The network lives in its own process, under a name that is only text here.
    "bridge_server": (
        "torch",
        "transformers",
        "safetensors",
        "model.acestep",
        "model.acestep_v1",
        "model.musicgen",
        "model.remote",
        "model.sketch",
        "model.stable_audio",
        "model.stems",
    ),
    "clip_store": ("torch", "asyncio", "socket"),
}

# Rooms of a package, from the outermost to the innermost: each may import rooms of its own row and of those below.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "bridge_server": (
        ("__main__",),
        ("cli",),
        ("server",),
        ("endpoints", "network"),
        ("handlers",),
        ("audition",),
        ("rendering",),
        ("settings",),  # they name the engines there are
        ("engines", "studio", "songs", "models", "presets", "provenance", "training"),
        ("jobs", "sessions"),
        (
            "errors",
            "guesses",
            "languages",
            "supervisor",
            "logs",
            "log_words",
            "bundled",
            "daws",
            "live_extension_file",
            "login_start",
            "loopback",
            "platforms",
            "version",
        ),
    ),
    "clip_store": (
        ("exports", "projects", "take_files"),
        ("mix",),
        ("store", "stems"),
        ("index", "peaks"),
        ("song_history",),
        ("choices", "kept", "marks", "room", "seal", "sung_lines"),
        ("index_schema",),
        ("blobs", "measure", "take"),
        ("splice",),
        ("likeness", "comp", "source_type"),
        ("audio",),
        ("atomic_file", "regular_file"),
        ("errors", "file_clock"),
    ),
    "daw_protocol": (
        ("document", "schema", "jsonrpc", "oscquery", "pad_map"),
        ("osc_form", "context"),
        ("song_tempo", "chord_sheet"),
        ("addresses",),
        ("take_results", "prompt_results"),
        ("model_results", "training_results"),
        ("results", "song_tempo_kept"),
        ("host_results", "ledger", "recipe", "song_receipt"),
        ("result_fields",),
        ("requests", "replies", "receipt"),
        ("message",),
        ("timeline_fields", "part_fields", "tasks", "seed", "depth", "blueprint_field", "label_field"),
        ("osc_packet",),
        ("fields",),
        ("timeline", "midi_clock", "song_position"),
        ("errors", "spelling", "unreadable", "json_text"),
    ),
    "model": (
        ("checkpoints",),
        ("acestep_v1", "musicgen", "remote", "stable_audio"),
        ("acestep", "sketch"),
        ("ears", "notes", "prompt_match", "stems", "word_hearing"),
        ("library_engine", "pace", "placed_audio", "stem_notes", "tagged_caption", "takes_in_order"),
        ("engine", "engine_config", "memory_failures"),
        (
            "library_checkpoint",
            "named_checkpoint",
            "packages",
            "part_checks",
            "published",
            "torch_device",
            "weight_header",
        ),
        (
            "blueprint",
            "dsp",
            "errors",
            "given_chord",
            "kept",
            "kernel_choices",
            "likely_kind",
            "lyric_tags",
            "vocabulary",
        ),
        ("whole_file",),
    ),
    "model.acestep": (
        ("engine", "training"),
        ("loaded_checkpoint",),
        ("renderer",),
        ("song_edit", "lyrics", "delivered_pieces", "render_report", "batches"),
        ("pipeline", "planner"),
        ("device",),
        ("conditioning",),
        ("sampling",),
        ("weights",),
        ("networks",),
        ("latent_grid",),
    ),
    "model.acestep_v1": (
        ("engine",),
        ("check_v1", "loaded_v1"),
        ("renderer",),
        ("v1_parts",),
        ("request_plan",),
        ("render_settings", "v1_memory", "options"),
        ("conditioning", "sampling"),
        ("weights",),
        ("networks",),
        ("frame_window",),
    ),
    "model.musicgen": (
        ("engine",),
        ("renderer",),
        ("long_music",),
        ("melody_network",),
        ("chroma", "musicgen_settings", "published_musicgen"),
    ),
    "model.stable_audio": (
        ("engine",),
        ("renderer",),
        ("audio_network",),
        ("noise_schedule", "published_stable_audio", "sound_window", "stable_audio_settings"),
    ),
    "model.remote": (
        ("acestep_api", "acestep_cpp", "comfyui"),
        ("ace_server", "ace_server_log", "comfy_server", "remote_engine", "rest_server"),
        ("comfy_events", "comfy_workflow", "delivery", "http_link", "returned_audio"),
        ("address", "dit_names", "options", "order", "waiting", "wav_audio"),
    ),
    "model.stems": (
        ("engine", "separator"),
        ("loading",),
        ("span",),
        ("overlap",),
        ("network",),
        ("clarity", "published_stems"),
    ),
    "model.sketch": (
        ("engine",),
        ("rearrange", "band", "survey"),
        ("separation",),
        ("analysis",),
        ("captions", "parameters"),
    ),
}

# Doors of the server: each decodes, asks the dispatcher and encodes, and knows no other door. What several share lies
# in the other modules of endpoints/.
DOORS = {
    "osc": ("osc",),
    "websocket": (
        "websocket",
        "osc_over_websocket",
        "http",
        "oscquery_values",
        "outbox",
        "turns",
        "uploads",
    ),
    "mailbox": ("mailbox",),
    "midi": ("midi",),
    "link": ("link",),
    "watch_folder": ("watch_folder",),
}
MAY_IMPORT_DOORS = ("bridge_server.cli", "bridge_server.server", "bridge_server.endpoints")

# A library -> the only places that know it.
ONLY_IN = {
    "sqlite3": ("bridge_server.jobs", "clip_store.index", "clip_store.index_schema"),
    # The TCP port: an application, the server that runs it, and the protocol it speaks after a handshake.
    "starlette": ("bridge_server.endpoints.websocket", "bridge_server.endpoints.http"),
    "uvicorn": ("bridge_server.endpoints.http.server", "bridge_server.endpoints.http.connections"),
    "h11": ("bridge_server.endpoints.http.connections",),
    "websockets": (
        "bridge_server.endpoints.http.connections",
        "bridge_server.cli.client",
        "bridge_server.studio.host_connection",
        "bridge_server.studio.host_server",
        "bridge_server.studio.living_connection",
        "bridge_server.studio.wire",
        "model.remote.comfy_events",
    ),
    "soundfile": ("clip_store.audio.decoder", "clip_store.audio.flac_file", "model.remote.wav_audio"),
    "httpx2": ("model.remote.http_link",),
    # Tempo maps go out as MIDI files; those that come in are read by daw_protocol.timeline.midi_file.
    "mido": (
        "bridge_server.endpoints.midi",
        "clip_store.exports.chord_track",
        "clip_store.exports.midi_tempo",
        "clip_store.exports.note_track",
        "model.sketch.band",
    ),
    "c2pa": ("bridge_server.provenance",),
    "cryptography": ("bridge_server.provenance", "bridge_server.studio.host_identity"),
    "onnxruntime": ("model.notes.transcriber",),
    "ray": (
        "bridge_server.studio.actor_child",
        "bridge_server.studio.engine_actor",
        "bridge_server.studio.ray_cluster",
    ),
    "demucs": ("model.stems.network",),
    "diffusers": ("model.stable_audio.audio_network", "model.stable_audio.noise_schedule"),
    "mcp": ("bridge_server.cli.mcp_server",),
    "mcp_types": ("bridge_server.cli.mcp_server",),
    "prometheus_client": ("bridge_server.endpoints.http.metrics_page",),
    "pythonosc": ("bridge_server.endpoints",),
    "sounddevice": ("bridge_server.audition.sound_devices",),
    "jack": ("bridge_server.audition.jack_transport",),
    "link": ("bridge_server.audition.link_transport",),
    # Engines are code named in text; an engine itself looks for its packages before it loads.
    "importlib": (
        "bridge_server.engines.child",
        "bridge_server.engines.registry",
        "bridge_server.training.training_child",
        "model.acestep_v1.conditioning.lyric_cleaning",
        "model.acestep_v1.conditioning.number_words",
        "model.sketch.engine",
        "model.notes.transcriber",
        "model.packages",
    ),
}

# daw_protocol opens nothing, waits for nothing, asks no clock and draws no random number.
IMPURE = {
    "asyncio", "datetime", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}

MAX_LINES = 400
# Modules that must be read in one piece although they are longer, each with the reason; none at present.
LONGER: dict[str, str] = {}

# Modules without a test file of their own name, each with the reason.
WITHOUT_A_TEST_FILE = {
    "bridge_server/sessions/client.py": "interfaces only",
    "bridge_server/studio/engine_actor.py": "runs in a cluster only; test_ray_cluster.py starts one",
    "bridge_server/studio/host_places.py": "values without rules of their own",
    "bridge_server/studio/link_messages.py": "values without rules of their own; test_wire.py sends every one",
    "bridge_server/studio/training_messages.py": "values, as above",
    "daw_protocol/host_results.py": "a value without rules of its own",
    "model/acestep/conditioning/text_encoder.py": "an interface only",
    "model/acestep_v1/conditioning/lyric_words.py": "tables only; test_lyric_cleaning.py reads every word of them",
    "model/acestep_v1/weights/published_v1.py": "a table; test_stored_parts.py compares it with the published tensors",
    "model/given_chord.py": "a value without rules of its own",
    "model/kept.py": "a value without rules of its own",
    "model/sketch/parameters.py": "numbers only; what they do is tested where they are used",
    "model/sketch/separation/separation_parameters.py": "numbers only, as above",
}


@cache
def modules(folder: str) -> tuple[Path, ...]:
    found = tuple(
        sorted(path for path in (PROJECT / folder).rglob("*.py") if "__pycache__" not in path.parts)
    )
    assert found, f"no modules in {folder}"
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every import of a module, late ones too: (module, name in it), name "" for `import module`."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative = path.parent in COPIED and node.level == 1
            assert node.level == 0 or relative, f"{path}: relative imports hide which package is meant"
            module = ".".join(
                filter(None, ["examples.ableton.Takebridge" if relative else "", node.module or ""])
            )
            yield from ((module, alias.name) for alias in node.names)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def imported_modules(path: Path) -> set[str]:
    """Dotted names of all that is imported: `from a import b` may mean the module a.b or a name in a."""
    return {module for module, _ in imports(path)} | {
        f"{module}.{name}" for module, name in imports(path) if name
    }


def attributes(path: Path) -> set[tuple[str, str]]:
    """Every `name.attribute` in a module."""
    return {
        (node.value.id, node.attr)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_in_one_direction(package):
    for path in modules(package):
        may = (
            *MAY_IMPORT[package],
            *(["model.sketch", "model.dsp"] if path == PROJECT / MAKES_THE_DEMO_SONG else []),
        )
        for module, _ in imports(path):
            if module.split(".")[0] in OURS:
                assert any(is_within(module, allowed) for allowed in may), f"{path}: {module}"


@pytest.mark.parametrize("part", NEVER)
def test_what_a_part_never_imports(part):
    for path in modules(part):
        for name in imported_modules(path):
            assert not any(is_within(name, banned) for banned in NEVER[part]), f"{path}: {name}"


def test_sketch_knows_only_the_interface_of_engines():
    for path in modules("model/sketch"):
        ours = {module for module, _ in imports(path) if is_within(module, "model")}
        assert all(
            is_within(name, "model.sketch")
            or is_within(name, "model.dsp")
            or name
            in (
                "model.blueprint",
                "model.ears",
                "model.engine",
                "model.errors",
                "model.given_chord",
                "model.pace",
                "model.stem_notes",
                "model.stems.separator",
                "model.takes_in_order",
                "model.vocabulary",
            )
            for name in ours
        ), path


def test_signal_processing_knows_nothing_else_of_ours():
    for path in modules("model/dsp"):
        for module, _ in imports(path):
            assert module.split(".")[0] not in OURS or is_within(module, "model.dsp"), f"{path}: {module}"


def needs() -> dict[str, set[str]]:
    """Module -> the modules of ours it imports."""
    known = {name_of(path): path for package in PACKAGES for path in modules(package)}
    return {name: (imported_modules(path) & known.keys()) - {name} for name, path in known.items()}


def room(name: str, package: str) -> str:
    """The file or folder of `package` a module lies in; "" for the package itself."""
    return name.removeprefix(package).removeprefix(".").partition(".")[0]


@pytest.mark.parametrize("package", LAYERS)
def test_no_import_goes_up(package):
    floor = {name: -number for number, row in enumerate(LAYERS[package]) for name in row}
    up = []
    for name, needed in needs().items():
        if not is_within(name, package) or not room(name, package):
            continue  # a package's own __init__ lists what it offers
        here = room(name, package)
        assert here in floor, f"{name}: give {here} a place in LAYERS"
        up += [
            f"{name} -> {other}"
            for other in sorted(needed)
            if is_within(other, package)
            and room(other, package)
            and floor[room(other, package)] > floor[here]
        ]
    assert not up, up


def test_doors_do_not_know_each_other():
    door_of = {part: door for door, parts in DOORS.items() for part in parts}
    package = "bridge_server.endpoints"
    for name, needed in needs().items():
        mine = door_of.get(room(name, package)) if is_within(name, package) else None
        for other in needed:
            if is_within(other, package):
                assert any(is_within(name, allowed) for allowed in MAY_IMPORT_DOORS), f"{name} -> {other}"
                theirs = door_of.get(room(other, package))
                assert not is_within(name, package) or theirs in (None, mine), f"{name} -> {other}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_in_its_places_only(library):
    for package in PACKAGES:
        for path in modules(package):
            name = name_of(path)
            if any(is_within(name, place) for place in ONLY_IN[library]):
                continue
            for module, _ in imports(path):
                assert not is_within(module, library) or module == "importlib.metadata", f"{name}: {module}"


def test_a_public_class_has_one_meaning_in_a_package():
    for package in PACKAGES:
        homes: dict[str, list[str]] = {}
        for path in modules(package):
            for node in parsed(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(name_of(path))
        assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_the_protocol_is_pure():
    for path in modules("daw_protocol"):
        for module, _ in imports(path):
            top = module.split(".")[0]
            assert top == "daw_protocol" or top in sys.stdlib_module_names, f"{path}: {module}"
            assert top not in IMPURE, f"{path}: {module}"
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in IMPURE_CALLS, f"{path}:{node.lineno}"


def test_one_module_translates_between_musical_and_model_time():
    """Others may hold a Span, which is samples, or describe an engine; none but this knows both beats and renders."""
    both = set()
    for path in modules("bridge_server"):
        musical = {name for module, name in imports(path) if is_within(module, "daw_protocol.timeline")} - {
            "Span"
        }
        if musical and any(module == "model.engine" for module, _ in imports(path)):
            both.add(path.name)
    assert both == {"plan.py"}


def test_engines_are_named_in_one_place():
    """Everything else asks the registry."""
    names = {
        path.relative_to(PROJECT).as_posix()
        for path in modules("bridge_server")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and node.value in ("sketch", "acestep")
    }
    assert names == {"bridge_server/engines/registry.py"}


def test_surroundings_are_read_in_one_place():
    """Environment, command line and current folder."""
    reading = {("os", "environ"), ("os", "getenv"), ("os", "getcwd"), ("sys", "argv"), ("Path", "cwd")}
    found = {
        path.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for path in modules(package)
        if (attributes(path) | set(imports(path))) & reading
    }
    assert found == {
        "bridge_server/__main__.py",
        "bridge_server/studio/ray_cluster.py",  # sets what Ray takes no other way, and reads nothing
        "bridge_server/studio/running_host.py",  # whether Ray has a token, before its import
    }


def test_lives_script_needs_nothing_but_python_and_live():
    for path in modules("examples/ableton/Takebridge"):
        for module, _ in imports(path):
            top = module.split(".")[0]
            own = is_within(module, "examples.ableton.Takebridge")
            assert own or top in sys.stdlib_module_names or top in LIVES_MODULES, f"{path}: {module}"


def test_no_module_needs_itself_to_be_imported_first():
    needed_by = needs()
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"import cycle: {' -> '.join((*above[above.index(name) :], name))}"
        if name not in done:
            for needed in sorted(needed_by[name]):
                visit(needed, (*above, name))
            done.add(name)

    for name in sorted(needed_by):
        visit(name, ())


def test_no_file_hides_a_standard_module():
    for package in MAY_IMPORT:
        for path in modules(package):
            if path.stem not in ("__init__", "__main__"):
                assert path.stem not in sys.stdlib_module_names, path


def test_modules_can_be_read_in_one_sitting():
    lines = {
        path.relative_to(PROJECT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for package in PACKAGES
        for path in modules(package)
    }
    assert {name for name, count in lines.items() if count > MAX_LINES} == set(LONGER)


def test_every_module_says_what_it_knows():
    for package in PACKAGES:
        for path in modules(package):
            assert path.stem == "__init__" or ast.get_docstring(parsed(path)), path


def test_every_module_has_a_test_file_of_its_own_name():
    """tests/a/test_b.py for a/b.py, so that one finds what is asked of a module, and what is not."""
    without = set()
    for path in (path for package in PACKAGES for path in modules(package)):
        name = path.relative_to(PROJECT)
        test = PROJECT / "tests" / name.with_name(f"test_{path.stem.strip('_')}.py")
        if path.stem != "__init__" and not test.is_file():
            without.add(name.as_posix())
    assert without == set(WITHOUT_A_TEST_FILE)


def test_every_test_folder_is_a_package():
    """Else tests/model would hide the package model."""
    for folder in {path.parent for path in modules("tests")}:
        assert (folder / "__init__.py").is_file(), folder


def test_the_server_starts_without_libraries_that_take_their_time():
    code = "import sys, bridge_server.server, bridge_server.cli.demo; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "scipy.signal", "numba", "transformers", "mcp"} & set(found.stdout.split())
