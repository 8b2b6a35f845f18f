"""A studio on one machine: a render host with two places, a cable to it, a bridge that renders there and one alone."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from contextlib import ExitStack

from bridge_server.settings import Limits
from bridge_server.studio.host_places import ClusterSettings
from bridge_server.studio.pulse import Pulse
from tests.bridge_server.peers import PATIENCE, ServerThread, band_song, noise_song
from tests.bridge_server.render_hosts import UNHURRIED, host_with_cable
from tests.bridge_server.servers import settings_in

ENGINES_THERE = ("noise", "slow", "faulty", "sketch", "together")
SLOW = {"engine": "slow", "options": {"seconds": 0.6}}
REGION = {"source": "song.wav", "start": 12000, "end": 30000, "seed": 5}


class Studio:
    """host, cable: to it; laptop: the bridge that renders there; alone: one that has the same songs and no host."""

    def __init__(
        self,
        folder,
        stack: ExitStack,
        pulse: Pulse = UNHURRIED,
        cluster: ClusterSettings | None = None,
        **changes,
    ) -> None:
        self.host, self.cable = stack.enter_context(
            host_with_cable(folder / "host", engines=ENGINES_THERE, cluster=cluster)
        )
        limits = Limits(pulse=pulse, stop_seconds=0.5)
        hosts = {"render_hosts": (self.cable.join,), "limits": limits, **changes}
        self.laptop, self.alone = (
            stack.enter_context(ServerThread(self._settings(folder / name, **more)))
            for name, more in (("laptop", hosts), ("alone", {}))
        )

    def laptop_status(self):
        """The one host as the laptop's bridge shows it."""
        with self.laptop.websocket() as ws:
            (host,) = ws.call("status")["render_hosts"]
            return host

    def _settings(self, folder, **changes):
        settings = settings_in(folder, ahead=False, **changes)
        noise_song(settings.roots[0] / "song.wav")
        band_song(settings.roots[0] / "band.wav", bars=8)
        return settings


def takes_of(server, replies):
    """Every take of a job that has ended well, as the store has it."""
    assert replies[-1].name == "done", replies[-1].values
    return sorted(server.takes(job=replies[-1]["job"]), key=lambda take: take.number)


def rendered(server, meanwhile=lambda: None, method="repaint", **request):
    """The takes of a request; meanwhile: what happens as soon as it has been asked for."""
    with server.websocket() as ws:
        job = ws.call(method, id=uuid.uuid4().hex, **request)["job"]
        meanwhile()
        return takes_of(server, ws.until_end(job))


def sounds(takes):
    """What must not depend on where a take was rendered."""
    return [
        (take.number, take.stem, take.audio, take.handles, take.result, take.recipe.evolve(rendered_on=""))
        for take in takes
    ]


FAULTS = {
    "refuse": ("cannot_render", "no drums"),
    "memory": ("out_of_memory", "ran out of memory"),
    "raise": ("internal", "KeyError"),
    "gap": ("internal", "expected"),
}
"""What goes wrong in the faulty engine, the code that says so and a word of the sentence."""


def fails_as_alone(studio, fault, code, word):
    """Checks that a job which fails at the host fails in the words of a bridge that renders itself."""
    failed = []
    for server in (studio.laptop, studio.alone):
        with server.websocket() as ws:
            failed.append(ws.render("repaint", **REGION, engine="faulty", options={"fault": fault})[-1])
    there, here = ({**reply.values, "job": "", "id": ""} for reply in failed)
    assert there == here
    assert there["code"] == code
    assert word in there["sentence"]


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def killed_at_random(studio, seed, kills=2):
    """Whether four takes, with engines killed and the cable cut at random meanwhile, are those of a bridge alone."""
    draw = random.Random(seed)
    request = {**REGION, "takes": 4, "seed": seed, **SLOW}

    def kill_some():
        for _ in range(kills):
            wait_until(lambda: studio.host.pids("slow", rendering=True))
            time.sleep(draw.uniform(0.0, 0.4))
            if draw.random() < 0.5:
                kill(studio.host.pids("slow", rendering=True)[:1])
            else:
                studio.cable.cut()
                studio.cable.mend()

    takes = rendered(studio.laptop, kill_some, **request)
    return sounds(takes) == sounds(rendered(studio.alone, **request))
