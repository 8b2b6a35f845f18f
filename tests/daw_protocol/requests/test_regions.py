"""Regions as lists, as one text and as OSC sends them."""

import pytest

from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.osc_form import request_from_osc, request_to_osc
from daw_protocol.requests import Generate, Repaint
from daw_protocol.requests.regions import Region, RegionsKind

TWO = (Region(bars="17-20"), Region(bars="33-36"))


@pytest.mark.parametrize(
    "given",
    [
        "17-20,33-36", "17-20; 33-36", "17-20\n33-36,", '["17-20", "33-36"]', ["17-20", "33-36"],
        [{"bars": "17-20"}, {"bars": "33-36"}], '[{"bars": "17-20"}, {"bars": "33-36"}]', "17\N{EN DASH}20, 33-36",
    ],
)  # fmt: skip
def test_a_list_and_a_text_say_the_same(given):
    assert RegionsKind().read(given) == TWO


def test_positions_of_every_kind_have_two_points_between_them():
    found = RegionsKind().read("0..96000, 12.5s..16s, 17|1..21|1")
    assert [(str(one.start), str(one.end)) for one in found] == [
        (str(one.start), str(one.end))
        for one in (
            Region(start=0, end=96000),
            Region(start="12.5s", end="16s"),
            Region(start="17|1", end="21|1"),
        )
    ]


def test_a_bar_that_arrives_as_a_number_is_one_region():
    assert RegionsKind().read(17.0) == RegionsKind().read(17) == (Region(bars="17"),)


def test_a_region_has_its_own_seed():
    assert [one.seed for one in RegionsKind().read([{"bars": "1", "seed": 7}, "2"])] == [7, None]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("12,5s..16s", "mixed"),
        ([{"bars": "2"}, {"seed": 1}], "region 2: it has neither bars nor start"),
        ([{"bars": "2", "start": 0}], "region 1: bars: the region is defined twice"),
        ([{"start": 0, "end": 5, "length": "1s"}], "region 1: length: the region's end is defined twice"),
        ([str(bar) for bar in range(33)], "1 to 32 regions, got 33"),
    ],
)
def test_what_is_wrong_with_which_region(given, words):
    with pytest.raises(ProtocolError, match=words) as refused:
        Repaint(regions=given)
    assert refused.value.field == "regions"


def test_a_request_has_one_region_or_several():
    with pytest.raises(ProtocolError, match="twice") as refused:
        Repaint(regions="2", bars="3")
    assert refused.value.code is ErrorCode.BAD_REGION
    with pytest.raises(ProtocolError, match="generate takes no regions"):
        Generate(regions="2")
    with pytest.raises(ProtocolError, match="72 takes in all; a request renders at most 64"):
        Repaint(regions=",".join(map(str, range(1, 10))), takes=8)


def test_osc_carries_them_as_one_text():
    _, request = request_from_osc("/bridge/repaint", ["id1", "source", "a.wav", "regions", "17-20,33-36"])
    assert request.regions == TWO
    address, arguments = request_to_osc(BY_NAME["repaint"], request)
    assert request_from_osc(address, arguments)[1] == request
