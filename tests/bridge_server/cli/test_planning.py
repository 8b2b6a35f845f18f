"""`takebridge plan`, `rewrite` and `generate --blueprint`."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.planning import blueprint_typed, show
from daw_protocol.errors import ProtocolError
from daw_protocol.recipe import BlueprintRecord, LyricRecord, SectionRecord
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.bridge_server.typed import typed

FOUND = BlueprintRecord(
    tempo=96.0, meter="4/4", caption="slow bossa nova", seconds=40.0, notes=("Laid out.",),
    fit={"total": 0.617, "caption": 0.5, "facts": 0.91},
    sections=(SectionRecord(name="verse", start=0, end=20, bars="1-8"),), lyrics=(LyricRecord(text="[Verse]"),),
)  # fmt: skip


def test_a_blueprint_is_printed():
    page = io.StringIO()
    show(Screen(Console(file=page, width=100)), FOUND)
    assert page.getvalue().splitlines() == [
        "96 BPM, 4/4, 40 s: slow bossa nova.", "    section verse, bars 1-8", "    [Verse]",
        "    fit 0.62 (caption 0.50, facts 0.91)", "Laid out.",
    ]  # fmt: skip


def test_a_file_or_a_job_is_typed(tmp_path):
    for coding in ("utf-8", "utf-8-sig"):  # Notepad's
        (tmp_path / "plan.json").write_text('{"tempo": 96}', encoding=coding)
        assert blueprint_typed(str(tmp_path / "plan.json")) == {"tempo": 96}
    assert blueprint_typed("j0123456789") == "j0123456789"
    for text, words in (("[1]", "holds no blueprint"), ("{", "not valid JSON")):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(ProtocolError, match=words):
            blueprint_typed(str(tmp_path / "plan.json"))
    with pytest.raises(ProtocolError, match="cannot be read"):
        blueprint_typed(str(tmp_path / "none.json"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ServerThread(settings_in(tmp_path_factory.mktemp("plans"))) as running:
        yield running


def test_a_plan_is_written_edited_and_rendered(server, tmp_path):
    done = typed(
        server.settings.store,
        "plan",
        "--prompt",
        "slow",
        "--bpm",
        "96",
        "--length",
        "40s",
        "--json",
        cwd=tmp_path,
    )
    (found,) = json.loads(done.stdout)["results"]
    file = tmp_path / f"blueprint {found['blueprint']}.json"
    blueprint = json.loads(file.read_text(encoding="utf-8"))
    assert (blueprint["caption"], len(blueprint["codes"])) == ("slow", 200)
    file.write_text(json.dumps({**blueprint, "caption": "fast", "codes": []}))
    for named, prompt in ((found["blueprint"], "slow"), (file.name, "fast")):
        done = typed(server.settings.store, "generate", "--blueprint", named, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        with server.websocket() as ws:
            job = ws.call("jobs.show", job=json.loads(done.stdout)["job"])
        assert job["request"]["prompt"] == prompt
    refused = typed(server.settings.store, "generate", "--blueprint", "j0000000000", cwd=tmp_path)
    assert refused.returncode == 1
    assert "no blueprint j0000000000" in refused.stderr
