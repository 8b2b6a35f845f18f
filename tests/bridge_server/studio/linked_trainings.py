"""Trainings as a laptop orders them from a host, made from three short songs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge_server.studio.at_host import linked_training
from bridge_server.studio.training_messages import LinkedTraining
from bridge_server.training.song_folder import songs_in
from bridge_server.training.training_wish import consent_now, order_of
from tests.bridge_server.training.songs_to_learn import three_songs
from tests.bridge_server.training.test_training import wish_of


def ordered(
    folder: Path, steps: int = 5, every: int = 0
) -> tuple[LinkedTraining, dict[str, Any], dict[str, Path]]:
    """The order as it goes over the link, as it was made here, and the songs by the digests of their audio."""
    songs = songs_in(folder / "songs" if (folder / "songs").exists() else three_songs(folder / "songs"))
    order = order_of(wish_of(folder, steps, every), songs, consent_now(songs))
    paths = {song.digest: song.path for song in songs}
    return linked_training({**order, "checkpoint": "turbo", "device": ""}, paths, None), order, paths
