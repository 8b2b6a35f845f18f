"""Both ports are bound before anything else, or the option that chooses another one is named."""

import pytest

from bridge_server.network.ports import bound_ports
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.servers import settings_in


def test_the_settings_say_which_ports_were_bound(tmp_path):
    with bound_ports(settings_in(tmp_path)) as ports:
        assert ports.udp.getsockname()[1] == ports.settings.osc_port != 0
        assert ports.tcp.getsockname()[1] == ports.settings.websocket_port != 0


def test_a_taken_port_is_refused_with_the_option_that_chooses_another(tmp_path):
    with bound_ports(settings_in(tmp_path)) as taken:
        taken.tcp.listen()
        with (
            pytest.raises(ProtocolError, match=str(taken.settings.osc_port)) as refused,
            bound_ports(taken.settings),
        ):
            pytest.fail("the port was bound twice")
    assert refused.value.code is ErrorCode.NOT_ALLOWED
    assert "--osc-port" in refused.value.remedy
