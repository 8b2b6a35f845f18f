"""Three nodes: a new take of a song, its stems, and a new song. Each calls a running Takebridge server.

Equal inputs give equal sound, so ComfyUI may keep what it has: a seed of its own makes another take.
"""

from __future__ import annotations

import json
from typing import Any

from .bridge import Bridge, connected
from .host import Progress, raise_if_interrupted
from .sound import audio_of, decode_wav, encode_wav

SERVER = "127.0.0.1:9125"
CATEGORY = "audio/Takebridge"
TASKS = ["repaint", "complete", "cover", "accompany"]
MAX_SEED = 2**53 - 1  # larger numbers are not exact in the browser

_PROMPT = ("STRING", {"default": "", "multiline": True, "tooltip": "What it should sound like."})
_SEED = (
    "INT",
    {
        "default": 1,
        "min": 0,
        "max": MAX_SEED,
        "control_after_generate": True,
        "tooltip": "Another seed, another take.",
    },
)
_BPM = (
    "FLOAT",
    {
        "default": 0.0,
        "min": 0.0,
        "max": 999.0,
        "step": 0.01,
        "tooltip": "Tempo of the song; bars need it. 0: not given.",
    },
)
_ENGINE = ("STRING", {"default": "", "tooltip": "The engine, such as acestep. Empty: the server's own."})
_SERVER = ("STRING", {"default": SERVER, "tooltip": "Where `takebridge serve` runs."})
_SECONDS = {"default": 0.0, "min": 0.0, "max": 86_400.0, "step": 0.001}


class TakebridgeTake:
    """A new take of a region, a continuation, a cover or a backing."""

    CATEGORY = CATEGORY
    FUNCTION = "render"
    RETURN_TYPES = ("AUDIO", "AUDIO", "STRING")
    RETURN_NAMES = ("song", "clip", "receipt")
    DESCRIPTION = "Renders a new take. Outside its region the song stays bit for bit what it was."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "audio": ("AUDIO",),
                "task": (TASKS, {"tooltip": "repaint replaces a region; complete continues the song."}),
                "bars": (
                    "STRING",
                    {"default": "", "tooltip": "Such as 17-20. Empty: from start to end below."},
                ),
                "start": (
                    "FLOAT",
                    {**_SECONDS, "tooltip": "Seconds into the song, where no bars are given."},
                ),
                "end": (
                    "FLOAT",
                    {**_SECONDS, "tooltip": "Seconds; 0: no region, where the task needs none."},
                ),
                "bpm": _BPM,
                "prompt": _PROMPT,
                "strength": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0, "step": 0.05}),
                "seed": _SEED,
            },
            "optional": {"engine": _ENGINE, "server": _SERVER},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, start: float | None, end: float | None) -> bool | str:
        """None stands for what another node will give: the server checks that."""
        if start is not None and end and end <= start:
            return "end must be later than start, or 0 for no region"
        return True

    def render(
        self, audio: dict[str, Any], task: str, bars: str, start: float, end: float, bpm: float, prompt: str,
        strength: float, seed: int, engine: str = "", server: str = SERVER,
    ) -> tuple[dict[str, Any], dict[str, Any], str]:  # fmt: skip
        rate = int(audio["sample_rate"])
        given = _given(prompt=prompt, engine=engine, bpm=bpm, bars=bars.strip())
        given |= {"strength": strength, "seed": seed}
        if not bars.strip() and end > 0:
            given |= {"start": round(start * rate), "end": round(end * rate)}
        progress, waveforms = Progress(), list(audio["waveform"])
        songs, clips, receipts = [], [], []
        with connected(server) as bridge:
            for number, waveform in enumerate(waveforms):
                source = bridge.upload(encode_wav(waveform, rate), "comfyui.wav")
                (take,) = bridge.render(
                    task, lambda done, n=number: progress.show((n + done) / len(waveforms)), raise_if_interrupted,
                    source=source, source_position=0, takes=1, **given,
                )  # fmt: skip
                songs.append(decode_wav(bridge.fetch(take["take"], "song"))[0])
                clips.append(decode_wav(bridge.fetch(take["take"], "clip"))[0])
                receipts.append(_receipt(bridge, take["take"]))
        return audio_of(songs, rate), audio_of(clips, rate), "\n\n".join(receipts)


