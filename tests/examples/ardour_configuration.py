"""What an Ardour needs to find in its configuration folder to start without asking anything, with scripts in place."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

SIGNALS, TIMER = 49, 47  # of gtk2_ardour/luasignal_syms.h in 7.3: how many there are, which one is LuaTimerDS

PRESET = "3cec8e6a-8c7b-4b4a-9e5d-000000000001"
FORMAT = "3cec8e6a-8c7b-4b4a-9e5d-000000000002"

# One wrong word in State, or the dummy backend hidden, and Ardour asks for a sound card in a window.
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="osc-port" value="{osc_port}"/>
  </Config>
  <Extra><AudioMIDISetup><EngineStates>
    <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device=""
      sample-rate="{rate}" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0"
      lm-input="" lm-output="" active="1" use-buffered-io="0" midi-option="No MIDI I/O" lru="1"><MIDIDevices/></State>
  </EngineStates></AudioMIDISetup></Extra>
</Ardour>
"""
EXPORT_FORMAT = f"""<?xml version="1.0" encoding="UTF-8"?>
<ExportFormatSpecification name="Rig" id="{FORMAT}" with-cue="false" with-toc="false" with-mp4chaps="false" command=""
  analyse="false" soundcloud-upload="false">
  <Encoding id="F_WAV" type="T_Sndfile" extension="wav" name="WAV" has-sample-format="true" channel-limit="256"/>
  <SampleRate rate="1"/><SRCQuality quality="SRC_SincBest"/>
  <EncodingOptions><Option name="sample-format" value="SF_Float"/><Option name="dithering" value="D_None"/>
    <Option name="tag-metadata" value="false"/><Option name="tag-support" value="false"/>
    <Option name="broadcast-info" value="false"/></EncodingOptions>
  <Processing><Normalize enabled="false" loudness="no" dbfs="0" lufs="-23" dbtp="-1"/>
    <Silence><Start><Trim enabled="false"/><Add enabled="false">
      <Duration format="Timecode" hours="0" minutes="0" seconds="0" frames="0"/></Add></Start>
      <End><Trim enabled="false"/><Add enabled="false">
      <Duration format="Timecode" hours="0" minutes="0" seconds="0" frames="0"/></Add></End></Silence></Processing>
</ExportFormatSpecification>
"""
EXPORT_PRESET = f"""<?xml version="1.0" encoding="UTF-8"?>
<ExportPreset id="{PRESET}" name="Rig"><ExportFormat id="{FORMAT}"/>
  <ExportFilename><Folder relative="1" path="export"/>
    <Field name="label" enabled="0"/><Field name="session" enabled="0"/>
    <Field name="snapshot" enabled="0"/><Field name="timespan" enabled="1"/><Field name="revision" enabled="0"/>
    <Field name="time" enabled="0" value="T_None"/><Field name="date" enabled="0" value="D_None"/></ExportFilename>
</ExportPreset>
"""
# Whether the OSC surface listens is written in the session.
OSC_SURFACE = (
    '<Protocol name="Open Sound Control (OSC)" active="1" debugmode="0" address-only="0" remote-port="8000" '
    'banksize="0" striptypes="159" feedback="0" gainmode="0" send-page-size="0" plug-page-size="0"/>'
)


def registered(actions: Sequence[Path], hook: Path) -> str:
    """The file in which Ardour keeps scripts that were added by its Script Manager: Lua text in base64."""
    scripts = "\n".join(f"scripts[{number}] = {entry(path)}" for number, path in enumerate(actions, 1))
    bits = ["1" if SIGNALS - 1 - place == TIMER else "0" for place in range(SIGNALS)]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>'
        f'<ActionScript lua="Lua 5.3">{encoded("scripts = {}" + chr(10) + scripts)}</ActionScript><ActionHooks>'
        f'<LuaCallback lua="Lua 5.3" id="900000" name="{hook.stem}" signals="{"".join(bits)}">'
        f"{encoded('s = ' + entry(hook))}</LuaCallback></ActionHooks></UIScripts>\n"
    )


def entry(path: Path) -> str:
    """One script as Ardour's table: name, source, what makes its function, parameters."""
    text = path.read_text()
    body = f"local ardour = function () end\n{text}\nreturn factory (...)\n"
    return f"{{ n={quoted(path.stem)}, s={quoted(text)}, f={quoted(body)}, a={{}} }}"


def quoted(text: str) -> str:
    return f"[====[\n{text}]====]"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
