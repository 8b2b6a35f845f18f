"""What was asked and acknowledged, and whether a store keeps every promise about it. The server must have stopped."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from bridge_server.handlers.status import problems_in
from bridge_server.jobs.database import DATABASE, open_database
from clip_store.atomic_file import PART_SUFFIX
from clip_store.audio.broadcast_wav import read_recipe
from clip_store.store import ClipStore, clip_name
from clip_store.take import Take
from tests.bridge_server.mailbox_peer import is_end
from tests.bridge_server.peers import TERMINAL
from tests.faults.asks import Ask

GIVEN_UP = "engine_died"  # of a job whose server or engine was killed too often under it


class Ledger:
    """Requests by id, and the acknowledgements that came for them."""

    def __init__(self) -> None:
        self.asks: dict[str, Ask] = {}
        self.acknowledged: dict[str, str] = {}  # request -> job; "" where the door names none
        self.contradictions: list[str] = []

    def add(self, asks: list[Ask]) -> None:
        self.asks |= {ask.id: ask for ask in asks}

    def read(self, journal: Path) -> None:
        """Takes over a host's notes, as far as it got."""
        text = journal.read_text(encoding="utf-8") if journal.exists() else ""
        for line in text[: text.rfind("\n") + 1].splitlines():
            entry = json.loads(line)
            before = self.acknowledged.setdefault(entry["id"], entry["job"])
            if before != entry["job"]:
                self.contradictions.append(f"{entry['id']} was job {before} and is job {entry['job']}")
        journal.unlink(missing_ok=True)

    @property
    def open(self) -> list[Ask]:
        """What must be asked again: no acknowledgement has come."""
        return [ask for name, ask in self.asks.items() if name not in self.acknowledged]


def asked_for(row: sqlite3.Row) -> str:
    """The request that a job belongs to: the watched folder names its own, after files that are named after ours."""
    return str(
        json.loads(row["request"])["title"] if row["client"].startswith("drop:") else row["request_id"]
    )


