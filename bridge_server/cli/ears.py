"""`takebridge models ears`: the weights of the beat tracker, from its authors.

They are no model of an engine: no hub has them, and nobody publishes their digest.
"""

from __future__ import annotations

from bridge_server.cli.commands import DONE, Screen
from daw_protocol.errors import ErrorCode, ProtocolError
from model import ears


def run_ears(screen: Screen) -> int:
    """Says what comes from where, and fetches it unless it is here. Raises ProtocolError."""
    try:
        path = ears.weights_path()
        here = path.is_file()
        if not here:
            screen.say(f"{ears.LABEL}, {ears.WEIGHTS}: {ears.WEIGHTS_SIZE} to fetch from {ears.WEIGHTS_FROM}")
        path = ears.fetch_weights()
    except ears.CannotHear as missing:
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            missing.note or f"{ears.LABEL} is not installed.",
            f"{ears.INSTALL}, then try again."
            if not missing.note
            else "Until then the embedded analysis is used.",
        ) from missing
    screen.say(
        "Here already, and it loads."
        if here
        else "[green]✓[/green] `takebridge analyse` uses it from now on."
    )
    screen.result({"name": ears.WEIGHTS, "path": str(path), "fetched": not here})
    return DONE
