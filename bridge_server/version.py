"""The version, once."""

from __future__ import annotations

import importlib.metadata

try:
    VERSION = importlib.metadata.version("takebridge")
except importlib.metadata.PackageNotFoundError:  # run from a source tree that was never installed
    VERSION = "0"

MADE_BY = f"Takebridge {VERSION}"
