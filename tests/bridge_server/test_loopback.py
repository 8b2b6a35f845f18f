"""Which addresses are this machine's own."""

import pytest

from bridge_server.loopback import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_these_are(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.7", "::", "", "studio.local", "127.0.0.1.example.com"]
)
def test_these_are_not(host):
    assert not is_loopback(host)
