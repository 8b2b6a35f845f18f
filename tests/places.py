"""Where things lie in the project, for the tests that read them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
EXAMPLES = PROJECT / "examples"

DEMO_SONG = EXAMPLES / "demo_song" / "demo_song.flac"

GOLDEN = PROJECT / "tests" / "golden"
"""What others' programs gave or published; each folder's README says how it was made."""
LIBROSA_NUMBERS = GOLDEN / "librosa.json"
ACESTEP_GOLDEN = GOLDEN / "acestep"
TINY = ACESTEP_GOLDEN / "tiny"
"""A folder of untrained ACE-Step models of a few kilobytes each."""
TINY_LORA = TINY / "adapters" / "lora_single_file.safetensors"
TINY_PLANNER = TINY / "acestep-5Hz-lm"


@cache
def own_cache() -> dict[str, str]:
    """What makes programs keep what they measure in a folder of these tests, and not in the user's: environment
    variables. Windows has a variable of platformdirs' own; its call there asks for no other."""
    folder = tempfile.mkdtemp(prefix="takebridge-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"XDG_CACHE_HOME": folder, "WIN_PD_OVERRIDE_LOCAL_APPDATA": folder}
