"""What a server is started with. Values only: __main__.py reads them from the command line and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge_server.engines.registry import DEFAULT_ENGINE, EngineSetup, engine_setups, setup_of
from bridge_server.languages.installed import ENGLISH
from bridge_server.loopback import is_loopback
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.pulse import PULSE, Pulse
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.pad_map import Binding

OSC_PORT = 9124
WEBSOCKET_PORT = 9125
MAX_PLACES = 8
MAX_TOKEN = 200  # characters
EVERYWHERE = ("0.0.0.0", "::", "")  # hosts that mean every address of the machine


@dataclass(frozen=True)
class Limits:
    """Server limits. Each one is large for a song and small for a machine.

    queued_jobs:     waiting jobs; more are refused rather than rendered tomorrow.
    song_seconds:    longest song that is read; 30 minutes of stereo at 48 kHz are 0.7 GB as float32.
    upload_bytes:    largest upload: 30 minutes of stereo float at 192 kHz fit.
    frame_bytes:     largest WebSocket frame; uploads come in as many frames as they like.
    clients:         contexts remembered; the longest unused one is forgotten first.
    stop_seconds:    how long an engine may take to stop before its process is ended.
    describe_seconds: how long an engine may take to describe itself, the start of its process included.
    idle_unload_seconds: after this time without work an engine's memory is released.
    pulse:           how it is noticed that a render host has gone.
    attempts:        how often a job is begun if the server dies under it, and a take if its engine's process does.
    """

    queued_jobs: int = 64
    song_seconds: float = 1800.0
    upload_bytes: int = 3 * 2**30
    frame_bytes: int = 4 * 2**20
    clients: int = 256
    stop_seconds: float = 2.0
    describe_seconds: float = 30.0
    idle_unload_seconds: float = 900.0
    pulse: Pulse = PULSE
    attempts: int = 3


@dataclass(frozen=True)
class MidiSettings:
    """A MIDI input.

    port:     its name or a part of it, or tcp:PORT or virtual:NAME (endpoints/midi/ports.py).
    bindings: which pad sends what.
    clock:    whether its clock sets the tempo and its song position the playhead.
    """

    port: str
    bindings: tuple[Binding, ...] = ()
    clock: bool = False


@dataclass(frozen=True)
class WatchSettings:
    """A watched folder.

    poll_seconds:     polling interval.
    settle_seconds:   how long a file must not change to be taken for complete.
    patience_seconds: how long a file that cannot be read is given before it is called broken: a copy over a slow
        network may pause.
    language: of the texts written next to the files.
    """

    folder: Path
    poll_seconds: float = 1.0
    settle_seconds: float = 2.0
    patience_seconds: float = 20.0
    language: str = ENGLISH


@dataclass(frozen=True)
class Settings:
    """Raises ProtocolError for an unknown engine, for too many places, for a token that not every client can send, and
    for an address that others reach without one.

    store: folder of audio, takes and jobs.
    trust_this_machine: programs on this machine need no token: DAW scripts keep working while a tablet is let
        in.
    roots: folders whose files requests may name; relative names are tried against each in turn.
    pointer: file that points scripts to this server's mailbox; None: it is in the usual place, or private.
    sound: whether takes may be played through this machine's sound device.
    engine: the one that renders unless a request names another.
    engines: name and setup of every engine, as engines/registry.py makes them.
    places: how many renders of one engine may be under way at once, takes of one job or jobs. Each place is a process
        that loads the engine for itself, so two places need twice the memory; the second is started when it is needed.
    hub: address of the place models are fetched from; "": as huggingface-hub itself is set. No client can change it.
    link: whether an Ableton Link session sets the shared tempo and playhead.
    sign: the folder of the key that finished songs and exported clips are signed with; None: they are not signed.
    language: of what clients read that do not choose one themselves; "" is English there, and in a browser's panel
        the language of the browser.
    render_hosts: other machines that render with what engines they have (docs/studio.md).
    render_host_fallback: whether this machine renders while none of them can be reached; its takes may differ in bits.
    ahead: whether what the first render needs is loaded when the server starts; else when it comes.
    """

    store: Path
    roots: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    osc_port: int = OSC_PORT
    websocket_port: int = WEBSOCKET_PORT
    token: str = ""
    trust_this_machine: bool = False
    pointer: Path | None = None
    midi: MidiSettings | None = None
    link: bool = False
    watch: WatchSettings | None = None
    engine: str = DEFAULT_ENGINE
    engines: Mapping[str, EngineSetup] = field(default_factory=engine_setups)
    places: int = 1
    limits: Limits = field(default_factory=Limits)
    sound: bool = True
    hub: str = ""
    sign: Path | None = None
    language: str = ""
    render_hosts: tuple[JoinString, ...] = ()
    render_host_fallback: bool = False
    ahead: bool = True

    @property
    def spoken(self) -> str:
        """The language of replies to clients that name none."""
        return self.language or ENGLISH

    def __post_init__(self) -> None:
        setup_of(self.engine, self.engines)
        if not 1 <= self.places <= MAX_PLACES:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"places must be 1 to {MAX_PLACES}, got {self.places}.",
                "Each place loads the engine once more: start with 2.",
                "places",
            )
        # Whatever sends it can: a header takes no other letters, an address no endless ones.
        sendable = self.token.isascii() and self.token.isprintable() and self.token == self.token.strip()
        if not sendable or len(self.token) > MAX_TOKEN:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"The token must be one line of at most {MAX_TOKEN} letters, digits and signs that ASCII has.",
                "Choose another, such as twenty letters and digits.",
                "token",
            )
        if not is_loopback(self.host) and not self.token:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"{self.host} is reachable from other machines, so a token is needed.",
                "Start the server with --token-file, or omit --host to serve this machine only.",
                "host",
            )
