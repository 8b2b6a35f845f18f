"""Networks that stay loaded between songs, one at a time, and what has to be installed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.engine import OnProgress, Progress
from model.packages import missing_packages
from model.stems.published_stems import StemModel
from model.weight_header import fingerprint

if TYPE_CHECKING:
    from model.stems.network import StemNetwork

LABEL = "HTDemucs"
PACKAGES = ("torch", "demucs", "safetensors")
GET_PACKAGES = "pip install 'takebridge[stems]'"
GET_WEIGHTS = (
    "Run `takebridge models pull stems` (84 MB), or start the server with --models and your models folder."
)


class Networks:
    """The network that was used last, loaded. device: as in model/torch_device.py."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._loaded: tuple[StemModel, StemNetwork, str] | None = None

    @staticmethod
    def missing_packages() -> list[str]:
        """The packages that are not installed."""
        return missing_packages(PACKAGES)

    def get(self, model: StemModel, progress: OnProgress) -> StemNetwork:
        """The network of a model that is here. Raises NotLoaded, and what `progress` raises."""
        if self._loaded is None or self._loaded[0] != model:
            self.forget()
            progress(Progress("loading the separation network", 0.0))
            from model.stems.network import load

            self._loaded = (model, load(model.path, self._device), fingerprint([model.path]))
        return self._loaded[1]

    def digest_of(self, model: StemModel) -> str:
        """Tells one training of the loaded model's weights from another."""
        assert self._loaded is not None
        assert self._loaded[0] == model
        return self._loaded[2]

    def forget(self) -> None:
        """Frees its memory."""
        self._loaded = None
