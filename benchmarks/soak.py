"""Whether a server that works for long stays as it was: memory, handles, threads and children, and how soon it answers.

    python benchmarks/soak.py [--minutes 30] [--out soak]

`takebridge serve` runs in a process of its own. A producer's tools keep it busy: songs of 20 s are repainted one after
the other over OSC, WebSocket and the mailbox, some cancelled, some with four takes; clips, waveforms and pictures are
fetched; the store is verified and swept; connections come and go. A well-behaved client asks for the status all the
while and notes how long the answer takes. Needs Linux (/proc). Writes OUT.json and OUT.png; look at the picture.

Aims: memory after the whole run at most 1.3 times that of the second minute; handles, threads and children the same;
the well-behaved client's answers within 50 ms (p99) and 250 ms (all).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import soundfile
from PIL import Image, ImageDraw, ImageFont

from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import OscPeer, ServerProcess, http_get, websocket
from tests.places import DEMO_SONG

SONGS = 8
SONG_SECONDS = 20
MEMORY_AIM = 1.3
P99_AIM_MS, MAX_AIM_MS = 50.0, 250.0
SAMPLE_SECONDS = 2.0
SERIES = ("megabytes", "handles", "threads", "children", "answer_ms")


@dataclass
class Sample:
    """The server's own process at one moment; answer_ms: the slowest answer since the sample before."""

    second: float
    megabytes: float
    handles: int
    threads: int
    children: int
    jobs: int
    answer_ms: float


