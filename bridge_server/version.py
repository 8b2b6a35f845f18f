"""The version, once, and those of other packages."""

from __future__ import annotations

import importlib.metadata


def version_of(package: str) -> str | None:
    """The version of an installed package; None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


VERSION = version_of("takebridge") or "0"  # run from a source tree that was never installed

MADE_BY = f"Takebridge {VERSION}"
