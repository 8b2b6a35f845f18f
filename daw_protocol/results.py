"""What each command returns over WebSocket and mailbox; addresses.py assigns the results to the commands.

Results about takes are in take_results.py. Two other kinds are defined elsewhere: context commands return their request
as interpreted, and audition commands return the state that `watch` subscribers get as the notification `audition`;
`audition.passage` changes no state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daw_protocol.fields import Choice, Flag, Real, Text, Whole
from daw_protocol.host_results import RenderHostStatus
from daw_protocol.message import Message, value
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.replies import SAMPLES, Acknowledged, AuditionState, TakeReady
from daw_protocol.result_fields import AnyText, JsonObject, ListOf, Nullable, Record, Row, TableOf

COUNT = Whole(0, 2**53)
RATE = Whole(1, 384_000)
PORT = Whole(0, 65_535)
ID = Text(64)
TEXTS = ListOf(AnyText())
MOMENT = Real(-(2**40), 2**40)
MOMENT_DOC = "in seconds since 1970"
MAX_LISTED_VALUE = 1000  # characters, as JSON
REQUEST = JsonObject("object of a request's values")


# Jobs


@dataclass(frozen=True, kw_only=True)
class Accepted(Acknowledged):
    """As the reply `ack`; a repeated request whose job has ended also gets the takes."""

    takes: tuple[TakeReady, ...] | None = value(
        ListOf(Record(TakeReady)), "the takes of a job that has ended", None
    )


@dataclass(frozen=True, kw_only=True)
class JobStage(Message):
    """A running job's progress."""

    stage: str = value(AnyText(), "the current stage")
    fraction: float = value(Real(0, 1), "the part of the job that is done, 0 to 1")
    seconds_left: float | None = value(Nullable(Real(0, 1e7)), "estimated seconds left")


@dataclass(frozen=True, kw_only=True)
class JobRecord(Message):
    """A job."""

    job: str = value(ID, "the job's id")
    id: str = value(ID, "the id it was requested with")
    client: str = value(AnyText(), "the client that requested it")
    command: str = value(ID, "the command, such as repaint")
    state: str = value(ID, "queued, running, done, failed or cancelled")
    request: Mapping[str, object] = value(
        REQUEST,
        f"the request, completed from the context and with its seed; in `jobs.list` without values of more than "
        f"{MAX_LISTED_VALUE} characters (lyrics, tempo maps), which `jobs.show` has",
    )
    created: float = value(MOMENT, f"when it was accepted, {MOMENT_DOC}")
    started: float | None = value(Nullable(MOMENT), f"when its render began, {MOMENT_DOC}")
    ended: float | None = value(Nullable(MOMENT), f"when it ended, {MOMENT_DOC}")
    failure: Mapping[str, str] = value(
        TableOf(AnyText()), "code, sentence, remedy and field of a failed job; empty otherwise"
    )
    progress: JobStage | None = value(Record(JobStage), "its progress, while it runs", None)


@dataclass(frozen=True, kw_only=True)
class JobList(Message):
    """Jobs, newest first."""

    jobs: tuple[JobRecord, ...] = value(ListOf(Record(JobRecord)), "the jobs")


@dataclass(frozen=True, kw_only=True)
class JobWithTakes(JobRecord):
    """A job and its takes."""

    takes: tuple[TakeReady, ...] = value(ListOf(Record(TakeReady)), "its takes, in the order they came")
    analysis: BlueprintRecord | None = value(
        Record(BlueprintRecord), "what `analyse` found, once it has", None
    )
    blueprints: tuple[BlueprintRecord, ...] = value(
        ListOf(Record(BlueprintRecord)), "what `plan` or `rewrite` wrote, in order", ()
    )


@dataclass(frozen=True, kw_only=True)
class CancelledJob(Message):
    """The job, export or listening the command applied to."""

    job: str = value(ID, "the job's id, or that of the request for the export or the listening")


# Files


@dataclass(frozen=True, kw_only=True)
class FileSent(Message):
    """A file: over WebSocket in the binary frames that follow, in the mailbox next to the answer, by HTTP at `url`."""

    bytes: int = value(COUNT, "its size")
    url: str | None = value(AnyText(), "a take's file: where GET finds it at the server's port", None)
    path: str | None = value(AnyText(), "mailbox only: the file", None)


