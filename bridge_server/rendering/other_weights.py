"""Whether a variation was rendered with the weights of the take it varies.

What was loaded is known with the render only, and may differ: a model was replaced, or another machine has another one.
"""

from __future__ import annotations

from bridge_server.engines.outcome import Outcome
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import Recipe

RETAKE_OF = "retake_of"
"""The option of engines that can stay close to a take: whose noise is kept."""
SHOWN = 12  # letters of a digest


def note_on_weights(outcome: Outcome, described: str, varied: Recipe, *, close: bool) -> str:
    """A note where the weights differ, "" where they do not or cannot be compared.

    described: the weights that the engine describes itself with. varied: of the take that is varied. close: it was to
    stay close to that take, which only its own weights can. Raises ProtocolError then.
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
    if close:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"The take was rendered with the weights {then}, and here are {name}: nothing of theirs stays close to it.",
            "Use the weights of the take, or omit variance; vary then renders with those that are here.",
            "variance",
        )
    return f"The take that is varied was rendered with other weights: {then}, not {name}."
