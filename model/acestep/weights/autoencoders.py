"""The autoencoders a checkpoint can be rendered with: its own, and fine-tuned ones in folders of their own.

They share one network and one latent space and differ in their weights, so a render can choose. Names are those of the
folders, as in the official application ("scragvae"); its own is "vae", or "official".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model.acestep.weights.checkpoint import vae_config
from model.acestep.weights.model_folders import ModelFolder, read_fields
from model.errors import CannotRender, NotLoaded

OFFICIAL = "official"
_KIND = "AutoencoderOobleck"


def autoencoders(folder: ModelFolder) -> Mapping[str, Path]:
    """The autoencoders inside a checkpoint's folder and next to it, by name; its own first."""
    own = folder.vae
    assert own is not None, "only whole checkpoints are loaded"
    found = {OFFICIAL: own}
    places = [folder.path] if folder.path.is_dir() else []
    for place in (*places, folder.path.resolve().parent):
        for child in sorted(place.iterdir()):
            if child.is_dir() and not child.name.startswith(".") and _is_autoencoder(child):
                found.setdefault(child.name, child)
    return found


def chosen_autoencoder(folder: ModelFolder, name: str) -> Path:
    """Raises CannotRender for a name that is not there, and for one whose network is another one."""
    found = autoencoders(folder)
    if name not in found:
        raise CannotRender(
            f"There is no autoencoder called {name!r} next to {folder.name}.",
            f"Available: {', '.join(found)}.",
        )
    try:
        fits = vae_config(found[name]) == vae_config(found[OFFICIAL])
    except NotLoaded as broken:
        raise CannotRender(broken.sentence, broken.remedy) from broken
    if not fits:
        raise CannotRender(
            f"The autoencoder {name} is of another size than that of {folder.name}.",
            "Use one that was fine-tuned from the published one.",
        )
    return found[name]


def _is_autoencoder(folder: Path) -> bool:
    config = folder / "config.json"
    try:
        return config.is_file() and read_fields(config).get("_class_name") == _KIND
    except NotLoaded:
        return False