# Audition


@dataclass(frozen=True, kw_only=True)
class OutputDevice(Message):
    """A sound device."""

    number: int = value(COUNT, "its number")
    name: str = value(AnyText(), "its name")
    channels: int = value(COUNT, "its output channels")
    rate: int = value(COUNT, "its native sample rate")
    default: bool = value(Flag(), "whether it is the system's default")


@dataclass(frozen=True, kw_only=True)
class DeviceList(AuditionState):
    """As the reply `audition`, with the sound devices."""

    devices: tuple[OutputDevice, ...] = value(ListOf(Record(OutputDevice)), "the devices")


@dataclass(frozen=True, kw_only=True)
class PassageSide(Message):
    """One side of a comparison: sound of its own between `start` and `end`, and what plays around it."""

    side: str = value(Choice(("take", "original")), "which side this is")
    url: str = value(
        AnyText(),
        "where GET finds it at the server's port, as a WAV file in 32-bit float with up to two channels; `first` and "
        "`frames` in the query ask for a part, counted from the song's first sample",
    )
    start: int = value(SAMPLES, "its first sample on the timeline")
    end: int = value(SAMPLES, "the first sample after it")
    around: str = value(
        Choice(("original", "silence")), "what plays before and after: the original, or nothing"
    )
    sound: str = value(ID, "equal for equal sound: what was fetched for one take serves others")
    match_db: float = value(Real(-1000, 1000), "the gain that brings takes and original to one loudness")


@dataclass(frozen=True, kw_only=True)
class Passage(Message):
    """What the audition would play. Positions on the timeline are in samples at `rate`."""

    take: str = value(ID, "the take's id; empty for a song without one, and while it is rendered")
    job: str = value(ID, "the job that is rendering it; empty for what is finished", "")
    number: int = value(COUNT, "which of the job's takes it is, from 1", 0)
    song: str = value(AnyText(), "the song's digest; empty for a take without a source")
    stems: tuple[str, ...] = value(TEXTS, "the stems heard together; empty: the take alone")
    place: str = value(ID, "equal for takes that continue at the same position: same region, bars and song")
    rate: int = value(RATE, "sample rate in hertz")
    channels: int = value(Whole(1, 2), "channels of both sides")
    origin: int = value(SAMPLES, "the song's first sample on the timeline")
    start: int = value(SAMPLES, "first sample of the loop or playback range")
    end: int = value(SAMPLES, "first sample after it")
    ready: int | None = value(
        Nullable(SAMPLES),
        "while it is rendered: the last bar line up to which it can play, and loops; null when all of it is there",
        None,
    )
    loops: bool = value(Flag(), "whether it can loop; a song played to its end cannot")
    sides: tuple[PassageSide, ...] = value(ListOf(Record(PassageSide)), "the sides there are")


# Watching


@dataclass(frozen=True, kw_only=True)
class Watching(Message):
    """The revision of the shared context when watching began or ended."""

    revision: int = value(COUNT, "as in `focus`")


@dataclass(frozen=True, kw_only=True)
class SongInFocus(Message):
    """A song and its position on the timeline. Positions and lengths are in samples at `rate`."""

    source: str = value(AnyText(), "its name in requests")
    digest: str = value(AnyText(), "digest of its audio")
    title: str = value(AnyText(), "its display name")
    rate: int = value(RATE, "samples per second")
    channels: int = value(COUNT, "1 or 2")
    length: int = value(SAMPLES, "its length")
    position: int = value(SAMPLES, "timeline position of its first sample")
    tag_title: str = value(AnyText(), "its title by its file's tags, one line; empty without one", "")
    tag_artist: str = value(AnyText(), "its artist by its file's tags, one line; empty without one", "")


@dataclass(frozen=True, kw_only=True)
class Grid(Message):
    """Bars, beats, tempos and time signatures, in samples of the timeline."""

    bars: tuple[tuple[int, int], ...] = value(ListOf(Row((SAMPLES, SAMPLES))), "bar and sample")
    beats: tuple[int, ...] = value(ListOf(SAMPLES), "the sample of each beat; empty if there are too many")
    tempi: tuple[tuple[int, float, int], ...] = value(
        ListOf(Row((SAMPLES, Real(0, 1e6), Whole(0, 1)))), "sample, BPM, and 1 if it ramps to the next one"
    )
    meters: tuple[tuple[int, str], ...] = value(
        ListOf(Row((SAMPLES, AnyText()))), "sample and time signature, such as 4/4"
    )


