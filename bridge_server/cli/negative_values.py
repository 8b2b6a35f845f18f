"""Values that begin with a hyphen, such as `--start -2s`: argparse takes them for options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from daw_protocol.errors import without_controls

# What no option of ours looks like: a minus sign and a number, whatever its unit.
NEGATIVE = re.compile(r"-[.,]?\d.*", re.DOTALL)
OPTION = re.compile(r"--[a-z][a-z-]*")
FILE = re.compile(r"-[^=]*\.[A-Za-z]\w{1,4}", re.DOTALL)


def joined(words: Sequence[str]) -> Iterator[str]:
    """The words, each negative value joined to the option before it: `--start -2s` becomes `--start=-2s`."""
    waiting: str | None = None
    for word in words:
        if waiting is not None and NEGATIVE.fullmatch(word):
            yield f"{waiting}={word}"
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = word if OPTION.fullmatch(word) else None
        if waiting is None:
            yield word
    if waiting is not None:
        yield waiting


class NegativeValuesParser(argparse.ArgumentParser):
    """A parser whose options take values such as -2s, -1|1|0 and -96000, when it is given the words to parse.

    Its errors say how to name a file that begins with a hyphen.
    """

    _words: Sequence[str] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._negative_number_matcher = (
            NEGATIVE  # argparse's own knows -2 and -0.5, but neither -2s nor -1|1|0
        )

    # argparse's own signature: Any, because it returns whatever namespace it was given.
    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        self._words = args or ()
        return super().parse_known_args(args if args is None else list(joined(args)), namespace)

    def error(self, message: str) -> NoReturn:
        for word in self._words:
            if FILE.fullmatch(word):
                message += f'; if "{word}" is a file, write "./{word}"'
                break
        super().error(without_controls(message))  # it quotes what was typed, or what "*" stood for
