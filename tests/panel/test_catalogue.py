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


COMPOSED = [
    ("Uploading “Song, final mix.wav”, 3 MB", "“Song, final mix.wav” 올리는 중, 3 MB"),
    ("The stars of “Verse: loud”: no stars.", "“Verse: loud”: 별 없음."),
    ("Repaint bars 2–3: 2 takes ready.", "2–3마디 리페인트: 테이크 2개 준비됨."),
    ("Extract 2|1 to ≈2|3: 1 take ready.", "2|1~≈2|3 스템 분리: 테이크 1개 준비됨."),
    ("Repaint 3 regions: 6 takes ready.", "구간 3개 리페인트: 테이크 6개 준비됨."),
    ("Generate · 2 takes", "생성 · 테이크 2개"),
    ("Repaint …", "리페인트 …"),
    (
        "is not followed: bar 2: 'Hm' is not a chord: H is German for B; write \"Bm\" (and Bb for the German B)",
        "따르지 않습니다: 2마디: 'Hm': 코드가 아닙니다. H는 독일식 B이니 \"Bm\" 형태로 쓰세요(독일식 B는 Bb)",
    ),
    ("The song's file: “My song, 3 stars”", "곡 파일: “My song, 3 stars”"),
    ("Stop training “drums”", "“drums” 학습 멈추기"),
    ("on the machine studio · at step 2 of 100", "컴퓨터 studio에서 · 100단계 중 2단계"),
    (
        "The take “Wide, drums only and in the song. Check the name.”, 3 stars, in the song. likeness 0.95",
        "테이크 “Wide, drums only and in the song. Check the name.”, 별 3개, 곡에 들어감. 유사도 0.95",
    ),
    ("The take “Cover”, 3 stars. 2 takes", "테이크 “Cover”, 별 3개. 테이크 2개"),
    ("The stars of “Cover”: no stars.", "“Cover”: 별 없음."),
    ("“drums”, before training", "“drums”, 학습 전"),
    ("Mute the stem drums", "드럼 스템 뮤트"),
    ("Take 2 · drums of 6|3 to ≈9|1", "테이크 2 · 6|3~≈9|1 중 드럼"),
    ("Take 2 · drums of 0:05.0 to 1:05.0", "테이크 2 · 0:05.0~1:05.0 중 드럼"),
    ("Take 2 · drums of bars 6–9", "테이크 2 · 6–9마디 중 드럼"),
]  # fmt: skip


def test_what_the_panel_puts_together_is_taken_apart_as_it_was(tmp_path):
    found = run_modules(tmp_path, TRANSLATE, panel_entries(), [text for text, _ in COMPOSED], modules=PANEL)
    assert dict(zip((text for text, _ in COMPOSED), found, strict=True)) == dict(COMPOSED)


def test_a_region_in_korean_has_one_mark_between_its_ends(tmp_path):
    regions = [(0, 200), (0, 100), (25, 200), (0, 110), (10, 110), (10, 225)]
    found = run_modules(tmp_path, NAME_REGIONS, panel_entries(), GRID, regions, modules=PANEL)
    assert found == ["1–2마디", "1마디", "1|2~3|1", "1|1~≈2|1", "≈1|1~≈2|1", "≈1|1~3|2"]
    found = run_modules(tmp_path, NAME_REGIONS, panel_entries(), None, [(5, 65)], modules=PANEL)
    assert found == ["0:05.0~1:05.0"]
