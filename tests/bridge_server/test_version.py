"""The version is the package's own."""

import tomllib

from bridge_server.version import MADE_BY, VERSION
from tests.places import PROJECT


def test_the_version_is_that_of_the_project():
    stated = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert VERSION in (stated, "0")  # 0: a source tree that was never installed
    assert f"Takebridge {VERSION}" == MADE_BY