@dataclass(frozen=True, kw_only=True)
class Selection(Message):
    """A selection, in samples of the timeline."""

    start: int = value(SAMPLES, "first sample")
    end: int = value(SAMPLES, "first sample after it")


@dataclass(frozen=True, kw_only=True)
class Problem(Message):
    """Why the song cannot be read."""

    sentence: str = value(AnyText(), "what is wrong")
    remedy: str = value(AnyText(), "what to do about it")


@dataclass(frozen=True, kw_only=True)
class Focus(Message):
    """The shared context: what a panel shows."""

    revision: int = value(COUNT, "number of changes since the server started")
    client: str = value(AnyText(), "the client that changed it last")
    song: SongInFocus | None = value(Nullable(Record(SongInFocus)), "the song")
    problem: Problem | None = value(Record(Problem), "why there is no song", None)
    grid: Grid | None = value(Nullable(Record(Grid)), "its grid")
    selection: Selection | None = value(Nullable(Record(Selection)), "the selection")
    playhead: int | None = value(Nullable(SAMPLES), "the DAW's playhead, in samples of the timeline")
    rolling: bool = value(Flag(), "whether the DAW's transport is rolling")
    key: str | None = value(Nullable(AnyText()), "the key")
    tempo_known: bool = value(Flag(), "false: no client sent a tempo, so it is assumed")
    request: Mapping[str, object] = value(REQUEST, "values for a request about this song")


@dataclass(frozen=True, kw_only=True)
class SongFile(Message):
    """A song in the server's folders, or one that was uploaded."""

    source: str = value(AnyText(), "its file name in requests, or `audio:` and its digest")
    title: str = value(AnyText(), "its name")
    bytes: int = value(COUNT, "the size of its file")
    modified: float = value(MOMENT, f"when it was last written or uploaded, {MOMENT_DOC}")
    folder: str = value(AnyText(), "the folder it is in, from the server's folder on; empty for an upload")
    ending: str = value(AnyText(), "the ending of its file, such as .wav; empty without one")
    tag_title: str = value(AnyText(), "its title by the file's tags, one line; empty without one", "")
    tag_artist: str = value(AnyText(), "its artist by the file's tags, one line; empty without one", "")


@dataclass(frozen=True, kw_only=True)
class SongList(Message):
    """Songs, newest first. What the bridge wrote itself is left out: takes, mixes, exports."""

    songs: tuple[SongFile, ...] = value(ListOf(Record(SongFile)), "the songs in the server's folders")
    recent: tuple[SongFile, ...] = value(ListOf(Record(SongFile)), "the songs that were uploaded last")


# The server


@dataclass(frozen=True, kw_only=True)
class WatchFolderStatus(Message):
    """The watch folder."""

    folder: str = value(AnyText(), "the folder")
    problem: str = value(AnyText(), "why it cannot be read; empty otherwise")
    busy: tuple[str, ...] = value(TEXTS, "names of the files in progress")


@dataclass(frozen=True, kw_only=True)
class MidiStatus(Message):
    """The MIDI input."""

    input: str = value(AnyText(), "its name")
    problem: str = value(AnyText(), "what is wrong with it; empty otherwise")


@dataclass(frozen=True, kw_only=True)
class RenderUnderWay(Message):
    """Takes that are being rendered in one place."""

    job: str = value(ID, "their job")
    takes: tuple[int, ...] = value(ListOf(COUNT), "their numbers, from 1")
    engine: str = value(AnyText(), "the engine that renders them")
    place: str = value(AnyText(), "where: this machine, this machine 2, ...; a render host's name, ...")


@dataclass(frozen=True, kw_only=True)
class ExportUnderWay(Message):
    """An export that is being written."""

    id: str = value(AnyText(), "what `cancel` finds it by: the request's id, or one the server gave it")
    name: str = value(AnyText(), "the take or song it is of")
    format: str = value(AnyText(), "the file format")


