"""Where trainings can be: hosts by name and address, as clients see them, and what they are refused for at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.handlers.training_places import TrainingPlaces
from bridge_server.studio.at_host import AtHost, keep_at_host
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.link_messages import LINK_PROTOCOL, Welcome
from bridge_server.studio.pulse import PULSE
from bridge_server.studio.training_messages import TrainingOffer
from bridge_server.training.kept_trainings import AT_HOST, KeptTraining
from daw_protocol.errors import ProtocolError
from tests.bridge_server.studio.linked_trainings import ordered
from tests.bridge_server.studio.test_at_host import BOX


def places(offer: TrainingOffer | None = None) -> TrainingPlaces:
    """One host; offer: what it said of itself, if it ever did."""
    host = HostConnection(BOX)
    if offer is not None:
        host.welcome = Welcome(LINK_PROTOCOL, "1", "studio", "", 1, {}, offer)
        host.session = object()  # type: ignore[assignment]  # it is only asked whether there is one
    return TrainingPlaces([host], PULSE)


def test_a_host_is_found_by_name_and_address() -> None:
    found = places(TrainingOffer(("acestep-v15-turbo",), True))
    assert found.named("studio") is found.named("ws://127.0.0.1:9")
    (record,) = found.records()
    assert (record.name, record.ready, record.models, record.planner) == (
        "studio",
        True,
        ("acestep-v15-turbo",),
        True,
    )
    found.refuse(found.named("studio"), "turbo")
    with pytest.raises(ProtocolError, match="There is no render host called 'loft'") as refused:
        found.named("loft")
    assert (refused.value.remedy, refused.value.field) == ("There are: studio.", "on")
    with pytest.raises(ProtocolError, match="no checkpoint called base"):
        found.refuse(found.named("studio"), "base")


def test_two_of_one_name_are_found_by_their_addresses() -> None:
    hosts = [HostConnection(BOX), HostConnection(replace(BOX, port=10))]
    found = TrainingPlaces(hosts, PULSE)
    assert found.named("ws://127.0.0.1:10") is hosts[1]
    with pytest.raises(ProtocolError, match="2 render hosts are called") as refused:
        found.named("127.0.0.1")
    assert refused.value.remedy == "Name one by its address: ws://127.0.0.1:9, ws://127.0.0.1:10."


def test_one_that_is_away_or_cannot_train_says_why() -> None:
    away = places()
    (record,) = away.records()
    assert (record.ready, "cannot be reached" in record.reason) == (False, True)
    with pytest.raises(ProtocolError, match="cannot be reached"):
        away.refuse(away.named("127.0.0.1"), "")
    host = HostConnection(BOX)
    host._gone("it refused this connection.", answered=True)
    refusing = TrainingPlaces([host], PULSE)
    (record,) = refusing.records()
    assert record.reason == "The render host 127.0.0.1 cannot be reached: it refused this connection."
    assert "connects by itself" in record.remedy
    with pytest.raises(ProtocolError) as nothing:
        refusing.refuse(host, "")
    assert nothing.value.remedy == "Nothing was sent there.", "its network is not at fault"
    unable = places(TrainingOffer(reason="No torch.", remedy="Install it."))
    (record,) = unable.records()
    assert (record.ready, record.reason) == (False, "No torch.")
    with pytest.raises(ProtocolError, match=r"studio cannot train\. No torch"):
        unable.refuse(unable.named("studio"), "")
    with pytest.raises(ProtocolError, match="called") as none:
        TrainingPlaces((), PULSE).named("studio")
    assert "--render-host" in none.value.remedy


def test_one_at_another_host_is_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    kept = AtHost("ws://127.0.0.1:10", "", ordered(tmp_path)[0])
    with pytest.raises(ProtocolError, match="not at this one"):
        places().go_on(kept, True)
    places().go_on(replace(kept, address=BOX.address), True)
    training = KeptTraining("my_sound", tmp_path)
    keep_at_host(tmp_path, replace(BOX, port=10), kept.training)
    left = asyncio.run(places().forget(training))
    assert left.startswith("The render host at ws://127.0.0.1:10 is none of this server's any more.")
    assert "thirty days" in left
    with pytest.raises(ProtocolError, match="being trained already"):
        asyncio.run(places().forget(replace(training, elsewhere=True)))


def test_what_may_be_left_at_a_host_is_said_where_nobody_knows_any_more(tmp_path: Path) -> None:
    training = KeptTraining("my_sound", tmp_path)
    assert asyncio.run(places().forget(training)) == "", "it was never at one"
    (tmp_path / AT_HOST).write_text("{", encoding="utf-8")
    left = asyncio.run(places().forget(training))
    assert "damaged" in left
    assert "thirty days" in left
