"""A trainer without networks, for what surrounds one: it learns how loud the songs are, a step at a time.

It keeps the promises of model/acestep/training/training_run.py: it reads songs by digest, tells every step, goes on
from its state, waits and stops when it is asked to, makes previews, and writes the adapter last. A step takes 2 ms,
or the learning rate in seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model.acestep.training.whole_file import write_whole_file
from model.errors import CannotRender, NotLoaded, RenderStopped

STEP_SECONDS = 0.002
RATE = 48_000


def train_order(
    fields: Mapping[str, Any],
    read: Callable[[str], tuple[Any, int]],
    tell: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    shelf: Any,
) -> dict[str, Any]:
    run, adapter = Path(fields["run"]), Path(fields["adapter"])
    state, steps = run / "state.json", int(fields["changed"].get("steps", 5))
    if fields["checkpoint"] == "broken":
        raise RuntimeError("a bug")
    if fields["checkpoint"] == "absent":
        raise NotLoaded("There is no complete checkpoint.", "Run `takebridge models pull turbo`.")
    if fields["checkpoint"] == "grand":
        raise CannotRender("There is no checkpoint called grand.", "Available: small.")
    guessed = [song["name"] for song in fields["songs"] if song.get("describe")]
    if fields["checkpoint"] == "planned" and guessed:
        told = [{"name": name, "caption": f"what {name} is like"} for name in guessed]
        tell({"phase": f"the planner wrote about {', '.join(guessed)}", "share": 1.0, "described": told})
    level = float(np.mean([np.abs(read(song["digest"])[0]).mean() for song in fields["songs"]]))
    losses = json.loads(state.read_text()) if state.exists() else []
    if losses:
        tell({"phase": f"going on after step {len(losses)}", "share": len(losses) / steps, "losses": losses,
              "checks": []})  # fmt: skip
    every = int(fields["preview"].get("every", 0))
    while len(losses) < steps:
        step = len(losses) + 1
        time.sleep(float(fields["changed"].get("learning_rate", STEP_SECONDS)))
        if should_stop():
            raise RenderStopped
        losses.append(level + 1 / step)
        write_whole_file(state, json.dumps(losses).encode())
        checked = losses[-1] if step == steps else None
        tell(
            {"phase": "training", "share": step / steps, "step": step, "loss": losses[-1], "checked": checked}
        )
        if every and step % every == 0:
            shelf.keep(str(step), np.full((RATE // 10, 2), level), RATE)
            tell({"phase": "rendered a preview", "share": step / steps, "preview": str(step)})
    adapter.mkdir(parents=True, exist_ok=True)
    path = adapter / "adapter_model.safetensors"
    path.write_text(json.dumps({"losses": losses, "about": fields["about"]}))
    return {"adapter": str(path), "stopped_early": False, "losses": losses, "checks": [(steps, losses[-1])]}
