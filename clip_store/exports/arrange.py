"""From takes in the store to a project: which clip goes on which track, and which of them plays.

Reads the index and the heads of stored sounds; writes nothing. What lies over what is decided in layers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from clip_store.audio.audio_file import probe_audio
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError, TakeError
from clip_store.exports.layers import Placed, tracks_of
from clip_store.exports.project import Marker, Project, SoundFile
from clip_store.exports.tempo_from_zero import FromZero, from_zero
from clip_store.index import place_of
from clip_store.store import ClipStore, clip_name, file_stem
from clip_store.take import Take
from daw_protocol.tasks import TASKS
from daw_protocol.timeline import Key, TempoMap

MAX_TAKES = 10_000
ASSUMED_BPM = 120

Describe = Callable[[Take], str]
"""What a producer should know of a take (its receipt, how it was made), as lines of text."""


def take_project(store: ClipStore, take_id: str, describe: Describe) -> Project:
    """One take in its song, with the other stems that were rendered with it; all of them play.

    Raises TakeError when there is no such take, StoreError when its audio is gone.
    """
    take = store.index.get(take_id)
    together = [one for one in _of_job(store, take) if one.number == take.number]
    origin = take.position - take.start
    audible = {one.id for one in together}
    origins = {one.id: origin for one in together}
    return _project(store, take.parent, origin, together, origins, audible, take, describe)


def song_project(store: ClipStore, name: str, describe: Describe) -> Project:
    """A song with every take of it and of its results; accepted takes play, the others are muted.

    name: the song's digest or its first letters, `audio:` and a digest, or the title its takes have.
    Raises TakeError when it names no song or several, StoreError when audio is gone.
    """
    song, title = find_song(store, name)
    takes = list(reversed(store.index.list(song=song, limit=MAX_TAKES)))
    newest = takes[-1] if takes else None
    origin = newest.position - newest.start if newest else 0
    family, origins = _descendants(store, takes, origin)
    audible = _heard(store, family)
    return _project(store, song, origin, family, origins, audible, newest, describe, title)


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
    if len(found) == 1:
        return found[0], wanted if wanted in titles[found[0]] else ""
    if not found:
        raise TakeError(
            f"There is no song {name[:80]!r} with takes in the store.",
            "Name it as `takebridge takes` does, or by its digest.",
        )
    which = ", ".join(digest[:12] for digest in found)
    raise TakeError(f"{len(found)} songs are called {name[:80]!r}.", f"Name one by its digest: {which}.")


def _is_blob(blobs: BlobStore, digest: str) -> bool:
    try:
        return blobs.has(digest)
    except ValueError:
        return False


def _of_job(store: ClipStore, take: Take) -> list[Take]:
    """Takes of the same job, in the order they were made."""
    return list(reversed(store.index.list(job=take.job, limit=MAX_TAKES)))


def _descendants(store: ClipStore, takes: list[Take], origin: int) -> tuple[list[Take], dict[str, int]]:
    """The takes, those made from their results, and so on; with where the song of each begins on the timeline."""
    family: dict[str, Take] = {}
    origins: dict[str, int] = {}
    waiting = [(take, origin) for take in takes]
    while waiting:
        take, begins = waiting.pop(0)
        if take.id in family:
            continue
        family[take.id] = take
        origins[take.id] = begins
        if take.result is not None and take.result != take.parent:
            # A region before the song's first sample makes the result begin earlier.
            earlier = begins + min(0, take.start)
            later = reversed(store.index.list(song=take.result, limit=MAX_TAKES))
            waiting += [(one, earlier) for one in later]
    return sorted(family.values(), key=lambda take: store.index.serial(take.id)), origins


def _heard(store: ClipStore, family: list[Take]) -> set[str]:
    """Ids of the takes that play: accepted ones, stems rendered with them, and the takes they build on."""
    songs = {take.parent for take in family if take.parent}
    chosen = {take_id for song in songs for take_id in store.index.choices(song).values()}
    chosen |= {
        take.id for take in family if take.parent is None and store.index.chosen(place_of(take)) == take.id
    }
    groups = {
        (take.job, take.number) for take in family if take.id in chosen and TASKS[take.task].sums_to_source
    }
    audible = {take.id for take in family if take.id in chosen or (take.job, take.number) in groups}
    for take in reversed(family):  # newest first: what it stands on is older
        if take.id in audible and take.parent:
            audible |= {one.id for one in family if one.result == take.parent and one.id != take.id}
    return audible


def _project(
    store: ClipStore,
    song: str | None,
    origin: int,
    takes: list[Take],
    origins: Mapping[str, int],
    audible: set[str],
    reference: Take | None,
    describe: Describe,
    title: str = "",
) -> Project:
    """reference: the take whose tempo map holds for the project, and its title unless another is given; None: there
    is no take."""
    title = title or (reference.title if reference else "") or "song"
    used: set[str] = set()
    original = None
    rate = reference.rate if reference else 0
    if song is not None:
        name = _unused(file_stem(f"{title}.original"), used)
        original, rate = _sound(store.blobs, song, name, origin)
    placed = []
    for take in takes:
        name = _unused(file_stem(clip_name(take).stem), used)
        file, _ = _sound(store.blobs, take.audio, name, origins[take.id] + take.start, take)
        placed.append(Placed(take, file, take.id in audible, describe(take)))
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
    )


def _sound(
    blobs: BlobStore, digest: str, name: str, position: int, take: Take | None = None
) -> tuple[SoundFile, int]:
    """A stored sound as a file of the project, and its rate. Raises StoreError when it is gone or damaged."""
    info = probe_audio(blobs.path(digest))
    return SoundFile(name, digest, info.frames, info.channels, position, take), info.rate


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
    """Start and end of every region, once each, in order."""
    found: dict[tuple[str, int, int], None] = {}
    for one in placed:
        found[one.take.task, one.file.position, one.file.position + one.take.length] = None
    markers = [Marker(f"{task} starts", max(0, start)) for task, start, _ in found]
    markers += [Marker(f"{task} ends", end) for task, _, end in found if end > 0]
    return tuple(sorted(markers, key=lambda marker: marker.position))


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
