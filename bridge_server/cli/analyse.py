"""`takebridge analyse`: what a song is, what its producer makes of it, and its tempo map as a MIDI file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from bridge_server.cli.chord_lines import chord_lines
from bridge_server.cli.client import BridgeClient, as_error
from bridge_server.cli.commands import DONE, PROBLEM, Screen, follow, progress_bar, some_server
from bridge_server.errors import as_protocol_error
from bridge_server.handlers.song_tempo import edited
from bridge_server.settings import Settings
from bridge_server.songs.alike import existing, file_title
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.tempo_file import read_midi_map, without_tempo
from clip_store.audio.audio_file import probe_audio
from clip_store.errors import ClipStoreError
from clip_store.exports.chord_track import ChordFrom
from clip_store.exports.midi_tempo import song_map_bytes
from clip_store.exports.tempo_from_zero import from_zero
from daw_protocol.chord_sheet import placed_chords
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.requests import SetSongTempo
from daw_protocol.song_tempo import of_analysis
from daw_protocol.song_tempo_kept import SongTempoKept
from daw_protocol.timeline import Key, SongMap, TempoMap
from daw_protocol.timeline.chord_progression import named

# Values that say the tempo themselves: nothing is analysed then.
SAID = ("bpm", "taps", "tempo_map")
LONGEST_SECONDS = 86_400.0
LIKELY, POSSIBLE = 0.8, 0.6
_Row = tuple[str, str, float | None]


@dataclass(frozen=True)
class Wish:
    """What was typed. edits: values of `songs.tempo`; tempo_map, midi: the files to read and to write.

    part: the region of a part that is to be described by itself.
    """

    song: Path
    edits: Mapping[str, object]
    tempo_map: Path | None = None
    midi: Path | None = None
    accept: bool = False
    kept: bool = False
    forget: bool = False
    words: bool = False
    part: Mapping[str, object] = field(default_factory=dict)


async def analyse(settings: Settings, screen: Screen, wish: Wish) -> int:
    """Analyses, changes, keeps and writes. Returns the exit status; raises ProtocolError."""
    edits = dict(wish.edits)
    if wish.tempo_map is not None:
        edits["tempo_map"] = _map_in(wish.tempo_map)
    _refuse_words_of_nothing(wish, edits)
    async with some_server(settings, renders=True) as client:
        with progress_bar(screen) as bar:
            task = bar.add_task(f"reading {escape(wish.song.name)}", total=1.0)
            source, _ = await client.upload(wish.song)
            if wish.forget:
                return await _forget(client, screen, source)
            if wish.part:
                asked = {"source": source, "title": file_title(wish.song), "words": True, **wish.part}
                return _described(screen, await _analysed(client, asked, bar, task))
            kept = SongTempoKept.from_stored(await client.call("songs.tempo", source=source))
            base = kept.tempo_map if wish.kept and kept.known else None
            found = None
            if base is None and not any(name in edits for name in SAID):
                asked = {"source": source, "title": file_title(wish.song)}
                # A song is described on top of what is measured, so words come second.
                for values in (asked, {**asked, "words": True})[: 1 + wish.words]:
                    found = await _analysed(client, values, bar, task)
                    if found is None:
                        screen.say("[yellow]Cancelled.[/yellow]")
                        return PROBLEM
        if base is None and found is not None:
            base = of_analysis(found).tempo_map.to_json()
        tempo_map = _edited(base, edits, _header(wish.song))
        if found is not None:
            show(screen, found)
        if wish.edits or found is None:
            screen.say(f"Tempo map: {in_words(tempo_map)}")
        if wish.accept:
            await _keep(client, screen, source, tempo_map, edits, found)
        if wish.midi is not None:
            write_midi(wish, tempo_map, found)
            screen.say(f"→ {escape(str(wish.midi))}")
    screen.result(
        {
            "analysis": None if found is None else found.to_fields(),
            "tempo_map": tempo_map.to_json(),
            "accepted": wish.accept,
            "midi": None if wish.midi is None else str(wish.midi),
        }
    )
    if not wish.accept:
        screen.say("[dim]--accept keeps it with the song: requests about it then need no tempo.[/dim]")
    return DONE


def _described(screen: Screen, found: BlueprintRecord | None) -> int:
    """Shows the description of a part; returns the exit status. None: it was cancelled."""
    if found is None:
        screen.say("[yellow]Cancelled.[/yellow]")
        return PROBLEM
    guesses = [("tempo", f"{found.tempo:.6g} BPM", None)] if found.tempo else []
    guesses += [("key", found.key, None)] if found.key else []
    _show_rows(screen, [*_described_rows(found), *guesses], found.notes)
    screen.result({"analysis": found.to_fields()})
    return DONE


def _refuse_words_of_nothing(wish: Wish, edits: Mapping[str, object]) -> None:
    """Raises ProtocolError where a song is to be described that is not analysed."""
    given = [name for name in ("kept", "forget") if getattr(wish, name)]
    given += [name for name in SAID if name in edits]
    if wish.part and (not wish.words or given or edits or wish.accept or wish.midi is not None):
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"--{next(iter(wish.part))} is for --words alone: only a description can be of a part of the song.",
            "Add --words, and omit the other options.",
            "words",
        )
    if wish.words and given:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"--words cannot be used with --{given[0].replace('_', '-')}: the song is not analysed then.",
            "Omit one of the two.",
            "words",
        )


async def _analysed(
    client: BridgeClient, values: Mapping[str, object], bar: Progress, task: TaskID
) -> BlueprintRecord | None:
    """What an analysis finds; None where it is cancelled. Raises ProtocolError where it fails."""
    answer = await client.call("analyse", **values)
    name, terminal, _ = await follow(client, answer["job"], bar, task)
    if name == "failed":
        raise as_error(terminal)
    if name != "done":
        return None
    job = await client.call("jobs.show", job=answer["job"])
    return BlueprintRecord.from_stored(job["analysis"])


async def _forget(client: BridgeClient, screen: Screen, source: str) -> int:
    screen.result(await client.call("songs.tempo", source=source, forget=True))
    screen.say("No tempo is kept with the song any more.")
    return DONE


async def _keep(
    client: BridgeClient,
    screen: Screen,
    source: str,
    tempo_map: TempoMap,
    edits: Mapping[str, object],
    found: BlueprintRecord | None,
) -> None:
    """Keeps a map with the song, and the key with it: the one typed, or the one found if it is likely."""
    key = edits.get("key") or (str(of_analysis(found).key or "") if found is not None else "")
    values = {"tempo_map": tempo_map.to_json()} | ({"key": key} if key else {})
    await client.call("songs.tempo", source=source, **values)
    screen.say("Accepted: the song keeps this tempo.")


def _header(song: Path) -> SongProbe:
    """What the header of the song says, at its project's rate. Raises ProtocolError."""
    try:
        return SongProbe.of(probe_audio(existing(song), LONGEST_SECONDS)).at_rate(None)
    except ClipStoreError as error:
        raise as_protocol_error(error, "source") from error


