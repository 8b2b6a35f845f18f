"""How many wrong tokens an address may try: a token of four letters must not be found in an afternoon.

A few at once, then one every few seconds. An address that has tried too many is not asked any more whether the next
one is right; a right one would have to wait as well, or guessing would cost nothing. Programs of this machine are
not concerned where it is trusted.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

BURST = 10  # wrong tokens at once
SECONDS_EACH = 6.0  # until another one may be tried: 14,400 a day
ADDRESSES = 1024  # remembered; a network has fewer


class Guesses:
    """Wrong tokens by address. Lives on the event loop.

    burst: how many at once; after that, one every `seconds_each`.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        burst: int = BURST,
        seconds_each: float = SECONDS_EACH,
    ) -> None:
        self._clock = clock
        self._burst = burst
        self._seconds_each = seconds_each
        self._free_at: OrderedDict[str, float] = (
            OrderedDict()
        )  # when all wrong ones of an address are forgotten

    def wait(self, address: str) -> float:
        """Seconds until this address may try a token; 0 for at once."""
        left = self._free_at.get(_place(address), 0.0) - self._clock()
        return max(0.0, left - (self._burst - 1) * self._seconds_each)

    def wrong(self, address: str) -> None:
        """It tried one that is wrong."""
        place, now = _place(address), self._clock()
        self._free_at[place] = max(self._free_at.pop(place, 0.0), now) + self._seconds_each
        if len(self._free_at) > ADDRESSES:
            self._free_at.popitem(last=False)


def _place(address: str) -> str:
    """Whoever has one IPv6 address has a whole network of them."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
