"""The file that Live installs the extension from."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile

import pytest

from bridge_server.live_extension_file import FILE_NAME, bundle, extension_file
from tests.examples.node_double import NODE
from tests.places import EXAMPLES


@pytest.mark.skipif(NODE is None, reason="SKIPPED: node is missing; apt-get install nodejs")
def test_it_is_made_offline_the_same_each_time_with_a_manifest_live_can_read(tmp_path):
    made = extension_file(EXAMPLES / "live_extension")
    assert made == extension_file(EXAMPLES / "live_extension")
    with zipfile.ZipFile(io.BytesIO(made[FILE_NAME])) as archive:
        assert sorted(archive.namelist()) == ["LICENSE", "extension.js", "manifest.json"]
        assert archive.read("LICENSE").startswith(b"MIT License")
        manifest = json.loads(archive.read("manifest.json"))
        code = archive.read(manifest.pop("entry")).decode()
    assert set(manifest) == {"name", "author", "version", "minimumApiVersion"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert (manifest["name"], manifest["minimumApiVersion"]) == ("Takebridge", "1.0.0")
    script = "const e = require('./extension.js'); process.exit(typeof e.activate === 'function' ? 0 : 1)"
    (tmp_path / "extension.js").write_text(code, encoding="utf-8")
    subprocess.run([str(NODE), "-e", script], cwd=tmp_path, check=True)


def test_a_module_that_is_missing_is_named():
    with pytest.raises(ValueError, match=r"a\.js requires b\.js, which is not there"):
        bundle({"a.js": 'require("./b.js")'}, "1")