def _edited(base: Mapping[str, object] | None, edits: Mapping[str, object], header: SongProbe) -> TempoMap:
    """The map that the values typed make, from this one. Raises ProtocolError."""
    request = SetSongTempo.from_fields(dict(edits))
    assert isinstance(request, SetSongTempo), "it reads itself"
    try:
        return edited(None if base is None else TempoMap.from_json(base), request, header.rate)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"The tempo cannot be changed so: {error}.", "Send other values."
        ) from error


def chords_from(found: BlueprintRecord | None, tempo_map: TempoMap) -> list[ChordFrom]:
    """The chords of an analysis on the quarters of a map."""
    placed = placed_chords(found.chords, tempo_map) if found is not None else ()
    quarters = (
        tempo_map.quarters_of_bar(one.bar)
        + (one.beat - 1) * tempo_map.meter_at(tempo_map.quarters_of_bar(one.bar)).quarters_per_beat
        for one in placed
    )
    return [
        ChordFrom(max(quarter, Fraction(0)), one.chord) for quarter, one in zip(quarters, placed, strict=True)
    ]


def _map_in(path: Path) -> dict[str, object]:
    """The tempo map of a MIDI file. Raises ProtocolError."""
    song_map = read_midi_map(existing(path))
    if not song_map.has_tempo:
        raise without_tempo(path, song_map)
    return song_map.tempo_map.to_json()


