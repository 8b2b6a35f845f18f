"""The log's last lines, across its files."""

import logging

from bridge_server import logs
from bridge_server.cli.report_log import last_lines
from bridge_server.logs import TEXT, logged_to

log = logging.getLogger("bridge_server.rendering.worker")


def test_the_newest_lines_come_from_as_many_files_as_they_need(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    with logged_to(tmp_path, TEXT):
        for number in range(60):
            log.info("%d jobs of an earlier run are resumed", number)
    found = last_lines(tmp_path, 20)
    assert [int(line.split(": ")[1].split()[0]) for line in found] == list(range(40, 60))
    assert len(last_lines(tmp_path, 5)) == 5


def test_without_a_log_there_are_none(tmp_path):
    assert last_lines(tmp_path) == []
