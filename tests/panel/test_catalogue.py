"""The panel's catalogue makes of a text what the server's makes of it, and reads the panel's own texts."""

from __future__ import annotations

import pytest

from bridge_server.bundled import PANEL
from bridge_server.languages.installed import SECTIONS, catalogue_of, language_file
from bridge_server.languages.template import Template
from tests.bridge_server.languages.cases import CASES, ENTRIES
from tests.languages.pages import example
from tests.panel.scripts import NODE, run_modules

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: Node is not installed (apt install nodejs)")

TRANSLATE = """
import { Catalogue } from "./catalogue.js";
export function run(entries, texts) {
  const catalogue = new Catalogue(entries);
  return texts.map((text) => catalogue.translate(text));
}"""
NAME_REGIONS = """
import { Catalogue } from "./catalogue.js";
import { Grid } from "./grid.js";
import { regionName } from "./words.js";
export function run(entries, grid, regions) {
  const catalogue = new Catalogue(entries);
  return regions.map(([start, end]) => catalogue.translate(regionName({ start, end }, grid && Grid.from(grid), 1)));
}"""
GRID = {
    "bars": [[1, 0], [2, 100], [3, 200], [4, 300]],
    "beats": list(range(0, 301, 25)),
    "tempi": [[0, 120, 0]],
    "meters": [[0, "4/4"]],
}


def panel_entries() -> dict[str, str]:
    file = language_file("ko")
    return {english: text for section in SECTIONS for english, text in file[section].items()}


def test_the_panel_reads_the_cases_of_the_server_alike(tmp_path):
    texts = [english for english, _ in CASES]
    found = run_modules(tmp_path, TRANSLATE, ENTRIES, texts, modules=PANEL)
    assert dict(zip(texts, found, strict=True)) == dict(CASES)


def test_the_panel_reads_every_sentence_of_the_server_alike(tmp_path):
    """Filled in, followed by others, and with the take they are about. Commas and dots join texts in the panel only."""
    file = language_file("ko")
    entries = {**file["system"], **file["sentences"]}
    templates = [Template.read(english) for english in entries]
    said = [one.fill({name: example(name) for name in one.names}) for one in templates]
    texts = [*said, *map(" ".join, zip(said[::3], said[1::3], said[2::3], strict=False))]
    texts += [f"{one} (take 1 of 2)" for one in said[::7]]
    texts = [text for text in texts if not any(joint in text for joint in (", ", "; ", " · "))]
    assert len(texts) > 2000
    found = run_modules(tmp_path, TRANSLATE, entries, texts, modules=PANEL)
    catalogue = catalogue_of("ko")
    assert catalogue is not None
    other = {
        text: (one, catalogue.translate(text)) for text, one in zip(texts, found, strict=True)
        if one != catalogue.translate(text)
    }  # fmt: skip
    assert other == {}


def test_a_region_in_korean_has_one_mark_between_its_ends(tmp_path):
    regions = [(0, 200), (0, 100), (25, 200), (0, 110), (10, 110), (10, 225)]
    found = run_modules(tmp_path, NAME_REGIONS, panel_entries(), GRID, regions, modules=PANEL)
    assert found == ["1–2마디", "1마디", "1|2~3|1", "1|1~≈2|1", "≈1|1~≈2|1", "≈1|1~3|2"]
    found = run_modules(tmp_path, NAME_REGIONS, panel_entries(), None, [(5, 65)], modules=PANEL)
    assert found == ["0:05.0~1:05.0"]
