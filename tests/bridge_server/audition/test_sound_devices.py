"""Finding a device; and everything else on a machine where nothing can be played."""

import os
import subprocess
import sys

import pytest

from bridge_server.audition.sound_devices import SoundDevice, SoundDevices, find_device
from bridge_server.cli.doctor import Verdict, audio_devices
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.audition import sound_card
from tests.places import PROJECT

FOUND = [
    SoundDevice(3, "Built-in Output", "Core Audio", 2, 48000, True),
    SoundDevice(1, "Scarlett 2i2 USB", "MME", 2, 44100, False),
    SoundDevice(5, "Scarlett 2i2 USB", "Windows WASAPI", 2, 48000, False),
    SoundDevice(7, "Scarlett", "ASIO", 2, 96000, False),
]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("", 3),
        ("scarlett 2i2", 1),
        ("Scarlett 2i2 USB, Windows WASAPI", 5),
        ("wasapi", 5),
        ("5", 5),
        ("Scarlett", 7),
    ],
)
def test_a_device_is_found_as_a_producer_names_it(name, number):
    assert find_device(name, FOUND).number == number


@pytest.mark.parametrize(("name", "devices"), [("Fireface", FOUND), ("", []), ("any", [])])
def test_a_device_that_is_not_there(name, devices):
    with pytest.raises(ProtocolError) as raised:
        find_device(name, devices)
    assert raised.value.code is ErrorCode.NO_DEVICE
    assert raised.value.remedy


WITHOUT = """
import asyncio, importlib.abc, sys
class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "sounddevice":
            raise {error}
sys.meta_path.insert(0, Without())
from pathlib import Path
from bridge_server.cli.doctor import audio_devices
from tests.bridge_server.servers import settings_in
from tests.bridge_server.peers import RpcError, ServerThread, noise_song
def main():
    settings = settings_in(Path(sys.argv[1]), sound=True)
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as server, server.websocket() as ws:
        received = ws.render("repaint", source="song.wav", start=4800, end=9600)
        take = next(reply["take"] for reply in received if reply.name == "take")
        for method, params in (("audition.play", {{"take": take}}), ("audition.devices", {{}})):
            try:
                ws.call(method, **params)
            except RpcError as error:
                print(error.code, "|", error.sentence, "|", error.remedy)
        print(ws.call("audition.show")["state"])
        print(received[-1].name)
    print(next(audio_devices()).remedy)
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("ImportError('no such package')", "pip install sounddevice"),
        (
            "OSError('PortAudio library not found')",
            "libportaudio2" if sys.platform == "linux" else "pip install",
        ),
    ],
)
def test_without_portaudio_all_the_rest_works(tmp_path, error, words):
    script = tmp_path / "without.py"
    script.write_text(WITHOUT.format(error=error))
    found = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "server")], cwd=PROJECT, capture_output=True, text=True,
        timeout=120, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    play, devices, state, end, remedy = found.stdout.splitlines()
    for refusal in (play, devices):
        assert refusal.startswith("no_device | ")
        assert words in refusal
    assert (state, end) == ("stopped", "done")
    assert words in remedy


@pytest.mark.skipif(bool(sound_card.missing()), reason=f"SKIPPED: {sound_card.missing()}")
def test_what_this_machine_has_can_be_listed():
    devices = SoundDevices()
    assert devices.list() == devices.list()  # PortAudio is started anew in between
    (received, _) = audio_devices()
    assert received.verdict in (Verdict.GOOD, Verdict.OPTIONAL)


def test_a_machine_that_must_stay_quiet():
    with pytest.raises(ProtocolError, match="without sound") as raised:
        SoundDevices(allowed=False).open("", 48000)
    assert "--no-sound" in raised.value.remedy
