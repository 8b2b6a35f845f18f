"""The options of `takebridge rank`."""

from pathlib import Path

from bridge_server.cli import rank as module
from bridge_server.cli import rank_parser
from bridge_server.cli.parser import parser


def test_only_what_was_typed_is_sent(monkeypatch):
    sent = []

    async def rank(settings, screen, values):
        sent.append(values)
        return 0

    monkeypatch.setattr(module, "rank", rank)
    monkeypatch.setattr(rank_parser, "settings_of", lambda arguments: None)
    top = parser(Path("store"), Path("models"), Path())
    for words in (["rank"], ["rank", "--job", "j1", "--prompt", "warm pad", "--limit", "3"]):
        arguments = top.parse_args(words)
        assert arguments.run(arguments) == 0
    assert sent == [{}, {"job": "j1", "prompt": "warm pad", "limit": "3"}]
