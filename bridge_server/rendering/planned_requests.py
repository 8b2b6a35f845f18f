"""Requests that plan songs and render plans, completed and checked before they are queued.

A blueprint brings a song's words, tempo, key and length. What the DAW or the producer sends as well has to agree: the
codes were made for what the blueprint says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge_server.rendering.blueprints import UNKNOWN, sent
from bridge_server.rendering.plan import plan_request
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.requests.planning import Written
from daw_protocol.timeline import Key, Meter

MAX_TEMPO_DIFFERENCE = 0.01  # quarter notes a minute: the rounding of a host that has tempos in 32 bits
MAX_LENGTH_DIFFERENCE = 0.2  # seconds: one code
PLAN_AGAIN = "Plan the song again, or change the blueprint; without codes its words alone are rendered."


def refuse_empty_locks(request: Written) -> None:
    """Raises ProtocolError where something is to be kept that was not sent. request: filled from its context."""
    known = sent(request)
    for name in request.lock:
        if name in known:
            continue
        remedy = (
            "Send instrumental for a song without words."
            if name == "lyrics"
            else f"Send {_sender(name)} too."
        )
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            f"lock: there is nothing to keep as {name}: none was sent.",
            f"{remedy} Or omit it from lock.",
            "lock",
        )


def _sender(name: str) -> str:
    return "bpm or a tempo map" if name == "tempo" else name


def read_blueprint(given: Mapping[str, Any]) -> BlueprintRecord:
    """The blueprint a request brought. Raises ProtocolError about `blueprint`."""
    try:
        found = BlueprintRecord.from_fields(given)
        for name, kind in (("key", Key), ("meter", Meter)):
            if getattr(found, name):
                kind.parse(getattr(found, name))
    except ProtocolError as error:
        raise ProtocolError(error.code, f"blueprint: {error.sentence}", error.remedy, "blueprint") from error
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"blueprint: {error}.", "Change it in the blueprint.", "blueprint"
        ) from error
    return found


def with_blueprint(
    request: requests.Generate, found: BlueprintRecord, *, selected: bool = False
) -> requests.Generate:
    """The request with the words, tempo, key and length of its blueprint. Raises ProtocolError where both differ.

    request: filled from its context. selected: its region is only what happens to be selected: the song begins there,
    and is as long as it was planned.
    """
    lyrics = "\n".join(line.text for line in found.lyrics)
    # Its lines are where the plan, or another take, has them; in this one nobody has looked yet.
    # How well its codes fit its words says nothing without them.
    kept = found.evolve(lyrics_timed=False, fit=found.fit if found.codes else {})
    changes: dict[str, Any] = {"blueprint": kept.to_fields()}
    for name, own, given in (
        ("prompt", found.caption, request.prompt),
        ("lyrics", lyrics, request.lyrics),
        ("language", found.language, request.language if request.language != UNKNOWN else ""),
    ):
        if own and given and own != given:
            raise _differs(
                name, f"{name}: the blueprint has its own {_WORDS[name]}.", f"Omit {name}. {PLAN_AGAIN}"
            )
        if own:
            changes[name] = own
    if found.key and request.key is not None and Key.parse(found.key) != request.key:
        raise _differs(
            "key", f"key: the blueprint is in {found.key}, the request in {request.key}.", PLAN_AGAIN
        )
    if found.key:
        changes["key"] = found.key
    if request.tempo_map is None:
        changes |= {"bpm": request.bpm or found.tempo, "meter": request.meter or found.meter or None}
    if found.seconds is not None and (selected or all(given is None for given in region_of(request))):
        request = request.evolve(end=None)
        changes["length"] = f"{found.seconds:.6f}s"
    merged = request.evolve(**{name: given for name, given in changes.items() if given is not None})
    _refuse_other_grid(merged, found)
    return merged


def region_of(request: requests.Generate) -> tuple[object, ...]:
    """The fields of the request's region."""
    return request.start, request.end, request.bars, request.length


_WORDS = {"prompt": "caption", "lyrics": "lyrics", "language": "language"}


def _refuse_other_grid(request: requests.Generate, found: BlueprintRecord) -> None:
    """Raises ProtocolError where the DAW's tempo, time signature or region is not the blueprint's."""
    plan = plan_request(request, None)
    start = plan.region.start
    tempo = float(plan.tempo_map.tempo_at(start, plan.rate))
    meter = plan.tempo_map.meter_at(plan.tempo_map.quarters_at(start, plan.rate))
    seconds = plan.region.length / plan.rate
    if found.tempo and abs(found.tempo - tempo) > MAX_TEMPO_DIFFERENCE:
        sentence = (
            f"bpm: the song was planned at {found.tempo:g} BPM, and the DAW is at {tempo:g} where it begins."
        )
        raise _differs("bpm", sentence, PLAN_AGAIN)
    if found.meter and Meter.parse(found.meter) != meter:
        sentence = f"meter: the song was planned in {found.meter}, and the DAW is in {meter} where it begins."
        raise _differs("meter", sentence, PLAN_AGAIN)
    if found.seconds is not None and abs(found.seconds - seconds) > MAX_LENGTH_DIFFERENCE:
        sentence = (
            f"length: the song was planned {found.seconds:.1f} s long, and the region has {seconds:.1f} s."
        )
        raise _differs("length", sentence, f"Omit the region to have it as planned. {PLAN_AGAIN}")


def _differs(field: str, sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(ErrorCode.CANNOT_RENDER, sentence, remedy, field)
