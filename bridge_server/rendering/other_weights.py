"""Whether a variation was rendered with the weights of the take it varies.

What was loaded is known with the render only, and may differ: a model was replaced, or another machine has another one.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge_server.engines.outcome import Outcome
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import Recipe
from daw_protocol.requests import Render

RETAKE_OF = "retake_of"
"""The option of engines that can stay close to a take: whose noise is kept."""
SHOWN = 12  # letters of a digest
VARIANCE, LYRIC_TIMES = "variance", "lyric_times"
NEEDS = {
    VARIANCE: (
        "only its own weights can stay close to it",
        "Use the weights of the take, or omit variance: vary then renders with the weights that are loaded.",
    ),
    LYRIC_TIMES: (
        "only its own weights can time its lines",
        "Use the weights of the take, or send its request again with lyric_times: that makes another take.",
    ),
}


def needing_its_weights(request: Render, varied: Take) -> str:
    """The field of `vary` that asked for the noise of the take it varies; "" where none did.

    A take that is itself a close variation has passed its options on: they ask for nothing new.
    """
    options = varied.request.get("options")
    before = options.get(RETAKE_OF) if isinstance(options, Mapping) else None
    if request.options.get(RETAKE_OF) in (None, before):
        return ""
    blended = float(str(request.options.get(VARIANCE) or "0").rpartition(",")[2])
    return LYRIC_TIMES if getattr(request, LYRIC_TIMES, False) and blended == 0.0 else VARIANCE


def note_on_weights(outcome: Outcome, described: str, varied: Recipe, *, needed_for: str = "") -> str:
    """A note where the weights differ, "" where they do not or cannot be compared.

    described: the weights that the engine describes itself with. varied: of the take that is varied. needed_for: what
    only that take's own weights can do (`needing_its_weights`). Raises ProtocolError then.
    """
    report = outcome.report
    name, digest = report.weights or described, str(report.figures.get("weights_digest", ""))
    then, digest_then = varied.weights, str(varied.figures.get("weights_digest", ""))
    if digest and digest_then:
        same = digest == digest_then
    else:
        same = not name or not then or name == then
    if same:
        return ""
    if name == then:
        name, then = f"{name} ({digest[:SHOWN]})", f"{then} ({digest_then[:SHOWN]})"
    if needed_for:
        why, remedy = NEEDS[needed_for]
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"The take was rendered with the weights {then}, and {name} are loaded here: {why}.",
            remedy,
            needed_for,
        )
    return f"The take that is varied was rendered with other weights: {then}, not {name}."
