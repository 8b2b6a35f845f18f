"""Valid inputs of every kind, a few kilobytes at most: what the damage begins with."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import soundfile
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from clip_store.audio.audio import Audio, Encoding
from clip_store.audio.broadcast_wav import Bext, metadata_chunks
from clip_store.audio.riff import wave_parts
from daw_protocol.addresses import COMMANDS, Command
from daw_protocol.message import entries
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import (
    BlueprintRecord,
    ChordRecord,
    LyricRecord,
    Recipe,
    ReferenceAudio,
    SectionRecord,
)
from tests.clip_store.audio import odd_files as odd
from tests.daw_protocol.timeline import midi_bytes as midi
from tests.places import ACESTEP_GOLDEN, TINY

TEMPO_MAP = {
    "points": [{"quarter": 0, "bpm": 120}, {"quarter": "33/2", "bpm": "90.5", "ramp": True}],
    "offset": "1/3",
}
DIGEST = "ab" * 32

VALUES: dict[str, Any] = {
    "id": "r1",
    "source": "song.wav",
    "source_position": 0,
    "start": "2|1|0",
    "end": "3|1|0",
    "bars": "2-3",
    "length": "2 bars",
    "rate": 48000,
    "bpm": 120.5,
    "meter": "7/8",
    "tempo_map": TEMPO_MAP,
    "key": "F# minor",
    "prompt": "warm pad",
    "lyrics": "[verse] la",
    "takes": 2,
    "seed": 7,
    "handles": 0.5,
    "options": {"seconds": 0.1},
    "position": 96000,
    "rolling": True,
    "on": True,
    "take": "t1",
    "job": "j1",
    "stems": ["vocals", "drums"],
    "folder": "out",
    "formats": "reaper,midi",
    "format": "reaper",
    "name": "song.wav",
    "size": 400,
    "sha256": DIGEST,
    "what": "clip",
    "gain": -3,
    "client": "left",
    "reply_port": 65001,
    "token": "abc",
    "limit": 5,
    "title": "Song",
    "strength": 0.5,
    "engine": "noise",
    "track": "Lead",
    "replace": True,
    "reference": f"audio:{DIGEST}",
    "reference_consent": True,
    "crossfade": 20,
    "origin": "t2",
    "notes": ["a note"],
    "state": "queued",
    "from": 0,
}
"""A value for fields of these names."""


def fields_of(command: Command, most: int = 100) -> dict[str, Any]:
    known = [name for name in entries(command.request) if name in VALUES]
    return {name: VALUES[name] for name in known[:most]}


def message(address: str, *arguments: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return bytes(builder.build().dgram)


def _osc_values(fields: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for name, given in fields.items():
        found += [name, json.dumps(given) if isinstance(given, (dict, list)) else given]
    return found


@cache
def osc() -> Sequence[bytes]:
    """A packet for each command, with few and with many values, and bundles."""
    packets = []
    for command in COMMANDS:
        fields = fields_of(command)
        named = {name: given for name, given in fields.items() if name != "id"}
        packets.append(message(command.address, "r1", *_osc_values(named)))
        packets.append(message(command.address, *_osc_values(dict(list(fields.items())[:3]))))
    bundle = OscBundleBuilder(IMMEDIATELY)
    inner = OscBundleBuilder(IMMEDIATELY)
    for packet in packets[:4]:
        builder = OscMessageBuilder("/bridge/repaint")
        builder.add_arg("r2")
        bundle.add_content(builder.build())
        inner.add_content(builder.build())
        del packet
    bundle.add_content(inner.build())
    every_tag = b"/bridge/repaint\0" + b",ihfdsScTFINbrmt[i[s]]\0\0" + bytes(120)
    numbers = message("/bridge/select", 100, 2000) + b""
    return (
        *packets,
        bytes(bundle.build().dgram),
        every_tag,
        numbers,
        b"#bundle\0" + bytes(8) * 2 + bytes(4) * 20,
    )


def _call(method: str, params: Any, number: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@cache
def json_rpc() -> Sequence[bytes]:
    """Calls of each method, batches, notifications, and what OSCQuery clients send."""
    calls = [_call(command.name, fields_of(command)) for command in COMMANDS]
    few = [_call(command.name, fields_of(command, 2), "a") for command in COMMANDS]
    notified = {"jsonrpc": "2.0", "method": "status", "params": {}, "client": "left"}
    texts = [*calls, *few, calls[:3], [notified, few[3], 7], notified]
    listen = [{"COMMAND": "LISTEN", "DATA": "/bridge/tempo"}, {"COMMAND": "IGNORE", "DATA": "/bridge/tempo"}]
    return tuple(json.dumps(value).encode() for value in (*texts, *listen))


@cache
def frames() -> Sequence[bytes]:
    """WebSocket frames: text as it is, binary ones behind a zero byte."""
    return (*json_rpc(), *(b"\0" + packet for packet in osc()), b"\0" + bytes(40), b"\0RIFF" + bytes(200))


def _request(head: str, body: bytes = b"") -> bytes:
    lines = head.split("\n")
    if "Host:" not in head:
        lines.insert(1, "Host: 127.0.0.1:9125")
    if body and "Content-Length" not in head:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@cache
def http() -> Sequence[bytes]:
    """Whole requests for every kind of address."""
    paths = (
        "/",
        "/?HOST_INFO",
        "/bridge",
        "/bridge/repaint?VALUE",
        "/bridge/tempo?VALUE&TYPE",
        "/schema.json",
        "/hello.json",
        "/healthz",
        "/panel/main.js",
        "/panel/index.html",
        "/reaper/index.xml",
        "/peaks/" + DIGEST,
        f"/samples/{DIGEST}?first=0&frames=100",
        f"/spectrogram/{DIGEST}.png?width=100&height=50&first=0&end=4800",
        "/takes/t1/clip.wav",
        "/takes/t1/picture.png",
        f"/audio/{DIGEST}.wav",
        "/exports/a/b.rpp",
        "/nothing?token=abc",
    )
    gets = [_request(f"GET {path} HTTP/1.1") for path in paths]
    song = (
        b"GET SONG HTTP/1.1\r\nHost: 127.0.0.1:9125\r\nRange: bytes=10-99\r\n"
        b'If-None-Match: "a"\r\nIf-Range: "b"\r\n\r\n'
    )
    calls = [_request("POST /rpc HTTP/1.1\nContent-Type: application/json", body) for body in json_rpc()[::9]]
    wave = next(iter(waves()))
    return (
        *gets,
        song,
        *calls,
        _request("HEAD /schema.json HTTP/1.1"),
        _request("OPTIONS /rpc HTTP/1.1"),
        _request("DELETE / HTTP/1.1"),
        _request("PUT /uploads/song.wav HTTP/1.1", wave),
        _request(f"PUT /uploads/song.wav?sha256={DIGEST} HTTP/1.1", wave[:600]),
        _request(
            "POST /rpc?client=left HTTP/1.1\nContent-Type: application/json\n"
            "Transfer-Encoding: chunked\nContent-Length: 3",
            b"2\r\n{}\r\n0\r\n\r\n",
        ),
        _request(
            "GET / HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        )
        + b"\x81\x82\x01\x02\x03\x04[_",
        _request(
            "GET / HTTP/1.1\nOrigin: http://127.0.0.1:9125\nSec-Fetch-Site: same-origin\nAccept: text/html"
        ),
        _request("GET / HTTP/1.1\nHost: evil.example\nOrigin: null\nAuthorization: Bearer abc"),
    )


@cache
def mailbox() -> Sequence[bytes]:
    """Request files: as calls, with a byte order mark, in other encodings."""
    return (*json_rpc(), b"\xef\xbb\xbf" + json_rpc()[0], json_rpc()[0].decode().encode("utf-16"), b"")


@cache
def watched() -> Sequence[bytes]:
    """Names of dropped files, and the words and JSON next to them."""
    names = (
        "song [repaint 17-20, 120 bpm].wav",
        "song [repaint 17-20, 120 bpm] (1).wav",
        "song [repaint 17_1_0 - 21_1_0, 120 bpm, 3 takes].wav",
        "Lied – Kopie [extract, stems vocals+drums].aif",
        "song [repaint 5s to 9s].flac",
        "song [accompany, 7/8, 96.5 bpm, F# minor, bar1 3600s].wav",
        "a [cover, prompt jazz; strength 0.4] - Copy.wav",
        "[complete 9-12]",
        "x [repaint 1,5s - 2,5s, 90,5 bpm]",
    )
    words = (
        "repaint 17-20\n120 bpm\n3 takes\nprompt: warm, wide",
        "extract\nstems vocals drums\n",
        "repaint, bars 2, bpm 120, bar1 at 1s",
    )
    objects = (
        {"task": "repaint", "bars": "17-20", "bpm": 120, "bar1": 3600},
        {"task": "cover", "strength": 0.4, "tempo_map": TEMPO_MAP},
        {"task": "extract", "stems": ["vocals"], "rate": 48000, "meter": "7/8"},
    )
    return tuple(text.encode() for text in (*names, *words, *map(json.dumps, objects)))


@cache
def samples(frames: int = 400, channels: int = 2) -> np.ndarray:
    return odd.codes(frames, channels)


def _encoded(form: str, subtype: str, frames: int = 400, rate: int = 48000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples(frames), rate, format=form, subtype=subtype)
    return out.getvalue()


def _wave(*chunks: bytes, kind: bytes = b"RIFF", size: int | None = None) -> bytes:
    return odd.wave(*chunks, kind=kind, size=size)


SOUND = samples().tobytes()


@cache
def waves() -> Sequence[bytes]:
    """RIFF, RIFX, RF64, BW64 and Wave64, with the chunks programs put into them."""
    form, data = odd.chunk(b"fmt ", odd.fmt()), odd.chunk(b"data", SOUND)
    long = odd.chunk(b"data", SOUND, 0xFFFFFFFF)
    ds64 = odd.ds64(len(SOUND) + 100, len(SOUND), 400)
    extensible = struct.pack(
        "<HHIIHHHHI16s",
        0xFFFE,
        2,
        48000,
        192000,
        4,
        16,
        22,
        16,
        3,
        b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
    )
    id3 = b"ID3\3\0\0\0\0\0\x20TXXX\0\0\0\x16\0\0\0time_reference\0" + b"96000"
    stereo = Audio(samples(60).astype(np.float32) / 2**15, 48000, Encoding.FLOAT)
    return (
        _wave(form, data),
        _wave(odd.chunk(b"bext", odd.bext(96000)), form, odd.chunk(b"LIST", b"INFOabc"), data),
        _wave(ds64, form, long, kind=b"RF64", size=0xFFFFFFFF),
        _wave(ds64, form, long, kind=b"BW64", size=0xFFFFFFFF),
        _wave(odd.chunk(b"fmt ", extensible), data, odd.chunk(b"id3 ", id3), odd.chunk(b"cue ", bytes(28))),
        _wave(form, odd.chunk(b"data", SOUND[:200]), odd.chunk(b"data", SOUND[:100])),
        _wave(form, odd.chunk(b"data", SOUND, 0)),
        *(
            _encoded("WAV", subtype)
            for subtype in (
                "PCM_U8",
                "PCM_24",
                "PCM_32",
                "FLOAT",
                "DOUBLE",
                "ULAW",
                "IMA_ADPCM",
                "MS_ADPCM",
                "GSM610",
                "G721_32",
            )
            if soundfile.check_format("WAV", subtype) and subtype not in ("GSM610", "G721_32")
        ),
        _encoded("RF64", "PCM_16"),
        _encoded("W64", "PCM_24"),
        _encoded("WAVEX", "PCM_16"),
        b"".join(wave_parts(stereo, [(b"junk", b"abc")])),
    )


@cache
def apple() -> Sequence[bytes]:
    """AIFF, AIFF-C, CAF, and Sun's and Creative's audio, which are as old."""
    description = struct.pack("<IBBHI", 48_000, 16, 2, 4, 0)
    voc = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x111F)
    for kind, body in ((9, description + SOUND), (3, b"\x09\0\xa0"), (5, b"title\0"), (2, SOUND[:40])):
        voc += bytes([kind]) + len(body).to_bytes(3, "little") + body
    voc += b"\0"
    return (
        odd.aiff(odd.aiff_common(400), SOUND),
        odd.aiff(odd.aiff_common(400, code=b"sowt\0\0"), SOUND, b"AIFC"),
        odd.aiff(odd.aiff_common(0), SOUND, size=0),
        odd.au(0)[: 24 + 800],
        odd.au(0, "<")[: 24 + 800],
        odd.caf(-1)[: 64 + 800],
        _encoded("AIFF", "PCM_24"),
        _encoded("AIFF", "FLOAT"),
        _encoded("CAF", "PCM_16"),
        _encoded("CAF", "ALAC_16"),
        _encoded("CAF", "FLOAT"),
        _encoded("AU", "PCM_16"),
        _encoded("AU", "FLOAT"),
        _encoded("AU", "ULAW"),
        voc,
    )


@cache
def compressed() -> Sequence[bytes]:
    """FLAC, Ogg and MP3."""
    kinds = [
        ("FLAC", "PCM_16", 3000),
        ("FLAC", "PCM_24", 500),
        ("OGG", "VORBIS", 800),
        ("OGG", "OPUS", 800),
        ("MP3", "MPEG_LAYER_III", 3000),
    ]
    made = [
        _encoded(form, subtype, frames)
        for form, subtype, frames in kinds
        if soundfile.check_format(form, subtype)
    ]
    id3 = b"ID3\4\0\0\0\0\0\x20" + b"TXXX\0\0\0\x16\0\0\0time_reference\x0096000"
    return (*made, id3 + made[0], id3 + made[-1], made[0] + made[0], made[-1] + b"TAG" + bytes(125))


@cache
def midi_files() -> Sequence[bytes]:
    """Tempo maps as DAWs export them, and the odd ones."""
    conductor = midi.track(
        midi.tempo(120), midi.meter(7, 3), midi.key(-3, 1), midi.meta(6, b"Verse", 480), midi.tempo(93.5, 960)
    )
    notes = midi.track(
        b"\0\x90\x40\x50", b"\x60\x40\0", b"\0\xf0\3abc", b"\0\xb0\7\x50", b"\0\xc0\5", b"\0\xff\x7f\2ab"
    )
    return (
        midi.midi(conductor),
        midi.midi(conductor, notes),
        midi.midi(midi.track(midi.tempo(140)), kind=0),
        midi.midi(conductor, division=-25 << 8 | 40),
        midi.midi(conductor, notes, kind=2),
        b"RIFF\0\0\0\0RMID" + midi.midi(conductor),
        midi.midi(midi.track(*[midi.tempo(60 + n, 10) for n in range(40)])),
    )


def tensors(header: Any, size: int = 16) -> bytes:
    """A safetensors file with that header, and so many bytes of numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def _entry(begin: int, end: int, shape: list[int], kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


@cache
def weights() -> Sequence[bytes]:
    """Weight files: the tiny adapters, and some of a few numbers."""
    adapters = sorted((TINY / "adapters").glob("**/*.safetensors"))
    small = [path.read_bytes() for path in adapters if path.stat().st_size < 1 << 14]
    layer = "layers.0.self_attn.q_proj"
    names = {f"{layer}.lora_A.weight": _entry(0, 8, [1, 2]), f"{layer}.lora_B.weight": _entry(8, 16, [2, 1])}
    lokr = {f"{layer}.lokr_w1": _entry(0, 8, [1, 2]), f"{layer}.lokr_w2": _entry(8, 16, [2, 1])}
    meta = {"__metadata__": {"lokr_config": json.dumps({"rs_lora": True})}}
    return (
        *small[:4],
        tensors(names),
        tensors({**lokr, **meta}),
        tensors({"a": _entry(0, 16, [4])}),
        tensors({}, 0),
        tensors({"base_model.model." + name: entry for name, entry in names.items()}),
        tensors({"encoder.layers.0.conv1.weight_v": _entry(0, 16, [2, 2, 1])}),
        tensors({"model.embed_tokens.weight": _entry(0, 16, [2, 2])}),
    )


@cache
def configs() -> Sequence[bytes]:
    """config.json of models, adapters' settings, an index of shards, and start options of engines."""
    found = [
        path.read_bytes()
        for path in sorted(ACESTEP_GOLDEN.glob("**/*config.json"))
        if path.stat().st_size < 1 << 13
    ]
    index = {"metadata": {}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors"}}
    options = {"models": "/models", "device": "cpu", "memory_gb": 4.0, "soundfont": "a.sf2"}
    lora = {"peft_type": "LORA", "lora_alpha": 8, "alpha_pattern": {"q_proj": 4}, "use_rslora": True}
    return (*found, *(json.dumps(value).encode() for value in (index, options, lora)))


@cache
def recipe_fields() -> dict[str, Any]:
    blueprint = BlueprintRecord(
        tempo=120.0,
        key="F# minor",
        meter="4/4",
        sections=(SectionRecord(name="verse", start=0.0, end=8.0),),
        chords=(ChordRecord(name="Am7", time=1.0),),
        lyrics=(LyricRecord(text="la", start=1.0, end=None),),
    )
    recipe = Recipe(
        made_by="Takebridge",
        engine="noise",
        seed=7,
        figures={"frames": 3},
        notes=("a note",),
        tempo_map=TEMPO_MAP,
        reference=ReferenceAudio(name="a", digest=DIGEST, consent=True),
        blueprint=blueprint,
    )
    receipt = Receipt(position=-5, length=480, rate=48000, exact=True, peak_db=-3.0, warnings=("a warning",))
    return {
        "take": "t1",
        "title": "Song",
        "number": 1,
        "recipe": recipe.to_fields(),
        "receipt": receipt.to_fields(),
    }


@cache
def clips() -> Sequence[bytes]:
    """Clips with their recipe in chunk and iXML, and the bare JSON and XML."""
    bext = Bext("Song", "Takebridge", date="2026-01-31", time="23:59:59", time_reference=96000)
    audio = Audio(samples(20).astype(np.float32) / 2**15, 48000, Encoding.PCM_24)
    chunks = metadata_chunks(bext, recipe_fields(), "a note", 48000)
    old = [(b"aceb", json.dumps(recipe_fields()).encode())]
    return (
        b"".join(wave_parts(audio, chunks)),
        b"".join(wave_parts(audio, chunks[:2])),
        b"".join(wave_parts(audio, old)),
        chunks[1][1],
        chunks[2][1],
        b'<?xml version="1.0" encoding="UTF-16"?><BWFXML><TAKEBRIDGE_RECIPE>{}</TAKEBRIDGE_RECIPE></BWFXML>',
    )
