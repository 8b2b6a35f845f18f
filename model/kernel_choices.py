"""What a processor was measured to be fastest in, kept in a file: processes that share it render to the same samples.

Kept by everything that it depends on, such as the processor and the version of torch. Standard library and filelock
only: `takebridge doctor` reads it too, in a process that never loads torch.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

Choice = Mapping[str, bool]
"""Whether a way to compute is taken, by its name."""

LOCK_SECONDS = 10.0
"""How long to wait for a process that is measuring, which takes half a second on a quiet machine."""
_MOST = 16  # kept at once: the versions and numbers of threads somebody changes between

log = logging.getLogger(__name__)


def kept_choices(place: Path) -> dict[str, Choice]:
    """All that are kept, by what they depend on, the latest last; none where the file is missing or damaged."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: choice for key, choice in found.items() if _is_choice(choice)}


def _is_choice(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(taken, bool) for taken in found.values())


def chosen_once(place: Path, key: str, names: frozenset[str], measure: Callable[[], Choice]) -> Choice:
    """The choice kept for a key, if it decides just these names; else what is measured, which is kept from then on.

    Of several processes one measures, and the others wait and take its choice. What cannot be kept is measured all the
    same, and told in the log.
    """
    found = kept_choices(place).get(key)
    if found is not None and found.keys() == names:
        return found
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock"), timeout=LOCK_SECONDS):
            kept = kept_choices(place)
            found = kept.pop(key, None)
            if found is None or found.keys() != names:
                found = measure()
                _write(place, {**dict(list(kept.items())[1 - _MOST :]), key: found})
            return found
    except (OSError, Timeout, NotImplementedError) as refused:  # the last: a file system without locks
        log.warning(
            "What this processor computes fastest cannot be kept in %s (%s), so each start measures it.",
            place,
            type(refused).__name__,
        )
        return measure() if found is None or found.keys() != names else found


def _write(place: Path, choices: Mapping[str, Choice]) -> None:
    part = place.with_suffix(".part")  # its writer holds the lock
    try:
        part.write_text(json.dumps(choices, indent=1), encoding="utf-8")
        os.replace(part, place)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
