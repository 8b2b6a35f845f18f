"""Constrains which token the planner may write next, so that its answer can always be parsed.

A small state machine over tokens: field names are forced, values follow a prefix tree of all valid ones, the caption is
free until its line ends. Knows token ids and scores, no network.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer
from torch import Tensor

from model.acestep.conditioning.prompts import BPM_RANGE, LANGUAGES, METERS
from model.acestep.latent_grid import MAX_CODE
from model.acestep.planner.planner_prompts import FIELDS, MAX_SECONDS, MIN_SECONDS

MAX_CAPTION_TOKENS = 512
ACCIDENTALS = ("", "#", "b", "♯", "♭")
KEYS = tuple(
    f"{letter}{sign} {scale}" for letter in "ABCDEFG" for sign in ACCIDENTALS for scale in ("major", "minor")
)

Branch = Mapping[tuple[int, ...], frozenset[int]]


@dataclass(frozen=True)
class TokenChoice:
    """The allowed next tokens: only `only` (None = all), except `never`."""

    only: frozenset[int] | None = None
    never: frozenset[int] = frozenset()

    def masked(self, scores: Tensor) -> Tensor:
        """Scores [vocabulary] with minus infinity for tokens that are not allowed."""
        kept = scores.new_full(scores.shape, float("-inf"))
        if self.only is None:
            kept = scores.clone()
        else:
            ids = sorted(self.only)
            kept[ids] = scores[ids]
        if self.never:
            kept[sorted(self.never)] = float("-inf")
        return kept


class Vocabulary:
    """A tokenizer's ids for the grammar."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.end = self._id("<|im_end|>")
        self.padding = self._id("<|endoftext|>")
        self.thoughts_end = self._id("</think>")
        (self.newline,) = self.ids("\n")
        found = (
            (re.fullmatch(r"<\|audio_code_(\d+)\|>", word), index) for word, index in self._words.items()
        )
        self.code_of = {index: int(name[1]) for name, index in found if name and int(name[1]) <= MAX_CODE}
        self.codes = frozenset(self.code_of)

    @cached_property
    def _words(self) -> dict[str, int]:
        words: dict[str, int] = self.tokenizer.get_vocab(with_added_tokens=True)
        return words

    @cached_property
    def backticks(self) -> frozenset[int]:
        """Every token with a backtick, which would open a code block."""
        return frozenset(index for word, index in self._words.items() if "`" in word)

    def _id(self, word: str) -> int:
        found = self.tokenizer.token_to_id(word)
        if found is None:
            raise ValueError(f"the planner's tokenizer has no token {word}")
        return int(found)

    def ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, ids: Sequence[int]) -> str:
        decoded: str = self.tokenizer.decode(list(ids), skip_special_tokens=False)
        return decoded

    def tree(self, before: str, values: Iterable[str], after: int | None) -> Branch:
        """The tokens that may follow each prefix of a value written after `before`; then comes `after`."""
        known = len(self.ids(before))
        tree: dict[tuple[int, ...], set[int]] = {}
        for value in values:
            ids = self.ids(before + value)[known:]
            following = ids if after is None else (*ids, after)
            for count, token in enumerate(following):
                tree.setdefault(following[:count], set()).add(token)
        return {beginning: frozenset(tokens) for beginning, tokens in tree.items()}


