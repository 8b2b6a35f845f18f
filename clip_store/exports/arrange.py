"""From takes in the store to a project: which clip goes on which track, and which of them plays.

Reads the index and the heads of stored sounds; writes nothing. What lies over what is decided in layers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from clip_store.audio.audio_file import probe_audio
from clip_store.audio.xmp import encode_xmp
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError, TakeError
from clip_store.exports.layers import Placed, tracks_of
from clip_store.exports.project import Marker, Project, SoundFile
from clip_store.exports.tempo_from_zero import FromZero, from_zero
from clip_store.mix.accepted import AcceptedSong, accepted_in, accepted_whole
from clip_store.mix.comp_sound import CompSound, plays_by_itself, sounds_of, stem_sound
from clip_store.mix.family import family_of
from clip_store.mix.song_ledger import ledger_of
from clip_store.source_type import SourceType, of_mix
from clip_store.store import ClipStore, clip_name, file_stem, mark_of, source_type_of, xmp_of
from clip_store.sung_lines import cues_of
from clip_store.take import Take
from daw_protocol.tasks import TASKS
from daw_protocol.timeline import Key, TempoMap

MAX_TAKES = 10_000
ASSUMED_BPM = 120
ACCEPTED = " (accepted)"
"""How the names of files end that play in an exported song."""

Describe = Callable[[Take], str]
"""What a producer should know of a take (its receipt, how it was made), as lines of text."""


def take_project(store: ClipStore, take_id: str, describe: Describe) -> Project:
    """One take in its song, with the other stems that were rendered with it; all of them play.

    Raises TakeError when there is no such take, StoreError when its audio is gone.
    """
    take = store.index.get(take_id)
    mine = (take.number, take.parent)  # not those of other tracks that were rendered together
    together = [one for one in _of_job(store, take) if (one.number, one.parent) == mine]
    origin = take.position - take.start
    origins = {one.id: origin for one in together}
    alone = accepted_whole(take.parent or "", together)
    return _project(store, take.parent, origin, together, origins, alone, take, describe)


def song_project(store: ClipStore, name: str, describe: Describe) -> Project:
    """A song with every take of it and of its results; accepted takes play, the others are muted.

    name: the song's digest or its first letters, `audio:` and a digest, or the title its takes have.
    Raises TakeError when it names no song or several, StoreError when audio is gone.
    """
    song, title = find_song(store, name)
    newest = next(iter(store.index.list(song=song, limit=1)), None)
    origin = newest.position - newest.start if newest else 0
    family = family_of(store.index, song)
    takes = [store.index.get(take) for take in family.takes]
    origins = {take.id: origin + family.home(take.id).begins for take in takes}
    accepted = accepted_in(store.index, song)
    return _project(store, song, origin, takes, origins, accepted, newest, describe, title, marked=True)


def find_song(store: ClipStore, name: str) -> tuple[str, str]:
    """The digest of the song a producer names, and the title it was named by, "" for a digest.

    One song may have several titles: a bounce that was renamed, or saved again unchanged. Raises TakeError when there
    is none or more than one.
    """
    wanted = name.removeprefix("audio:")
    if len(wanted) == 64 and _is_blob(store.blobs, wanted):
        return wanted, ""
    titles: dict[str, set[str]] = {}
    for take in store.index.list(limit=MAX_TAKES):
        if take.parent:
            titles.setdefault(take.parent, set()).add(take.title)
    found = [
        digest
        for digest, names in titles.items()
        if wanted in names or (len(wanted) >= 6 and digest.startswith(wanted.lower()))
    ]
    found = _without_descendants(store, found)
    if len(found) == 1:
        return found[0], wanted if wanted in titles[found[0]] else ""
    if not found:
        raise TakeError(
            f"There is no song {name[:80]!r} with takes in the store.",
            "Name it as `takebridge takes` does, or by its digest.",
        )
    which = ", ".join(digest[:12] for digest in found)
    raise TakeError(f"{len(found)} songs are called {name[:80]!r}.", f"Name one by its digest: {which}.")


def _without_descendants(store: ClipStore, songs: list[str]) -> list[str]:
    """Some of the songs, without those that takes of others made of them: they bear the same title."""
    if len(songs) < 2:
        return songs
    families = {song: family_of(store.index, song).songs for song in songs}
    return [
        song
        for song in songs
        if not any(song in families[other] and other not in families[song] for other in songs)
    ]


def _is_blob(blobs: BlobStore, digest: str) -> bool:
    try:
        return blobs.has(digest)
    except ValueError:
        return False


def _of_job(store: ClipStore, take: Take) -> list[Take]:
    """Takes of the same job, in the order they were made."""
    return list(reversed(store.index.list(job=take.job, limit=MAX_TAKES)))


def _playing_stems(takes: Iterable[Take], accepted: AcceptedSong) -> set[str]:
    """Ids of the stems that play: accepted ones, and those rendered with them, since together they are the song."""
    found = [accepted.takes[part.take] for part in accepted.alone]
    groups = {(take.job, take.number) for take in found if TASKS[take.task].sums_to_source}
    return {take.id for take in found} | {
        take.id for take in takes if (take.job, take.number) in groups and TASKS[take.task].sums_to_source
    }


def _project(
    store: ClipStore,
    song: str | None,
    origin: int,
    takes: list[Take],
    origins: Mapping[str, int],
    accepted: AcceptedSong,
    reference: Take | None,
    describe: Describe,
    title: str = "",
    marked: bool = False,
) -> Project:
    """accepted: what plays; marked: it is called so.

    reference: the take whose tempo map holds for the project, and its title unless another is given; None: there is no
    take.
    """
    title = title or (reference.title if reference else "") or "song"
    used: set[str] = set()
    original = None
    rate = reference.rate if reference else 0
    if song is not None:
        name = _unused(file_stem(f"{title}.original"), used)
        original, rate = _sound(store.blobs, song, name, origin)
        original = replace(original, xmp=store.index.recall_xmp(song).encode("utf-8"))
    stems = _playing_stems(takes, accepted)
    one_separation = len({(take.job, take.number) for take in takes if take.id in stems}) == 1
    changed = {stem for stem in stems if one_separation and plays_by_itself(accepted, stem)}
    sounds, plain = sounds_of(accepted, changed)
    placed = []
    for take in takes:
        parts = tuple(part.span.shifted(origin) for part in plain if part.take == take.id)
        whole = take.id in stems or take.parent is None
        audible = whole or bool(parts)
        mark = ACCEPTED if marked and audible else ""
        label = store.index.marks.of(take.id).name
        name = _unused(file_stem(clip_name(take, label).stem) + mark, used)
        file, _ = _sound(store.blobs, take.audio, name, origins[take.id] + take.start, take)
        if take.id in changed:
            sound = stem_sound(accepted, take.id)
            file = replace(file, digest="", take=None, comp=sound, xmp=_comp_xmp(sound, source_type_of(take)))
        plays = None if whole or not parts else parts
        placed.append(Placed(take, file, audible, describe(take), plays, label))
    for sound in sounds:
        name = _unused(file_stem(f"{title}.comp") + (ACCEPTED if marked else ""), used)
        channels = store.blobs.probe(accepted.song).channels
        below = store.song_source_type(accepted.song) if sound.covers else None
        file = SoundFile(
            name,
            "",
            sound.span.length,
            channels,
            origin + sound.span.start,
            comp=sound,
            xmp=_comp_xmp(sound, below),
        )
        placed.append(Placed(accepted.takes[sound.takes[0]], file, True, sound.made_of))
    tempo = from_zero(_tempo_map(reference))
    notes = [*_notes(tempo), *_other_places(takes, origins)]
    tracks, cut = tracks_of(original, placed)
    key = _key(reference)
    return Project(
        title=title,
        rate=rate,
        tempo_map=tempo.tempo_map,
        tracks=tracks,
        markers=_markers(placed),
        keys=((Fraction(0), key),) if key else (),
        comment="\n".join(dict.fromkeys(line for one in placed for line in one.comment.splitlines()[:1])),
        notes=(*notes, *cut),
        ledger=None if song is None else ledger_of(store, accepted, title, origin),
    )


def _comp_xmp(sound: CompSound, below: SourceType | None) -> bytes:
    """The packet of a comp. below: what the song, or the stem, under it is."""
    takes = [sound.accepted.takes[take] for take in sound.takes]
    kind = of_mix(map(source_type_of, takes), below)
    return encode_xmp(mark_of(kind, takes)) if kind else b""


def _sound(
    blobs: BlobStore, digest: str, name: str, position: int, take: Take | None = None
) -> tuple[SoundFile, int]:
    """A stored sound as a file of the project, and its rate. Raises StoreError when it is gone or damaged."""
    info = probe_audio(blobs.path(digest))
    xmp = xmp_of(take) if take else b""
    return SoundFile(name, digest, info.frames, info.channels, position, take, xmp=xmp), info.rate


def _unused(name: str, used: set[str]) -> str:
    """The name, or it with a number: no two alike, not even where case is ignored."""
    found, number = name, 1
    while found.casefold() in used:
        number += 1
        found = f"{name}-{number}"
    used.add(found.casefold())
    return found


def _tempo_map(take: Take | None) -> TempoMap:
    stored = take.recipe.tempo_map if take else None
    if stored is None:
        return TempoMap.constant(ASSUMED_BPM)
    try:
        return TempoMap.from_json(stored)
    except ValueError as error:
        raise StoreError(
            f"The tempo map of take {take.id if take else ''} cannot be read: {error}."
        ) from error


def _key(take: Take | None) -> Key | None:
    text = take.request.get("key") if take else None
    try:
        return Key.parse(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _markers(placed: Iterable[Placed]) -> tuple[Marker, ...]:
    """Start and end of every region, once each, and the lines that are sung in what plays, in order."""
    placed = tuple(placed)
    found: dict[tuple[str, int, int], None] = {}
    for one in placed:
        if one.file.comp:
            continue  # its takes have theirs
        found[one.take.task, one.file.position, one.file.position + one.take.length] = None
    markers = [Marker(f"{task} starts", max(0, start)) for task, start, _ in found]
    markers += [Marker(f"{task} ends", end) for task, _, end in found if end > 0]
    markers += [marker for one in placed if one.audible and not one.file.comp for marker in _lyrics(one)]
    return tuple(sorted(markers, key=lambda marker: marker.position))


def _lyrics(placed: Placed) -> Iterator[Marker]:
    """Where the lines begin that are heard."""
    for cue in cues_of(placed.take):
        position = placed.file.position + cue.sample
        if position >= 0 and (
            placed.parts is None or any(part.start <= position < part.end for part in placed.parts)
        ):
            yield Marker(cue.text, position)


def _notes(tempo: FromZero) -> list[str]:
    if tempo.lead_in is None:
        return []
    return [
        f"The timeline's zero is inside a bar: the project begins with a lead-in bar of {tempo.lead_in}, whose "
        "tempo is such that all later bar lines are where they belong."
    ]


def _other_places(takes: Iterable[Take], origins: Mapping[str, int]) -> list[str]:
    if all(take.position - take.start == origins[take.id] for take in takes):
        return []
    return [
        "Some takes were made when the song lay elsewhere on the timeline; all lie where the newest has it."
    ]
