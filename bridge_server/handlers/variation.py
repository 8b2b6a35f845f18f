"""The request of a variation: a take's own, with what is to change, about the same audio."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from bridge_server.engines.limits import refuse_engine_without_times
from bridge_server.rendering.other_weights import RETAKE_OF
from bridge_server.songs.sources import STORED
from clip_store.take import Take
from daw_protocol import requests
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from model.engine import EngineDescription

VARIANCE, VARIATION = "variance", "variation"
"""The options of engines that can blend a take's noise towards another one, besides RETAKE_OF."""
DRAWN = 2**31


TIMED_TASKS = ("generate", "cover")
"""Tasks whose lyrics can be timed."""
SAME = "The take is rendered once more, as it is, for the times of its lines."
BATCH = "batch"
"""The figure of engines that compute several takes in one pass: the numbers of those a take was computed with."""
OTHER_BITS = (
    "A take's last bits depend on which takes are computed with it in one pass, so these may be others."
)


def is_the_same(request: requests.Vary) -> bool:
    """Whether a variation is the take itself, rendered once more for the times of its lyrics."""
    changes = (request.seed, request.variance, request.strength, request.prompt)
    return request.lyric_times and all(given is None for given in changes)


def needs_own_noise(take: Take, request: requests.Vary) -> bool:
    """Whether the take's own noise has to be asked for: a seed alone gives the first take's."""
    return request.variance is not None or (is_the_same(request) and take.recipe.take > 0)


def needs_engine(request: requests.Vary) -> bool:
    """Whether the take's engine has to be asked what it can do."""
    return request.lyric_times or request.variance is not None


def varied(take: Take, request: requests.Vary, description: EngineDescription | None) -> tuple[Render, str]:
    """The take's request with the changes, and a note on what was drawn for it.

    description: of the take's engine, where `needs_engine`. Raises ProtocolError.
    """
    if request.lyric_times:
        assert description is not None, "asked for above"
        refuse_engine_without_times(description)
        _refuse_untimed(take, request)
    changes = {name: getattr(request, name) for name in ("strength", "prompt")}
    fields: dict[str, Any] = {
        **{name: given for name, given in take.request.items() if name != "seed"},
        **{name: given for name, given in changes.items() if given is not None},
        "id": request.id,
        **of_song(take),
        "takes": request.takes,
        "origin": take.id,
    }
    note = ""
    if request.lyric_times:
        fields["lyric_times"] = True
    if needs_own_noise(take, request):
        assert description is not None, "asked for above"
        number = _drawn(take, request.id) if request.seed is None else request.seed % 2**63
        more, note = _retake(take, request.variance or 0.0, number, description)
        fields |= more
    elif is_the_same(request):
        fields["seed"] = take.recipe.seed
    elif request.seed is not None:
        fields["seed"] = request.seed
    again = BY_NAME[take.task].request.from_fields(fields)
    assert isinstance(again, Render), take.task
    if is_the_same(request):
        note = SAME
    elif request.variance is None:
        return again, note
    in_a_batch = description is not None and description.fixed_batches and request.takes > 1
    return again, f"{note} {OTHER_BITS}" if in_a_batch or take.recipe.figures.get(BATCH) else note


def _refuse_untimed(take: Take, request: requests.Vary) -> None:
    """Raises ProtocolError for a take whose lyrics cannot be timed, or which cannot be rendered as it is."""
    if take.task not in TIMED_TASKS:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"lyric_times: take {take.id} is no new song and no cover, so its lyrics cannot be timed.",
            "Omit lyric_times, or name a take of generate or cover.",
            "lyric_times",
        )
    if is_the_same(request) and request.takes > 1:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            "takes: with lyric_times and nothing else to change, the take is rendered once more, as it is.",
            "Omit takes, or send seed, variance, strength or prompt for other versions.",
            "takes",
        )
    if is_the_same(request) and take.recipe.take > 0 and _draws_more(take):
        number, asked = take.recipe.take + 1, take.request.get("takes")
        # As many as then: batches are cut by it.
        takes = asked if isinstance(asked, int) else number
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"lyric_times: take {take.id} is number {number} of its request, and each of them was drawn by "
            "more than one noise, so it cannot be rendered alone.",
            f"Send its request again with its seed, takes {takes} and lyric_times.",
            "lyric_times",
        )


def _draws_more(take: Take) -> bool:
    """Whether takes of its request differ in more than the noise they begin with: in a plan, or noise at each step."""
    options = take.request.get("options")
    known = options if isinstance(options, Mapping) else {}
    return (
        bool(take.request.get("edit")) or known.get("planner") in ("on", True) or known.get("method") == "sde"
    )


def of_song(take: Take) -> dict[str, object]:
    """The song of a take as a request names it; nothing for a new song or tracks that were rendered together."""
    if take.parent is None or "tracks" in take.request:
        return {}
    source = {"source": f"{STORED}{take.parent}", "source_position": take.position - take.start}
    return {**source, "title": take.title}  # the store's audio has no name


def _drawn(take: Take, request_id: str) -> int:
    """Selects a noise. A request that comes twice under one id means the same one, so its number comes from the id."""
    if not request_id:
        return secrets.randbelow(DRAWN)
    digest = hashlib.sha256(f"{take.id} {request_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % DRAWN


def _retake(
    take: Take, variance: float, number: int, description: EngineDescription
) -> tuple[dict[str, Any], str]:
    """Seed and options of the take's own noise, with one more blended in, and a note. number: selects that noise."""
    if RETAKE_OF not in description.options:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"variance: the {description.label} engine cannot stay close to a take's own noise.",
            "Omit variance; vary then renders the take with another seed.",
            "variance",
        )
    options = take.request.get("options")
    known = dict(options) if isinstance(options, Mapping) else {}
    earlier = _listed(known.get(VARIANCE))
    own = str(take.recipe.take + 1)
    blended = {
        VARIANCE: [*earlier, f"{variance:.17g}"],
        VARIATION: [*_padded(_listed(known.get(VARIATION)), len(earlier)), str(number)],
        RETAKE_OF: [*(_listed(known.get(RETAKE_OF)) or [own] * len(earlier)), own],
    }
    joined = {name: ",".join(values) for name, values in blended.items()}
    note = f"The take's own noise is kept, {variance:.0%} blended towards number {number} (the seed that repeats this)."
    return {"seed": take.recipe.seed, "options": {**known, **joined}}, note


def _listed(value: object) -> list[str]:
    """An option with one value or several, as texts."""
    return [] if value in (None, "") else [part.strip() for part in str(value).split(",")]


def _padded(values: list[str], count: int) -> list[str]:
    return (values + ["0"] * count)[:count]