class Thoughts:
    """Guides an answer through its fields. One per answer.

    given: values already known, by field. target_seconds: the song's length, if it is fixed.
    closes: whether the thoughts are closed and free text follows, or the answer ends where they would close.
    """

    def __init__(
        self,
        words: Vocabulary,
        fields: Sequence[str] = FIELDS,
        given: Mapping[str, str] | None = None,
        target_seconds: int | None = None,
        most_seconds: int = MAX_SECONDS,
        *,
        closes: bool = False,
    ) -> None:
        self._words = words
        self._left = deque(name for name in FIELDS if name in fields)
        self._given = given or {}
        self._target = target_seconds
        self._most = most_seconds
        self._closes = closes
        self._forced: deque[int] = deque(words.ids("<think>\n"))
        self._field = ""  # the field whose value is being written; "" between values
        self._written: tuple[int, ...] = ()
        self._tree: Branch = {}
        self._naming = False  # after a caption the planner chooses the next field
        self.free = False  # the thoughts are closed

    def choice(self, scores: Tensor) -> TokenChoice:
        """The allowed next tokens; the planner's own scores [vocabulary] decide when free lines end."""
        if not self._forced and not self._field and not self._naming and not self.free:
            self._next_field()
        if self._forced:
            return TokenChoice(frozenset((self._forced[0],)))
        if self.free:
            return TokenChoice(never=self._words.codes)
        if self._field == "caption":
            return self._in_caption(scores)
        if self._field == "genres":
            return self._in_genres(scores)
        return TokenChoice(self._branch(scores))

    def take(self, token: int) -> None:
        """The planner has written this token."""
        if self._forced:
            self._forced.popleft()
            if not self._forced and token == self._words.thoughts_end:
                self.free = True
            return
        if self.free:
            return
        self._written += (token,)
        if self._naming:
            self._named()
        elif token == self._words.newline and self._field != "caption":
            self._field = ""

    def _next_field(self) -> None:
        if not self._left:
            self._forced.append(self._words.thoughts_end if self._closes else self._words.end)
            return
        self._forced.extend(self._words.ids(f"{self._left[0]}:"))
        self._begin(self._left.popleft())

    def _begin(self, name: str) -> None:
        """Starts a field's value, right after the forced tokens."""
        self._written, self._tree = (), {}
        if name in self._given:
            self._forced.extend(self._words.ids(f" {self._given[name]}\n"))
        elif name == "duration" and self._target is not None:
            self._forced.extend(self._words.ids(f"{self._target}\n"))  # without a space, as in training
        else:
            self._field = name
            if name not in ("caption", "genres"):
                written = (f" {value}" for value in self._values(name))
                self._tree = self._words.tree(f"{name}:", written, self._words.newline)

    def _values(self, name: str) -> Iterable[object]:
        if name == "bpm":
            return range(BPM_RANGE[0], BPM_RANGE[1] + 1)
        if name == "duration":
            return range(MIN_SECONDS, self._most + 1)
        return {"keyscale": KEYS, "language": LANGUAGES, "timesignature": METERS}[name]

    def _branch(self, scores: Tensor) -> frozenset[int]:
        following = self._tree[self._written]
        if self._field == "language" and not self._written:
            # The first token decides most of the value, so it is never drawn at random.
            return frozenset((max(sorted(following), key=lambda token: float(scores[token])),))
        return following

    def _in_caption(self, scores: Tensor) -> TokenChoice:
        words = self._words
        if self._written and self._written[-1] == words.newline:
            best = words.text([int(scores.argmax())])
            if not best.startswith((" ", "\t")):
                return self._choose_name()
        if len(self._written) >= MAX_CAPTION_TOKENS:
            return TokenChoice(frozenset((words.newline,)))
        return TokenChoice(never=words.backticks | words.codes)

    def _choose_name(self) -> TokenChoice:
        """After the caption, allows only the names of fields still to come: any other would corrupt the line."""
        self._field, self._written = "", ()
        if not self._left:
            self._next_field()
            return TokenChoice(frozenset((self._forced[0],)))
        self._naming = True
        self._tree = self._words.tree("", (f"{name}:" for name in self._left), None)
        return TokenChoice(self._tree[()])

    def _named(self) -> None:
        if self._written in self._tree:
            return
        name = self._words.text(self._written).rstrip(":")
        while self._left.popleft() != name:
            pass  # fields before it are skipped
        self._naming = False
        self._begin(name)

    def _in_genres(self, scores: Tensor) -> TokenChoice:
        newline = self._words.newline
        if not self._written:
            return TokenChoice(never=frozenset((newline,)))
        if int(scores.argmax()) == newline or len(self._written) >= MAX_CAPTION_TOKENS:
            return TokenChoice(frozenset((newline,)))
        return TokenChoice()


class Codes:
    """Guides an answer of audio codes. count: exactly this many; None = until the planner stops."""

    def __init__(self, words: Vocabulary, count: int | None = None) -> None:
        self._words = words
        self._count = count
        self._written = 0

    def choice(self, _scores: Tensor) -> TokenChoice:
        end = frozenset((self._words.end,))
        if self._count is None:
            return TokenChoice(self._words.codes | end)
        return TokenChoice(self._words.codes if self._written < self._count else end)

    def take(self, _token: int) -> None:
        self._written += 1
