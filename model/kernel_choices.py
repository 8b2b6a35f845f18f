"""What a processor was measured to be fastest in, kept in a file: processes that share it render to the same samples.

Kept by everything that it depends on, such as the processor and the version of torch. Standard library and filelock
only: `takebridge doctor` reads it too, in a process that never loads torch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from model.whole_file import whole_file

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
    found = _kept(place, key, names)
    if found is not None:
        return found
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock"), timeout=LOCK_SECONDS):
            found = _kept(place, key, names)
            if found is None:
                found = measure()
                others = [(name, each) for name, each in kept_choices(place).items() if name != key]
                _write(place, {**dict(others[1 - _MOST :]), key: found})
            return found
    except Timeout:  # which is an OSError
        found = _kept(place, key, names)  # the other may have been done just now
        if found is not None:
            return found
        log.warning(
            "Another process has held %s for %.0f s, so this one measures what the processor computes fastest itself.",
            place.with_suffix(".lock"),
            LOCK_SECONDS,
        )
        return measure()
    except (OSError, NotImplementedError) as refused:  # the last: a file system without locks
        log.warning(
            "What this processor computes fastest cannot be kept in %s (%s), so each start measures it.",
            place,
            type(refused).__name__,
        )
        return measure() if found is None else found


def _kept(place: Path, key: str, names: frozenset[str]) -> Choice | None:
    found = kept_choices(place).get(key)
    return found if found is not None and found.keys() == names else None


def _write(place: Path, choices: Mapping[str, Choice]) -> None:
    with whole_file(place, place.with_suffix(".part")) as file:  # its writer holds the lock
        file.write(json.dumps(choices, indent=1).encode())
