"""Where things lie in the project, for the tests that read them."""

from __future__ import annotations

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
