"""What all engines that ask another program's server have in common: from a request to checked pieces and a report.

Each names the program, says what it offers and asks for one piece of audio; what comes back is trusted nowhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from model.acestep.conditioning import prompts
from model.acestep.weights.capabilities import ACCOMPANIMENTS, TRACKS
from model.engine import (
    Capability,
    EngineDescription,
    OnProgress,
    Progress,
    Rendered,
    RenderRequest,
    Report,
    Samples,
    ShouldStop,
    Task,
    TextLimit,
)
from model.errors import CannotRender, EngineError, NotLoaded, RenderRejected
from model.pace import Pace
from model.remote.address import (
    ServerAddress,
    listens,
    read_address,
    refuse_open_token,
    refuse_unsendable_token,
)
from model.remote.delivery import Delivery
from model.remote.http_link import ABSENT_SECONDS, ANSWER_SECONDS, HttpLink
from model.remote.order import MAX_SECONDS, Order, orders_of
from model.remote.returned_audio import Returned, checked
from model.takes_in_order import takes_in_order

LOOK_SECONDS = 3.0
"""How long a server may take to say what it has."""
HOLDS_SECONDS = 600.0
GONE_HOLDS_SECONDS = 10.0
OFF_HOLDS_SECONDS = 300.0
"""How long a description holds while the server is there, while it is not, and without an address."""
FIND_SECONDS = 0.5
"""How long a server that nobody asked for may take to answer."""
NOT_VERIFIED = "named by the server, not verified"
SILENT_BESIDE = "There is no sound beside the region, so the server's level could not be measured."
NOT_REPEATED = "This server does not repeat a render: the same seed gives other audio."
PERHAPS_REPEATED = "Whether the same seed gives the same audio again depends on the workflow."
HINTS = {
    Task.REPAINT: "what it should sound like, in English: sparse drums with brushes, warm upright bass",
    Task.COMPLETE: "where it should go: a quiet piano ending",
    Task.COVER: "the style: string quartet, romantic",
    Task.GENERATE: "the song: lo-fi hip hop, mellow Rhodes, vinyl crackle",
}


@dataclass(frozen=True)
class ServerConfig:
    """How the engine was set up (model/engine_config.py).

    address: of the server, such as http://127.0.0.1:8080; "" leaves the engine off. token: its key, if it has one.
    """

    address: str = ""
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        refuse_unsendable_token(self.token)
        if self.address:
            refuse_open_token(read_address(self.address), self.token)


@dataclass(frozen=True)
class RemoteConfig(ServerConfig):
    """Of a server with ACE-Step. checkpoint: the model to use, by its name there; "" leaves the choice to the task."""

    checkpoint: str = ""


OFF = RemoteConfig()


@dataclass(frozen=True)
class Offer:
    """What a server offers, by what it says and by what is known of it.

    tasks: each with a reason where it cannot. weights: the model it would use first. version: as it says.
    """

    tasks: tuple[Capability, ...]
    weights: str
    version: str = ""


@dataclass(frozen=True)
class ServerAudio:
    """One piece of audio as it came: float32 [frames, channels] at `rate`; model: as the server named it.

    figures: for the recipe. notes: for the producer.
    """

    samples: Samples
    rate: int
    model: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def no_audio(program: str) -> RenderRejected:
    """The error for a result that is no sound file."""
    return RenderRejected(
        f"{program} sent no audio that can be read.", "Nothing was kept. Update that server."
    )


def not_rendered(program: str, reason: str = "") -> CannotRender:
    """The error for a job that failed there. reason: in its own words."""
    told = f"It says: {reason[:300]}" if reason else "It gave no reason; its own log may have one."
    return CannotRender(
        f"{program} could not render this. {told}", "Change the request or the server's models."
    )


def chosen_model(
    order: Order, config: RemoteConfig, names: tuple[str, ...], default: str, program: str
) -> str:
    """The model to use: the request's, the start option's, or `default`. Raises CannotRender for an unknown one."""
    wanted = str(order.options.get("checkpoint") or config.checkpoint or default)
    if wanted not in names:
        raise CannotRender(
            f"{program} has no checkpoint called {wanted!r}.", f"It has: {', '.join(names) or 'none'}."
        )
    return wanted


class RemoteEngine(ABC):
    """Implements model.engine.Engine with another program's server."""

    config_type: type[ServerConfig]

    name: str
    label: str
    program: str
    """Of the server, as its users know it."""
    start: str
    """What to do where nothing answers."""
    reproducible: bool | None
    """Whether equal seeds give equal audio there; None where nobody knows."""
    options: ClassVar[Mapping[str, str]]
    default_address: str
    named: str = NOT_VERIFIED
    """How far its names of models go."""
    tracks: tuple[str, ...] = TRACKS
    instruments: tuple[str, ...] = ACCOMPANIMENTS
    lyrics: TextLimit = TextLimit(prompts.MAX_LYRIC_CHARACTERS, prompts.MAX_LYRIC_TOKENS)
    languages: tuple[str, ...] = prompts.LANGUAGES
    lyric_tags: tuple[str, ...] = prompts.SECTION_TAGS

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._address: ServerAddress | None = read_address(config.address) if config.address else None

    @abstractmethod
    def look(self, link: HttpLink, pace: Pace) -> Offer:
        """What the server offers. Raises EngineError."""

    @abstractmethod
    def ask(self, order: Order, link: HttpLink, pace: Pace) -> ServerAudio:
        """One piece of audio. Raises EngineError."""

    def made(self, order: Order, link: HttpLink, pace: Pace) -> tuple[ServerAudio, Returned]:
        """One piece of audio, as it came and as it is wanted. Raises RenderRejected for one that cannot be trusted."""
        found = self.ask(order, link, pace)
        return found, self.check(order, found)

    def check(self, order: Order, found: ServerAudio) -> Returned:
        """What is wanted of what came. Raises RenderRejected."""
        return checked(order, found.samples, found.rate, self.program)

    def describe(self) -> EngineDescription:
        """What the server can do as it is now, or why it cannot be used."""
        try:
            offer, holds = self._look(), HOLDS_SECONDS
        except EngineError as error:
            missing, holds = error, GONE_HOLDS_SECONDS
            if self._address is None:
                missing, holds = self._not_used() or error, OFF_HOLDS_SECONDS
            tasks = tuple(Capability(task, False, missing.sentence, missing.remedy) for task in Task)
            offer = Offer(tasks, "")
        return EngineDescription(
            name=self.name,
            label=self.label,
            neural=True,
            tasks=offer.tasks,
            stems=self.tracks,
            instruments=self.instruments,
            stem_passes=True,
            max_seconds=MAX_SECONDS,
            options=self.options,
            weights=offer.weights and f"{offer.weights} ({self.named})",
            prompt=TextLimit(prompts.MAX_CAPTION_CHARACTERS, prompts.MAX_TEXT_TOKENS),
            lyrics=self.lyrics,
            languages=self.languages,
            hints=HINTS,
            lyric_tags=self.lyric_tags,
            holds_seconds=holds,
        )

    def load(self, progress: OnProgress) -> None:
        """Asks whether the server is there. Raises NotLoaded."""
        progress(Progress("asking the server", 0.0))
        try:
            self._look()
        except NotLoaded:
            raise
        except EngineError as error:
            raise NotLoaded(error.sentence, error.remedy) from error

    def unload(self) -> None:  # noqa: B027 - most keep nothing
        """Frees its memory: what is kept here the server can give again."""

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. One job on the server for each take and stem."""
        yield from takes_in_order(
            request, progress, lambda one, report: self._render_one(one, Pace(report, should_stop))
        )

    def _render_one(self, request: RenderRequest, pace: Pace) -> Iterator[Rendered]:
        pace.at("preparing the song", 0.0)
        orders, notes = orders_of(request, TRACKS)
        delivery, made = Delivery(request, pace), []
        with self._link(absent_seconds=ABSENT_SECONDS) as link:
            for number, order in enumerate(orders):
                part = pace.share(number, len(orders))
                found, returned = self.made(order, link, part)
                made.append((order, found, returned))
                yield from delivery.pieces(order, returned.samples)
        yield from delivery.residual()
        yield self._report(made, notes)

    def _report(self, made: list[tuple[Order, ServerAudio, Returned]], notes: tuple[str, ...]) -> Report:
        order, found, _ = made[0]
        rate = order.window.rate
        span = order.window.origin, order.window.origin + order.window.samples
        figures: dict[str, Any] = {
            "server": self.program,
            "server_host": self.host,
            "model": found.model,
            "model_is": self.named,
            "server_seed": order.seed,
            "reproducible": self.reproducible,
            "window": [position / rate for position in span],
            "zone": None if order.zone is None else list(order.zone_seconds),
            "server_gain": [round(returned.gain, 9) for _, _, returned in made],
            "outside_difference": [returned.difference for _, _, returned in made],
            **found.figures,
        }
        told = [*notes, *(note for _, one, _ in made for note in one.notes)]
        if order.zone is not None and any(returned.difference is None for _, _, returned in made):
            told.append(SILENT_BESIDE)
        if self.reproducible is None:
            told.append(PERHAPS_REPEATED)
        elif not self.reproducible:
            told.append(NOT_REPEATED)
        method = f"Rendered by {self.program} at {self.host} with {found.model}: {order.task.value}."
        return Report(method, figures, tuple(dict.fromkeys(told)), f"{found.model} ({self.named})")

    @property
    def host(self) -> str:
        """The server's host and port."""
        return "" if self._address is None else self._address.host

    def _not_used(self) -> NotLoaded | None:
        """How to use the server that answers where one does by default, on this machine; None without one."""
        usual = read_address(self.default_address)
        if not listens(usual, FIND_SECONDS):
            return None
        try:
            with HttpLink(
                self.program, usual, answer_seconds=FIND_SECONDS, connect_seconds=FIND_SECONDS
            ) as link:
                self.look(link, Pace(lambda _: None, lambda: False))
        except EngineError:
            return None
        return NotLoaded(
            f"{self.program} runs at {usual.url}, and the engine {self.name} has not been given its address.",
            f"Start the bridge with --engine-option {self.name}.address={usual.url} to render there.",
        )

    def _look(self) -> Offer:
        with self._link(LOOK_SECONDS) as link:
            return self.look(link, Pace(lambda _: None, lambda: False))

    def _link(self, answer_seconds: float = ANSWER_SECONDS, absent_seconds: float = 0.0) -> HttpLink:
        """Raises NotLoaded where no address was given."""
        if self._address is None:
            raise NotLoaded(
                f"No address of a server was given to the engine {self.name}.",
                f"Start the bridge with --engine-option {self.name}.address={self.default_address}.",
            )
        return HttpLink(
            self.program,
            self._address,
            self._config.token,
            start=self.start,
            answer_seconds=answer_seconds,
            absent_seconds=absent_seconds,
        )
