import ctypes
import importlib.metadata
import sys

import pytest

from model import likely_kind as module
from model.likely_kind import likely_kind


@pytest.mark.parametrize(
    ("build", "driver", "kind"),
    [
        ("2.13.0+cpu", True, "cpu"),
        ("2.13.0", True, "cuda"),
        ("2.13.0", False, "cpu"),
        ("2.13.0+cu130", True, "cuda"),
        ("2.13.0+cu130", False, "cpu"),
        ("2.13.0+rocm7.0", False, "cuda"),
        ("2.13.0+xpu", False, "xpu"),
    ],
)
@pytest.mark.parametrize(("system", "library"), [("linux", "libcuda.so.1"), ("win32", "nvcuda.dll")])
def test_a_build_of_torch_and_a_driver(monkeypatch, build, driver, kind, system, library):
    def opened(name):
        assert name == library
        if not driver:
            raise OSError(name)

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: build)
    monkeypatch.setattr(ctypes, "CDLL", opened)
    assert likely_kind() == kind


@pytest.mark.parametrize(("machine", "kind"), [("arm64", "mps"), ("x86_64", "cpu")])
def test_a_mac(monkeypatch, machine, kind):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(module.platform, "machine", lambda: machine)
    assert likely_kind() == kind


def test_no_torch_and_names(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert likely_kind() == "cpu"
    assert [likely_kind(name) for name in ("cuda:1", "mps", "cpu")] == ["cuda", "mps", "cpu"]


def test_this_machine():
    devices = pytest.importorskip("model.acestep.device.devices", exc_type=ImportError)
    assert likely_kind() == devices.choose_device().kind
