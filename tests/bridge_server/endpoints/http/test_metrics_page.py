"""The page a monitor reads, under the same rules as every other one."""

from __future__ import annotations

import sys

import pytest

from bridge_server.endpoints.http.metrics_page import written
from bridge_server.handlers.metrics import Family, Histogram

TOKEN = "open sesame"


@pytest.fixture
def installed():
    return pytest.importorskip("prometheus_client", reason="SKIPPED: needs pip install 'takebridge[metrics]'")


def test_families_in_the_form_of_prometheus(installed):
    histogram = Histogram((0.1, 1.0), [2, 1, 1], 7.5)
    text = written(
        [
            Family("requests", "counter", "Requests", ("door",), [(("osc",), 3)]),
            Family("jobs_queued", "gauge", "Waiting", (), [((), 2)]),
            Family("delay_seconds", "histogram", "Delay", (), [((), histogram)]),
        ]
    ).decode()
    lines = text.splitlines()
    assert 'takebridge_requests_total{door="osc"} 3.0' in lines
    assert "takebridge_jobs_queued 2.0" in lines
    assert 'takebridge_delay_seconds_bucket{le="0.1"} 2.0' in lines
    assert 'takebridge_delay_seconds_bucket{le="+Inf"} 4.0' in lines
    assert "takebridge_delay_seconds_count 4.0" in lines
    assert "takebridge_delay_seconds_sum 7.5" in lines


def test_a_server_shows_its_numbers(installed, server):
    from prometheus_client.parser import text_string_to_metric_families

    status, headers, body = server.get("/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"takebridge_requests", "takebridge_jobs_queued", "takebridge_loop_delay_seconds"} <= names
    assert str(server.settings.store) not in body.decode()


def test_without_the_package_it_says_what_to_install(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    status, _, body = server.get("/metrics")
    assert (status, b"takebridge[metrics]" in body) == (501, True)


def test_it_has_the_same_rules_as_other_pages(start_server):
    guarded = start_server(host="0.0.0.0", token=TOKEN)
    assert guarded.get("/metrics")[0] == 403
    assert guarded.get("/metrics", Authorization="Bearer wrong")[0] == 403
    assert guarded.get("/metrics", Authorization=f"Bearer {TOKEN}")[0] in (200, 501)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_other_pages_cannot_read_it(server, headers):
    assert server.get("/metrics", **headers)[0] == 403