class TakebridgeStems:
    """The stems of a song; together they are the song."""

    CATEGORY = CATEGORY
    FUNCTION = "separate"
    RETURN_TYPES = ("AUDIO", "STRING")
    RETURN_NAMES = ("stems", "names")
    OUTPUT_IS_LIST = (True, True)
    DESCRIPTION = "Separates a song. The stems, the residual included, sum to it."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "audio": ("AUDIO",),
                "stems": (
                    "STRING",
                    {"default": "", "tooltip": "Such as vocals, drums. Empty: all there are."},
                ),
            },
            "optional": {"engine": _ENGINE, "server": _SERVER},
        }

    def separate(
        self, audio: dict[str, Any], stems: str, engine: str = "", server: str = SERVER
    ) -> tuple[list[dict[str, Any]], list[str]]:
        rate = int(audio["sample_rate"])
        names = [name.strip() for name in stems.split(",") if name.strip()]
        given = _given(engine=engine, stems=names)
        progress, found = Progress(), {}
        with connected(server) as bridge:
            for waveform in audio["waveform"]:
                source = bridge.upload(encode_wav(waveform, rate), "comfyui.wav")
                for take in bridge.render(
                    "extract", progress.show, raise_if_interrupted, source=source, source_position=0, **given
                ):
                    found.setdefault(take["stem"], []).append(
                        decode_wav(bridge.fetch(take["take"], "clip"))[0]
                    )
        return [audio_of(waveforms, rate) for waveforms in found.values()], list(found)


class TakebridgeSong:
    """A new song from a description."""

    CATEGORY = CATEGORY
    FUNCTION = "generate"
    RETURN_TYPES = ("AUDIO", "STRING")
    RETURN_NAMES = ("song", "receipt")
    DESCRIPTION = "Renders a new song from words."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        lyrics = {
            "default": "",
            "multiline": True,
            "tooltip": "With [verse] and [chorus], for engines that sing.",
        }
        return {
            "required": {
                "prompt": _PROMPT,
                "length": ("STRING", {"default": "16 bars", "tooltip": "Such as 16 bars or 30s."}),
                "bpm": (_BPM[0], {**_BPM[1], "default": 120.0}),
                "seed": _SEED,
            },
            "optional": {"lyrics": ("STRING", lyrics), "engine": _ENGINE, "server": _SERVER},
        }

    def generate(
        self, prompt: str, length: str, bpm: float, seed: int, lyrics: str = "", engine: str = "",
        server: str = SERVER,
    ) -> tuple[dict[str, Any], str]:  # fmt: skip
        given = _given(prompt=prompt, length=length.strip(), bpm=bpm, lyrics=lyrics, engine=engine)
        progress = Progress()
        with connected(server) as bridge:
            (take,) = bridge.render(
                "generate", progress.show, raise_if_interrupted, seed=seed, takes=1, **given
            )
            waveform, rate = decode_wav(bridge.fetch(take["take"], "clip"))
            return audio_of([waveform], rate), _receipt(bridge, take["take"])


def _given(**values: Any) -> dict[str, Any]:
    """What was filled in: the server knows what the rest means."""
    return {name: value for name, value in values.items() if value}


def _receipt(bridge: Bridge, take: str) -> str:
    """What was measured of a take, as JSON."""
    return json.dumps(bridge.call("takes.show", take=take)["receipt"], indent=1)


NODE_CLASS_MAPPINGS = {
    "TakebridgeTake": TakebridgeTake,
    "TakebridgeStems": TakebridgeStems,
    "TakebridgeSong": TakebridgeSong,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "TakebridgeTake": "Takebridge: new take",
    "TakebridgeStems": "Takebridge: stems",
    "TakebridgeSong": "Takebridge: new song",
}