class Audit:
    """Everything that is wrong with a store after its server has stopped.

    states: how the jobs ended; compared: takes whose sound could be compared with that of an equal request.
    """

    def __init__(self, store: Path, watched: Path, ledger: Ledger) -> None:
        self._store = store
        self._watched = watched
        self._ledger = ledger
        self.states: Counter[str] = Counter()
        self.takes = 0
        self.begun_again = self.compared = 0
        with contextlib.closing(open_database(store / DATABASE)) as connection:
            self.problems = [*ledger.contradictions, *self._problems(connection)]

    def _problems(self, connection: sqlite3.Connection) -> Iterator[str]:
        kept = ClipStore(self._store, connection)
        rows = connection.execute("SELECT * FROM jobs").fetchall()
        jobs = {asked_for(row): row for row in rows}
        takes: dict[str, list[Take]] = defaultdict(list)
        for take in kept.index.list(limit=1_000_000):
            takes[take.job].append(take)
        self.states.update(row["state"] for row in rows)
        self.takes = sum(map(len, takes.values()))
        self.begun_again = sum(row["attempts"] > 1 for row in rows)
        yield from self._jobs_at_fault(rows, jobs)
        yield from self._takes_at_fault(rows, takes)
        yield from self._sounds_at_fault(jobs, takes)
        yield from self._clips_at_fault(kept, takes)
        yield from self._answers_at_fault()
        yield from self._leftovers()
        yield from problems_in(kept.blobs, kept.index.referenced_digests())
        if (state := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"the database is damaged: {state}"

    def _jobs_at_fault(self, rows: list[sqlite3.Row], jobs: dict[str, sqlite3.Row]) -> Iterator[str]:
        for name, job in self._ledger.acknowledged.items():
            if job and (name not in jobs or jobs[name]["id"] != job):
                yield f"{name} was acknowledged as job {job} and is lost"
        for name, count in Counter(map(asked_for, rows)).items():
            if name not in self._ledger.asks:
                yield f"nobody asked for {name}"
            if count > 1:
                yield f"{name} was accepted {count} times"
        for row in rows:
            if row["state"] not in TERMINAL:
                yield f"job {row['id']} ({row['request_id']}) is still {row['state']}"
            if row["state"] == "failed" and json.loads(row["failure"]).get("code") != GIVEN_UP:
                yield f"job {row['id']} ({row['request_id']}) failed: {row['failure']}"

    def _takes_at_fault(self, rows: list[sqlite3.Row], takes: dict[str, list[Take]]) -> Iterator[str]:
        known = {row["id"] for row in rows}
        for job, made in takes.items():
            if job not in known:
                yield f"take {made[0].id} belongs to no job"
            for key, count in Counter((take.number, take.stem) for take in made).items():
                if count > 1:
                    yield f"job {job} has take {key} {count} times"
        for row in rows:
            wanted = int(json.loads(row["request"]).get("takes", 1))
            numbers = {take.number for take in takes[row["id"]]}
            if row["state"] == "done" and numbers != set(range(1, wanted + 1)):
                yield f"job {row['id']} is done with takes {sorted(numbers)} of {wanted}"

    def _sounds_at_fault(self, jobs: dict[str, sqlite3.Row], takes: dict[str, list[Take]]) -> Iterator[str]:
        """Equal requests, however often they were disturbed, must have given equal sound."""
        sounds: dict[tuple[str, int, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for ask in self._ledger.asks.values():
            for take in takes[jobs[ask.id]["id"]] if ask.id in jobs else ():
                row = jobs[ask.id]
                history = f"{row['id']} by {ask.door}, begun {row['attempts']} times"
                sounds[(ask.meaning, take.number, take.stem)][take.audio[:8]].append(history)
        for (meaning, number, stem), found in sounds.items():
            self.compared += sum(map(len, found.values())) - 1
            if len(found) > 1:
                yield f"take {number} ({stem}) of {meaning} has {len(found)} sounds: {dict(found)}"

    def _clips_at_fault(self, kept: ClipStore, takes: dict[str, list[Take]]) -> Iterator[str]:
        """Each take's receipt is true of the audio that lies there, and its clip file says the same."""
        for take in (take for made in takes.values() for take in made):
            receipt = take.receipt
            audio = kept.blobs.get(take.audio)
            if (receipt.length, receipt.rate, receipt.position) != (audio.frames, audio.rate, take.position):
                yield f"the receipt of take {take.id} is not of its audio"
            if not receipt.exact or receipt.outside_identical is False:
                yield f"the receipt of take {take.id} says that it is not in place"
            recipe = read_recipe(self._store / "clips" / clip_name(take)) or {}
            if (recipe.get("take"), recipe.get("audio")) != (take.id, take.audio):
                yield f"the clip file of take {take.id} is missing or another one's"
            elif recipe.get("receipt") != json.loads(json.dumps(receipt.to_fields())):
                yield f"the clip file of take {take.id} has another receipt"

    def _answers_at_fault(self) -> Iterator[str]:
        for name in self._ledger.acknowledged:
            ask = self._ledger.asks[name]
            if ask.door == "mailbox":
                path = self._store / "mailbox" / "out" / f"{name}.jsonl"
                lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
                if [is_end(line) for line in lines].count(True) != 1 or not is_end(lines[-1]):
                    yield f"the answer to {name} has no end, or several: {lines[-1]}"
                numbers = [line["params"]["take"] for line in lines if line.get("method") == "take"]
                if len(numbers) != len(set(numbers)):
                    yield f"the answer to {name} announces a take twice"
            if ask.door == "watched folder":
                stem = Path(ask.dropped_name).stem
                texts = [self._watched / f"{stem}{end}" for end in (".progress.txt", ".error.txt")]
                said = " ".join(text.read_text(encoding="utf-8") for text in texts if text.exists())
                if "Finished" not in said and "could not be used" not in said:
                    yield f"the texts on {name} have no end: {said!r}"

    def _leftovers(self) -> Iterator[str]:
        for folder in (self._store, self._watched):
            yield from (f"{path} is left over" for path in folder.rglob(f".*{PART_SUFFIX}"))
        scratch = [path for path in (self._store / "scratch").rglob("*") if path.is_file()]
        yield from (f"{path} is left over" for path in scratch)
        yield from (f"{path} was not answered" for path in (self._store / "mailbox" / "in").iterdir())
