"""Large songs over slow lines: bytes flow, nothing is cut off, and the server's memory stays as it is."""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from clip_store.audio.audio import Encoding, new_digest
from clip_store.audio.riff import WaveForm, wave_head
from clip_store.blobs import to_path
from tests.bridge_server.endpoints.http.asking import head
from tests.bridge_server.peers import PATIENCE, ServerProcess, http_get
from tests.bridge_server.slow_line import slow_line
from tests.panel.browser import CHROMIUM, browser_context

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: a process's memory is read from /proc"),
]

MEGABYTE = 10**6
FORM = WaveForm(125_000_000, 48000, 2, Encoding.PCM_16)  # 500 MB, 43 minutes
LISTENERS = 50


@dataclass
class Large:
    """A server of its own process with a song of 500 MB."""

    process: ServerProcess
    path: str

    @property
    def port(self) -> int:
        return int(self.process.address["websocket_port"])

    def memory(self) -> float:
        """What the server's process occupies, in MB."""
        status = Path(f"/proc/{self.process.address['pid']}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / MEGABYTE


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    folder = tmp_path_factory.mktemp("large")
    sha = new_digest(FORM.encoding, FORM.rate, FORM.channels, FORM.frames)
    for _ in range(FORM.sound_bytes // MEGABYTE):
        sha.update(bytes(MEGABYTE))
    digest = sha.hexdigest()
    process = ServerProcess(folder / "store", folder).start()
    try:
        blob = folder / "store" / "blobs" / to_path(digest, ".wav")
        blob.parent.mkdir(parents=True)
        with blob.open("wb") as file:
            file.write(wave_head(FORM) + struct.pack("<4sI", b"data", FORM.sound_bytes))
            file.truncate(file.tell() + FORM.sound_bytes)  # silence, which takes no room on the disk
        found = Large(process, f"/audio/{digest}.wav")
        url = f"http://127.0.0.1:{found.port}"
        assert http_get(f"{url}{found.path}", Range="bytes=0-99")[0] == 206  # checked once, now
        while http_get(f"{url}/healthz")[0] != 200:  # its engine has started, and takes no more memory
            time.sleep(0.1)
        yield found
    finally:
        process.stop()


def test_fifty_slow_listeners(large: Large) -> None:
    before = large.memory()
    listeners = [listener(large) for _ in range(LISTENERS)]
    try:
        read = [0] * LISTENERS
        end = time.monotonic() + 13  # responses were once cut off after ten seconds
        while time.monotonic() < end:
            for number, sock in enumerate(listeners):
                data = sock.recv(16384)
                assert data, "cut off"
                read[number] += len(data)
            time.sleep(0.02)
        grown = large.memory() - before
        assert min(read) > 0.1 * MEGABYTE
        assert max(read) < FORM.sound_bytes
        assert grown < 50, f"{grown:.0f} MB for {LISTENERS} listeners"
        print(f"{LISTENERS} slow listeners: {grown:.1f} MB more")
    finally:
        for sock in listeners:
            sock.close()


def listener(large: Large) -> socket.socket:
    """A download that goes no faster than it is read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", large.port))
    sock.sendall(head((f"GET {large.path} HTTP/1.1",)))
    return sock


def test_a_whole_download_leaves_the_memory_as_it_was(large: Large) -> None:
    before, most, total = large.memory(), 0.0, 0
    with listener(large) as sock:
        while total < FORM.sound_bytes:
            data = sock.recv(1 << 20)
            assert data, "cut off"
            total += len(data)
            if total % 7 == 0:
                most = max(most, large.memory())
    assert most - before < 20


SEEK = """async ([path, places]) => {
    const audio = new Audio(path);
    const once = name => new Promise((done, failed) => {
        audio.addEventListener(name, done, {once: true});
        audio.addEventListener("error", () => failed(new Error(audio.error.message)), {once: true});
    });
    audio.preload = "auto";
    audio.muted = true;
    await once("loadedmetadata");
    const found = [];
    for (const place of places) {
        const began = performance.now();
        const seeked = once("seeked");
        audio.currentTime = place * audio.duration;
        await seeked;
        if (audio.readyState < 3) await once("canplay");
        found.push([audio.currentTime / audio.duration, performance.now() - began]);
    }
    await audio.play();
    const at = audio.currentTime;
    while (audio.currentTime < at + 3) await new Promise(done => setTimeout(done, 50));
    audio.pause();
    return {duration: audio.duration, found, error: audio.error};
}"""


def test_an_audio_element_seeks_in_a_large_song_over_a_slow_line(large: Large, tmp_path: Path) -> None:
    """1.5 MB a second, eight times as fast as the song plays: the whole of it would take more than five minutes."""
    if CHROMIUM is None:
        pytest.skip("SKIPPED: Chromium is not installed (Debian and Ubuntu: apt install chromium)")
    places = [0.9, 0.1, 0.5, 0.99, 0.0]
    before = large.memory()
    with (
        slow_line(large.port, 1.5 * MEGABYTE) as line,
        sync_playwright() as playwright,
        browser_context(playwright, tmp_path) as context,
    ):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{line.port}/hello.json")
        answer = page.evaluate(SEEK, [large.path, places])
        grown = large.memory() - before
        page.close()
    assert answer["error"] is None
    assert answer["duration"] == pytest.approx(FORM.frames / FORM.rate, abs=0.1)
    for place, (found, _) in zip(places, answer["found"], strict=True):
        assert found == pytest.approx(place, abs=0.001)
    assert line.passed < FORM.sound_bytes / 5, "it was sent what nobody asked for"
    assert grown < 20
