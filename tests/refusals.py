"""What a request, a file or a value is refused with: a test asks for the refusal and looks at its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from daw_protocol.errors import ProtocolError


def refusal(build: Callable[..., Any], *args: Any, **fields: Any) -> ProtocolError:
    """The error that a call must end with. Every refusal says what was wrong and what to do."""
    with pytest.raises(ProtocolError) as raised:
        build(*args, **fields)
    assert raised.value.sentence
    assert raised.value.remedy
    return raised.value