class Soak:
    """One run. `jobs`: how many have ended."""

    def __init__(self, server: ServerProcess, songs: Path) -> None:
        assert server.process is not None
        self.server = server
        self.songs = songs
        self.pid = server.process.pid
        self.port = server.address["websocket_port"]
        self.jobs = 0
        self.answers: list[float] = []
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._since: list[float] = []

    def run(self, seconds: float) -> list[Sample]:
        users = (self.over_websocket, self.over_osc, self.over_mailbox, self.visitor, self.well_behaved)
        threads = [threading.Thread(target=self._keep, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        began, samples = time.monotonic(), []
        while (now := time.monotonic() - began) < seconds:
            time.sleep(SAMPLE_SECONDS)
            samples.append(self.sample(now))
            if len(samples) % 30 == 0:
                print({name: round(value, 1) for name, value in asdict(samples[-1]).items()}, flush=True)
        self._stop.set()
        for thread in threads:
            thread.join(60)
        return samples

    def _keep(self, user) -> None:
        """Repeats one user's day; what fails is noted, and fails the run."""
        number = 0
        while not self._stop.is_set():
            try:
                user(random.Random(number))
            except Exception as error:
                if self._stop.is_set():  # the server is stopped under what is still under way
                    return
                self.problems.append(f"{user.__name__}: {type(error).__name__}: {error}")
                time.sleep(1)
            number += 1

    def sample(self, second: float) -> Sample:
        status = Path(f"/proc/{self.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        children = [
            child
            for task in Path(f"/proc/{self.pid}/task").glob("*/children")
            for child in task.read_text().split()
        ]
        since, self._since = self._since, []
        return Sample(
            second, int(fields["VmRSS"].split()[0]) / 1024, len(os.listdir(f"/proc/{self.pid}/fd")),
            int(fields["Threads"]), len(children), self.jobs, max(since, default=0.0),
        )  # fmt: skip

    def region(self, chance: random.Random) -> dict[str, object]:
        start = chance.randrange(2, 8) * 44100
        return {
            "source": f"song{chance.randrange(SONGS)}.wav", "start": start, "end": start + 4 * 44100, "bpm": 120,
        }  # fmt: skip

    def over_websocket(self, chance: random.Random) -> None:
        with websocket(self.port) as ws:
            for _ in range(3):
                replies = ws.render(
                    "repaint", id=name(chance), takes=chance.choice((1, 1, 4)), **self.region(chance)
                )
                self.jobs += 1
                take = next(reply for reply in replies if reply.name == "take")["take"]
                ws.fetch(take)
                ws.call("takes.list", limit=100)
            job = ws.call("repaint", id=name(chance), takes=4, **self.region(chance))["job"]
            ws.call("cancel", job=job)
            ws.until_end(job)

    def over_osc(self, chance: random.Random) -> None:
        peer = OscPeer(self.server.osc_port)
        fields = self.region(chance)
        words = [word for pair in fields.items() for word in pair]
        peer.render("/bridge/repaint", name(chance), *words)
        self.jobs += 1
        peer.close()

    def over_mailbox(self, chance: random.Random) -> None:
        box = MailboxPeer(self.server.store / "mailbox")
        answer = box.call("repaint", **self.region(chance))
        box.until_end(answer)
        self.jobs += 1
        (box.root / "out" / f"{answer}.jsonl").unlink()
        time.sleep(1)

    def visitor(self, chance: random.Random) -> None:
        """A panel that is opened, looks at songs and takes, and is closed."""
        http_get(f"http://127.0.0.1:{self.port}/")
        with websocket(self.port) as ws:
            takes = ws.call("takes.list", limit=20)["takes"]
            for take in takes[:4]:
                ws.fetch(take["take"], "picture")
            ws.call("store.verify" if chance.random() < 0.2 else "store.sweep")
        time.sleep(2)

    def well_behaved(self, chance: random.Random) -> None:
        with websocket(self.port) as ws:
            for _ in range(50):
                began = time.monotonic()
                ws.call("tempo", bpm=120 + chance.random())
                took = 1000 * (time.monotonic() - began)
                self.answers.append(took)
                self._since.append(took)
                time.sleep(0.05)


def name(chance: random.Random) -> str:
    return f"soak-{time.monotonic_ns()}-{chance.randrange(10**6)}"


def write_songs(folder: Path) -> None:
    samples, rate = soundfile.read(DEMO_SONG, always_2d=True)
    for number in range(SONGS):
        begin = number * 3 * rate
        soundfile.write(
            folder / f"song{number}.wav", samples[begin : begin + SONG_SECONDS * rate], rate, subtype="PCM_16"
        )


def picture(samples: list[Sample], path: Path) -> None:
    """One curve for each figure over the run, each on its own scale from 0."""
    width, height, left = 1200, 150, 170
    image = Image.new("RGB", (width, height * len(SERIES)), (20, 22, 26))
    draw = ImageDraw.Draw(image)
    seconds = np.array([sample.second for sample in samples])
    for row, series in enumerate(SERIES):
        values = np.array([getattr(sample, series) for sample in samples], float)
        top, full = row * height, max(values.max(), 1.0)
        x = left + (width - left - 20) * seconds / max(seconds[-1], 1.0)
        y = top + height - 20 - (height - 40) * values / full
        draw.line((left, top + height - 20, width - 20, top + height - 20), fill=(80, 84, 92))
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=(120, 190, 255), width=2)
        font = ImageFont.load_default(16)
        draw.text((12, top + 30), series.replace("_", " "), (220, 222, 226), font=font)
        draw.text((12, top + 55), f"to {full:.0f}", (150, 154, 162), font=font)
    draw.text((left, 6), f"{seconds[-1] / 60:.0f} minutes, {samples[-1].jobs} jobs", (220, 222, 226))
    image.save(path, optimize=True)


def judge(samples: list[Sample], answers: list[float]) -> dict[str, object]:
    """The figures that are promised, from the medians of the second and the last minute."""

    def minute(first: float, last: float) -> list[Sample]:
        return [sample for sample in samples if first <= sample.second < last]

    end = samples[-1].second
    early, late = minute(60, 120) or samples, minute(end - 60, end + 1)

    def ratio(series: str) -> float:
        values = [np.median([getattr(sample, series) for sample in part]) for part in (late, early)]
        return round(float(values[0] / max(values[1], 1)), 3)

    return {
        "minutes": round(end / 60, 1),
        "jobs": samples[-1].jobs,
        "megabytes": round(float(np.median([sample.megabytes for sample in late])), 1),
        **{f"{series}_ratio": ratio(series) for series in ("megabytes", "handles", "threads", "children")},
        "answers": len(answers),
        "answer_ms": {str(part): round(float(np.percentile(answers, part)), 2) for part in (50, 99, 100)},
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--out", type=Path, default=Path("soak"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        songs = Path(folder) / "songs"
        songs.mkdir()
        write_songs(songs)
        server = ServerProcess(Path(folder) / "store", songs).start()
        soak = Soak(server, songs)
        try:
            samples = soak.run(60 * arguments.minutes)
        finally:
            began = time.monotonic()
            server.stop()
            stopped = time.monotonic() - began
    figures = judge(samples, soak.answers) | {
        "stopped_in_s": round(stopped, 2),
        "problems": soak.problems[:20],
    }
    arguments.out.with_suffix(".json").write_text(
        json.dumps({"figures": figures, "samples": [asdict(sample) for sample in samples]}, indent=1)
    )
    picture(samples, arguments.out.with_suffix(".png"))
    print(json.dumps(figures, indent=1))
    times = figures["answer_ms"]
    good = (
        figures["megabytes_ratio"] <= MEMORY_AIM and times["99"] <= P99_AIM_MS and times["100"] <= MAX_AIM_MS
    )
    return 0 if good and not soak.problems else 1


if __name__ == "__main__":
    sys.exit(main())
