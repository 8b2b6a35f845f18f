"""Frozen values as JSON and back, by the types of their fields: what crosses between machines, and nothing else does.

No class is named by the peer and no code is run: a reader knows which value it expects. Bytes do not fit into JSON;
each value may hold one such field, which travels beside the text.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

MAX_DEPTH = 16
"""The deepest value of ours has half of it."""


def to_json(value: object) -> tuple[Any, bytes]:
    """A value as JSON, and its bytes; b"" where it has none."""
    found: list[bytes] = []
    plain = _plain(value, found)
    if len(found) > 1:
        raise TypeError(f"{type(value).__name__} has bytes in {len(found)} places; there is room for one")
    return plain, found[0] if found else b""


def from_json(kind: Any, given: Any, data: bytes = b"") -> Any:
    """The inverse of `to_json`. Raises ValueError, naming the field, for what is no value of this kind."""
    return _read(kind, given, data, "value", 0)


def _plain(value: object, found: list[bytes]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name), found) for each in fields(value) if each.init}
    if isinstance(value, bytes):
        found.append(value)
        return len(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {_key(key): _plain(entry, found) for key, entry in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [_plain(entry, found) for entry in value]
    return value


def _key(key: object) -> object:
    return key.value if isinstance(key, enum.Enum) else key


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind) if each.init}


def _read(kind: Any, given: Any, data: bytes, name: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"{name} is nested too deep")
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _either(kind, given, data, name, depth)
    if origin is np.ndarray:  # NDArray[...]: ndarray[shape, dtype[number]]
        return _array(get_args(get_args(kind)[1])[0], given, name)
    if origin in (tuple, frozenset):
        return _several(kind, given, data, name, depth)
    if origin is not None and issubclass(origin, Mapping):
        key_kind, entry_kind = get_args(kind)
        return {
            _read(key_kind, key, b"", f"{name}'s names", depth + 1): _read(
                entry_kind, entry, data, f"{name}.{str(key)[:40]}", depth + 1
            )
            for key, entry in _checked(given, dict, name).items()
        }
    if is_dataclass(kind):
        return _record(kind, given, data, name, depth)
    return _single(kind, given, data, name)


def _single(kind: Any, given: Any, data: bytes, name: str) -> Any:
    if kind in (Any, object):
        return given
    if kind is bytes:
        if given != len(data):
            raise ValueError(f"{name}: {given!r} bytes were announced, {len(data)} came")
        return data
    if kind is float:
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            raise ValueError(f"{name} must be a number, got {given!r:.80}")
        return float(given)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(given)
        except ValueError as unknown:
            raise ValueError(f"{name}: {given!r:.80} is not known here") from unknown
    return _checked(given, kind, name)


def _checked(given: Any, kind: type, name: str) -> Any:
    if not isinstance(given, kind) or (kind is int and isinstance(given, bool)):
        raise ValueError(f"{name} must be {kind.__name__}, got {given!r:.80}")
    return given


def _record(kind: Any, given: Any, data: bytes, name: str, depth: int) -> Any:
    hints = _hints(kind)
    if unknown := _checked(given, dict, name).keys() - hints.keys():
        raise ValueError(f"{name} has no {min(unknown)[:40]!r}")
    read = {
        field: _read(hints[field], entry, data, f"{name}.{field}", depth + 1)
        for field, entry in given.items()
    }
    try:
        return kind(**read)
    except TypeError as wrong:  # a field is missing, or the value says so of itself
        raise ValueError(f"{name}: {wrong}") from wrong


def _several(kind: Any, given: Any, data: bytes, name: str, depth: int) -> Any:
    origin, (*kinds,) = get_origin(kind), get_args(kind)
    entries = _checked(given, list, name)
    if origin is frozenset or kinds[-1] is Ellipsis:
        kinds = [kinds[0]] * len(entries)
    if len(entries) != len(kinds):
        raise ValueError(f"{name} must have {len(kinds)} entries, got {len(entries)}")
    return origin(
        _read(each, entry, data, f"{name}[{at}]", depth + 1)
        for at, (each, entry) in enumerate(zip(kinds, entries, strict=True))
    )


def _either(kind: Any, given: Any, data: bytes, name: str, depth: int) -> Any:
    """None, or the one other kind there is: values of ours leave no choice between two."""
    (other,) = [each for each in get_args(kind) if each is not type(None)]
    return None if given is None else _read(other, given, data, name, depth)


def _array(number: type, given: Any, name: str) -> Any:
    entries = _checked(given, list, name)
    kinds = (int,) if issubclass(number, np.integer) else (int, float)
    if not all(type(entry) in kinds for entry in entries):
        raise ValueError(f"{name} must be a list of numbers")
    try:
        return np.array(entries, dtype=number)
    except OverflowError as large:
        raise ValueError(f"{name} has a number that is too large") from large
