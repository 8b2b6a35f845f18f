"""Packages of an extra: whether they are installed, without loading them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from model.errors import NotLoaded


def missing_packages(names: Sequence[str]) -> list[str]:
    """Those that are not installed, in their order."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def require_packages(names: Sequence[str], what: str, remedy: str) -> None:
    """Raises NotLoaded with this remedy where packages that `what` needs are not installed."""
    missing = missing_packages(names)
    if missing:
        raise NotLoaded(f"{what} needs packages that are not installed: {', '.join(missing)}.", remedy)
