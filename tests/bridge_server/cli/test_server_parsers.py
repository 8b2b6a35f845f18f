"""The server's options, and those of the commands around it."""

from pathlib import Path

import pytest

from bridge_server.cli.docs import documents
from bridge_server.engines.registry import BUILT_IN
from tests.bridge_server.cli.test_parser import parse


def test_a_server():
    arguments = parse(
        "serve", "--root", "a", "--root", "b", "--port", "0", "--osc-port", "0", "--token", "secret"
    )
    assert arguments.root == [Path("a"), Path("b")]
    assert (arguments.port, arguments.osc_port, arguments.token) == (0, 0, "secret")
    plain = parse("serve")
    assert (plain.root, plain.port, plain.osc_port, plain.host, plain.engine) == (
        [],
        9125,
        9124,
        "127.0.0.1",
        "sketch",
    )


def test_help_names_the_engines_that_are_built_in(capsys):
    with pytest.raises(SystemExit):
        parse("serve", "--help")
    reported = capsys.readouterr().out
    assert all(spec.name in reported for spec in BUILT_IN)


def test_the_documents_are_written_where_they_are_wanted(tmp_path, capsys):
    arguments = parse("docs", str(tmp_path / "new"))
    assert arguments.run(arguments) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(documents())
    assert str(tmp_path / "new" / "protocol.md") in capsys.readouterr().out


def test_models_may_be_named_before_or_after_a_command():
    assert parse("--models", "a", "doctor").models == Path("a")
    assert parse("doctor", "--models", "a").models == Path("a")
    assert parse("--models", "a", "models", "list", "--models", "b").models == Path("b")
