import json

import jsonschema
import pytest

from bridge_server.cli.docs import documents, write_documents
from tests.places import DOCS


@pytest.mark.parametrize("name", documents())
def test_the_documents_in_the_repository_are_what_the_code_makes(name):
    made = documents()[name]
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == made, f"docs/{name} is out of date; write it again: takebridge docs"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json.loads(documents()["schema.json"]))


def test_they_are_written_alike_on_every_system(tmp_path, capsys):
    folder = tmp_path / "new" / "docs"
    assert write_documents(folder) == 0
    for name, text in documents().items():
        assert (folder / name).read_bytes() == text.encode("utf-8")
        assert b"\r" not in (folder / name).read_bytes()
    assert capsys.readouterr().out.split() == [str(folder / name) for name in documents()]
