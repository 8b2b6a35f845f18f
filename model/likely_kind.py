"""Which kind of device ACE-Step's `choose_device` will probably find, without the seconds that importing torch takes.

For what is said before anything is loaded; what is computed depends on the device that was really found.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import platform
import sys

AUTO = "auto"

_NVIDIA_DRIVER = {"win32": "nvcuda.dll"}
_BUILDS = {
    "cpu": "cpu",
    "xpu": "xpu",
    "rocm": "cuda",
}  # by the start of torch's local version, as in 2.13.0+cpu


def likely_kind(wanted: str = AUTO) -> str:
    """The kind in a device's name such as "cuda:1"; for "auto" the one this machine seems to have."""
    if wanted != AUTO:
        return wanted.partition(":")[0]
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    try:
        build = importlib.metadata.version("torch").partition("+")[2]
    except importlib.metadata.PackageNotFoundError:
        return "cpu"
    known = next((kind for start, kind in _BUILDS.items() if build.startswith(start)), None)
    return known or ("cuda" if _has_nvidia_driver() else "cpu")


def _has_nvidia_driver() -> bool:
    """Whether the driver's library can be opened; that starts nothing on the card."""
    try:
        ctypes.CDLL(_NVIDIA_DRIVER.get(sys.platform, "libcuda.so.1"))
    except OSError:
        return False
    return True
