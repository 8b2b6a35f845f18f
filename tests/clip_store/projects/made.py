"""DAWprojects as DAWs write them, made here by hand and checked against the format's published schema."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from lxml import etree

from tests.clip_store.exports.dawproject_schemas import PROJECT_SCHEMA

RATE = 48_000

AUDIO = '<Audio algorithm="{how}" channels="2" duration="8" sampleRate="{rate}"><File path="{path}"/></Audio>'


def audio(path: str = "audio/band.wav", how: str = "raw", rate: int = RATE) -> str:
    return AUDIO.format(path=path, how=how, rate=rate)


def warped(*marks: tuple[float, float], path: str = "audio/band.wav", unit: str = "beats") -> str:
    """An audio file under warp markers: (beat of the clip's content, second of the file)."""
    listed = "".join(f'<Warp time="{time}" contentTime="{at}"/>' for time, at in marks)
    sound = audio(path, "stretch")
    return f'<Warps contentTimeUnit="seconds" timeUnit="{unit}">{sound}{listed}</Warps>'


def clip(content: str, time: float, duration: float | None = None, **values: object) -> str:
    given = {"time": time, "duration": duration, "name": "band", **values}
    words = " ".join(f'{name}="{value}"' for name, value in given.items() if value is not None)
    return f"<Clip {words}>{content}</Clip>"


def clips(*found: str, unit: str = "beats") -> str:
    return f'<Clips timeUnit="{unit}">{"".join(found)}</Clips>'


TEMPO = """<TempoAutomation timeUnit="beats" unit="bpm" id="tempos"><Target parameter="id1"/>{}</TempoAutomation>"""
METERS = """<TimeSignatureAutomation timeUnit="beats" id="meters">
<Target parameter="id2"/>{}</TimeSignatureAutomation>"""


def tempos(*points: tuple[float, float], how: str = "hold") -> str:
    listed = "".join(f'<RealPoint time="{at}" value="{bpm}" interpolation="{how}"/>' for at, bpm in points)
    return TEMPO.format(listed)


def meters(*points: tuple[float, int, int]) -> str:
    return METERS.format(
        "".join(f'<TimeSignaturePoint time="{at}" numerator="{n}" denominator="{d}"/>' for at, n, d in points)
    )


def document(band: str, automation: str = "", bpm: float = 120) -> str:
    """A project with a group, a track `Band` in it that has devices and a send, and a track `Keys` with notes."""
    made = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!-- kept as it is: Größe > 1 -->
<Project version="1.0">
  <Application name="Bitwig Studio" version="5.2"/>
  <Transport>
    <Tempo id="id1" max="666.0" min="20.0" name="Tempo" unit="bpm" value="{bpm}"/>
    <TimeSignature denominator="4" id="id2" numerator="4"/>
  </Transport>
  <Structure>
    <Track contentType="tracks" id="group" loaded="true" name="Group &gt; 1">
      <Channel audioChannels="2" destination="master-channel" id="group-channel" role="master"/>
      <Track contentType="audio" id="band" loaded="true" name="Band">
        <Channel audioChannels="2" destination="group-channel" id="band-channel" role="regular" solo="true">
          <Devices><Device deviceID="amp" deviceName="Amp" deviceRole="audioFX" id="amp"><Parameters/>
            <State path="plugins/amp.bin"/></Device></Devices>
          <Mute id="band-mute" name="Mute" value="false"/>
          <Pan id="band-pan" max="1.0" min="0.0" name="Pan" unit="normalized" value="0.3"/>
          <Volume id="band-volume" max="2.0" min="0.0" name="Volume" unit="linear" value="0.7"/>
        </Channel>
      </Track>
    </Track>
    <Track contentType="notes" id="keys" loaded="true" name="Keys"/>
    <Track contentType="audio" id="master" loaded="true" name="Master">
      <Channel audioChannels="2" id="master-channel" role="master"/>
    </Track>
  </Structure>
  <Arrangement id="arrangement">
    <Lanes timeUnit="beats" id="lanes">
      <Lanes track="keys" id="keys-lanes"><Clips><Clip time="0" duration="4"><Notes>
        <Note time="0" duration="1" channel="0" key="60"/></Notes></Clip></Clips></Lanes>
      <Lanes track="band" id="band-lanes">{band}</Lanes>
    </Lanes>
    {automation}
  </Arrangement>
  <Scenes/>
</Project>
"""
    PROJECT_SCHEMA.assertValid(etree.fromstring(made.encode()))
    return made


def sound(frames: int = 8 * RATE, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8000, 8000, (frames, 2)) / 32768


def project(path: Path, xml: str, files: Mapping[str, np.ndarray] | None = None, rate: int = RATE) -> Path:
    """A .dawproject; `audio/band.wav` has the sound, if no files are given."""
    scratch = path.with_suffix(".wav")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.xml", "<MetaData/>")
        archive.writestr("project.xml", xml)
        for name, samples in (files or {"audio/band.wav": sound()}).items():
            soundfile.write(scratch, samples, rate, "PCM_16")
            archive.write(scratch, name, zipfile.ZIP_STORED)
        archive.writestr("plugins/amp.bin", bytes(range(256)))
    scratch.unlink()
    return path