@dataclass(frozen=True, kw_only=True)
class ServerStatus(Message):
    """The server's state."""

    version: str = value(AnyText(), "its version")
    engine: str = value(AnyText(), "its default engine")
    engine_processes: Mapping[str, int] = value(
        TableOf(COUNT), 'process ids of the running engines; of further places as "NAME 2"'
    )
    running: str | None = value(Nullable(ID), "the running job, the oldest if there are several")
    renders: tuple[RenderUnderWay, ...] = value(
        ListOf(Record(RenderUnderWay)), "what is being rendered at this moment"
    )
    exports: tuple[ExportUnderWay, ...] = value(
        ListOf(Record(ExportUnderWay)), "the exports that are being written, the oldest first", ()
    )
    queued: int = value(COUNT, "jobs in the queue")
    roots: tuple[str, ...] = value(TEXTS, "the folders it may read songs from")
    store: str = value(AnyText(), "the folder of takes and jobs")
    free_bytes: int = value(COUNT, "free space on its disk")
    osc_port: int = value(PORT, "the OSC port")
    websocket_port: int = value(PORT, "the WebSocket and HTTP port")
    problems: Mapping[str, str] | None = value(
        TableOf(AnyText()), "parts of the server with a problem, with the reason", None
    )
    watching: WatchFolderStatus | None = value(Record(WatchFolderStatus), "the watch folder, if any", None)
    midi: MidiStatus | None = value(Record(MidiStatus), "the MIDI input, if any", None)
    render_hosts: tuple[RenderHostStatus, ...] = value(
        ListOf(Record(RenderHostStatus)), "the machines that render for it, if any", ()
    )


@dataclass(frozen=True, kw_only=True)
class EngineRecord(Message):
    """What an engine offers."""

    label: str = value(AnyText(), "its display name")
    neural: bool = value(Flag(), "whether a neural network generates the audio")
    can: tuple[str, ...] = value(TEXTS, "the tasks it supports")
    cannot: Mapping[str, str] = value(TableOf(AnyText()), "the other tasks, with reason and remedy")
    layers: tuple[str, ...] = value(TEXTS, "values of `layers` it supports")
    stems: tuple[str, ...] = value(TEXTS, "the stems it can extract")
    instruments: tuple[str, ...] = value(TEXTS, "the instruments it can play")
    follows_chords: bool = value(Flag(), "whether accompany plays the chords a request gives", False)
    edits: bool = value(Flag(), "whether cover can edit a song's words or description", False)
    times_lyrics: bool = value(Flag(), "whether it can tell when each line of the lyrics is sung", False)
    stem_passes: bool = value(Flag(), "whether extract takes a pass for each stem", False)
    options: Mapping[str, str] = value(TableOf(AnyText()), "its own options, with a line of help each")
    max_seconds: float = value(Real(0, 1e9), "longest region with its handles, in seconds")
    weights: str = value(AnyText(), "digest or name of its weights")
    reference: bool = value(Flag(), "whether it accepts reference audio")
    prompt_characters: int | None = value(Nullable(COUNT), "maximum length of the prompt; null: any")
    lyrics_characters: int | None = value(
        Nullable(COUNT), "maximum length of the lyrics; null: any; 0: it does not sing"
    )
    languages: tuple[str, ...] = value(TEXTS, "languages of lyrics; empty: any")
    hints: Mapping[str, str] = value(
        TableOf(AnyText()), "for a task, what a prompt can say, as an example", {}
    )
    lyric_tags: tuple[str, ...] = value(TEXTS, "the section tags it knows in lyrics", ())
    rendered_on: str = value(
        AnyText(),
        "the render host and its device, such as studio (NVIDIA H200); empty: the bridge's machine",
        "",
    )
    context_seconds: float | None = value(
        Real(0, 600), "the `context` of a request that gives none; null: as much as the engine can use", None
    )


@dataclass(frozen=True, kw_only=True)
class EngineList(Message):
    """The engines by name."""

    engines: Mapping[str, EngineRecord] = value(TableOf(Record(EngineRecord)), "the engines")


@dataclass(frozen=True, kw_only=True)
class StoreProblems(Message):
    """Problems found in the store."""

    problems: tuple[str, ...] = value(TEXTS, "one sentence each; empty: everything is intact")


@dataclass(frozen=True, kw_only=True)
class SweptFiles(Message):
    """What a sweep removed."""

    removed: int = value(COUNT, "number of audio files")