def show(screen: Screen, found: BlueprintRecord) -> None:
    """Prints what was found, with how sure each finding is."""
    sure = found.confidence
    bpm = f"{found.tempo:.6g} BPM" + (f" (or {found.other_tempo:.6g})" if found.other_tempo else "")
    if found.beats:
        bpm = f"changing, {found.tempo:.1f} BPM at the start"
    octave = min(sure.get("tempo", 0.0), sure.get("octave", 0.0))
    rows: list[_Row] = [
        ("tempo", bpm, octave),
        ("bar 1", f"{found.downbeat or 0.0:.3f} s into the file", sure.get("downbeat")),
        ("meter", found.meter or "", sure.get("meter")),
        ("key", found.key or "", sure.get("key")),
    ]
    if found.tuning is not None:
        rows.append(
            ("tuning", f"A = {440 * 2 ** (found.tuning / 1200):.1f} Hz ({found.tuning:+.0f} cents)", None)
        )
    rows += [
        ("chords" if number == 0 else "", line, sure.get("chords") if number == 0 else None)
        for number, line in enumerate(chord_lines(found.chords_text))
    ]
    rows += [
        (f"part {part.name}", f"{clock(part.start)} to {clock(part.end)}", part.confidence)
        for part in (found.sections if len(found.sections) > 1 else ())  # one part is no finding
    ]
    _show_rows(screen, [*rows, *_described_rows(found)], found.notes)


def _described_rows(found: BlueprintRecord) -> list[_Row]:
    rows: list[_Row] = []
    if found.caption:
        rows.append(("sounds like", found.caption, None))
    if found.language:
        rows.append(("language", found.language, None))
    return rows + [
        ("lyrics" if number == 0 else "", line.text, None) for number, line in enumerate(found.lyrics)
    ]


def _show_rows(screen: Screen, rows: Sequence[_Row], notes: Sequence[str]) -> None:
    table = Table("", "found", "confidence", box=None)
    for name, value, confidence in rows:
        table.add_row(
            name, escape(value), "" if confidence is None else f"{confidence:.2f}, {word(confidence)}"
        )
    if not screen.as_json:
        screen.console.print(table)
    for note in notes:
        screen.say(escape(note))


def word(confidence: float) -> str:
    """A confidence as people say it."""
    if confidence >= LIKELY:
        return "likely"
    return "possible" if confidence >= POSSIBLE else "a guess: check it"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def in_words(tempo_map: TempoMap) -> str:
    """A map in a line: its tempos, meter and where bar 1 begins."""
    tempos = [float(point.bpm) for point in tempo_map.points]
    bpm = f"{tempos[0]:g} BPM"
    if len(tempos) > 1:
        bpm = f"{len(tempos)} tempos, {min(tempos):.1f} to {max(tempos):.1f} BPM"
    return f"{bpm}, {tempo_map.meters[0].meter}, bar {tempo_map.first_bar} at {float(tempo_map.offset):.3f} s"


def write_midi(wish: Wish, tempo_map: TempoMap, found: BlueprintRecord | None) -> None:
    """Writes the map for the song lying at the project's zero, and the chords found in it. Raises ProtocolError.

    MIDI files begin on a bar line, so where bar 1 comes later, what is before it becomes a lead-in bar of its own.
    """
    assert wish.midi is not None
    header = _header(wish.song)
    zero = from_zero(tempo_map).tempo_map
    end = zero.quarters_at(header.frames, header.rate)
    sure = of_analysis(found).key if found is not None and found.tempo is not None else None
    key: Key | None = Key.parse(str(wish.edits["key"])) if "key" in wish.edits else sure
    keys = ((Fraction(0), key),) if key is not None and key.signature is not None else ()
    comment = "Place the song at the project's start. Bars before the song's bar 1 are its lead-in."
    chords = chords_from(found, zero)
    names = tuple((quarter, named(chord)) for quarter, chord in chords)
    data = song_map_bytes(SongMap(zero, keys, names), end, wish.song.stem, comment, chords)
    try:
        wish.midi.parent.mkdir(parents=True, exist_ok=True)
        wish.midi.write_bytes(data)
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{wish.midi} cannot be written: {error.strerror}.",
            "Choose another folder.",
        ) from error
