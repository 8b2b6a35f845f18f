"""One control surface, written twice: as an Open Stage Control session and as a TouchOSC layout.

    python examples/osc/surfaces.py

writes open_stage_control.json and touchosc.tosc next to this file from the one table CONTROLS, so that both always send
the same messages. Formats: a session is JSON as Open Stage Control 1.2x saves it; a .tosc file is zlib-compressed XML.
"""

from __future__ import annotations

import json
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
WIDTH, HEIGHT = 820, 470
SERVER = "127.0.0.1:9124"
BLUE, GREEN, RED, GREY = "#4f8cff", "#39b27c", "#d9534f", "#8a93a3"


@dataclass(frozen=True)
class Control:
    """One thing on the surface.

    kind:    button, fader, bar (a fader that only shows) or text.
    frame:   left, top, width, height in pixels.
    address: where a button sends; values: names of the faders, or of the newest take or job, sent with it.
    """

    name: str
    kind: str
    label: str
    frame: tuple[int, int, int, int]
    address: str = ""
    values: tuple[str, ...] = ()
    colour: str = GREY
    low: float = 0.0
    high: float = 1.0
    start: float = 0.0


def _buttons() -> list[Control]:
    both = ("strength", "takes")
    rows = (
        (("repaint", "Repaint", "/bridge/repaint", both, BLUE),
         ("complete", "Continue", "/bridge/complete", both, BLUE),
         ("accompany", "Accompany", "/bridge/accompany", both, BLUE),
         ("extract", "Stems", "/bridge/extract", (), BLUE),
         ("cancel", "Cancel", "/bridge/cancel", ("job",), RED)),
        (("play", "Play take", "/bridge/audition/play", ("take",), GREEN),
         ("ab", "A / B", "/bridge/audition/ab", (), GREEN),
         ("prev", "Previous", "/bridge/audition/prev", (), GREEN),
         ("next", "Next", "/bridge/audition/next", (), GREEN),
         ("stop", "Stop", "/bridge/audition/stop", (), RED)),
        (("choose", "Choose take", "/bridge/takes/choose", ("take",), GREEN),
         ("revert", "Revert", "/bridge/takes/revert", ("take",), GREY),
         ("vary", "Vary take", "/bridge/vary", ("take", "strength"), BLUE),
         ("list", "List takes", "/bridge/takes/list", (), GREY),
         ("connect", "Connect", "/bridge/watch", (), GREY)),
    )  # fmt: skip
    return [
        Control(name, "button", label, (10 + 162 * column, 250 + 72 * row, 152, 62), address, values, colour)
        for row, line in enumerate(rows)
        for column, (name, label, address, values, colour) in enumerate(line)
    ]


CONTROLS: tuple[Control, ...] = (
    Control("title", "text", "Takebridge", (10, 8, 800, 34)),
    Control("strength", "fader", "Strength", (10, 72, 395, 54), colour=BLUE, start=0.5),
    Control("takes", "fader", "Takes", (415, 72, 395, 54), colour=BLUE, low=1, high=8, start=2),
    Control("progress", "bar", "Progress", (10, 162, 800, 26), colour=GREEN),
    Control("message", "text", "Press Connect once, then select in the DAW and press Repaint.", (10, 196, 800, 44)),
    *_buttons(),
)  # fmt: skip

# The replies the surface receives, and the values it shows of each. It ignores all others.
REPLIES_SHOWN = {
    "/bridge/ack": ("job",),
    "/bridge/progress": ("fraction", "stage"),
    "/bridge/take": ("take", "warning"),
    "/bridge/done": ("takes",),
    "/bridge/failed": ("sentence", "remedy"),
    "/bridge/cancelled": ("reason",),
    "/bridge/ok": ("text",),
    "/bridge/audition": ("take",),
}


def stage_session() -> dict[str, object]:
    """The session as Open Stage Control reads it."""
    widgets = [
        *(_stage_label(control) for control in CONTROLS if control.kind in ("fader", "bar")),
        *(_stage_widget(control) for control in CONTROLS),
        *({"type": "variable", "id": name, "bypass": True} for name in ("take", "job")),
        *(_stage_receiver(address) for address in REPLIES_SHOWN),
    ]
    root = {
        "type": "root",
        "id": "root",
        "width": WIDTH,
        "height": HEIGHT,
        "colorBg": "#1d2129",
        "widgets": widgets,
    }
    return {"createdWith": "Open Stage Control", "version": "1.26.0", "type": "session", "content": root}


def _stage_widget(control: Control) -> dict[str, object]:
    left, top, width, height = control.frame
    widget: dict[str, object] = {
        "type": "fader" if control.kind == "bar" else control.kind,
        "id": control.name, "left": left, "top": top, "width": width, "height": height,
        "colorWidget": control.colour,
    }  # fmt: skip
    if control.kind == "text":
        return widget | {"default": control.label, "wrap": True}
    if control.kind == "button":
        # The script sends; the widget itself does not: `bypass`.
        return widget | {
            "label": control.label, "mode": "tap", "bypass": True, "wrap": True, "target": SERVER,
            "address": control.address, "onValue": stage_script(control),
        }  # fmt: skip
    whole = control.high - control.low > 1
    return widget | {
        "horizontal": True, "design": "compact", "range": {"min": control.low, "max": control.high},
        "default": control.start, "steps": int(control.high - control.low) + 1 if whole else "",
        "interaction": control.kind == "fader", "bypass": True,
    }  # fmt: skip


def _stage_label(control: Control) -> dict[str, object]:
    left, top, width, _ = control.frame
    return {
        "type": "text", "id": f"{control.name}_label", "left": left, "top": top - 22, "width": width, "height": 20,
        "default": control.label, "align": "left",
    }  # fmt: skip


def stage_script(control: Control) -> str:
    """What a button runs; `send` goes to the widget's own target."""
    words = [f"'{control.address}'"]
    for name in arguments(control):
        words += [f"'{name}'", "1" if name == "on" else f"get('{name}')"]
    return f"send({', '.join(words)})"


def arguments(control: Control) -> tuple[str, ...]:
    """The names of the values a button sends; each goes as a name, value pair."""
    return ("on",) if control.name == "connect" else control.values


def _stage_receiver(address: str) -> dict[str, object]:
    """An invisible widget that takes a reply apart: its id first, then name, value pairs."""
    shown = REPLIES_SHOWN[address]
    lines = [
        "var of = function (name) {",
        "  for (var n = 1; n < value.length - 1; n += 2) if (value[n] === name) return value[n + 1]",
        "  return ''",
        "}",
    ]
    for name in shown:
        target = {"fraction": "progress", "take": "take", "job": "job"}.get(name, "message")
        lines.append(f"if (of('{name}') !== '') set('{target}', of('{name}'))")
    if address == "/bridge/done":
        lines = [*lines[:4], "set('progress', 1)", "set('message', of('takes') + ' takes ready.')"]
    return {
        "type": "variable", "id": f"receive_{address.rpartition('/')[2]}", "address": address, "bypass": True,
        "onValue": "\n".join(lines),
    }  # fmt: skip


def touchosc_xml() -> str:
    """The layout as TouchOSC (the 2021 application, not Mk1) reads it, not compressed yet."""
    children = "".join(_touch_node(control) for control in CONTROLS)
    children += "".join(
        _node("LABEL", f"{control.name}_label", _above(control.frame), control.label, "#00000000")
        for control in CONTROLS
        if control.kind in ("fader", "bar")
    )
    root = _node("GROUP", "bridge", (0, 0, WIDTH, HEIGHT), "", "#1d2129ff", TOUCH_SCRIPT, children)
    return f"<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>{root}</lexml>"


def touchosc_layout() -> bytes:
    """The .tosc file."""
    return zlib.compress(touchosc_xml().encode(), 9)


def _above(frame: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return frame[0], frame[1] - 22, frame[2], 20


def _touch_node(control: Control) -> str:
    if control.kind == "text":
        return _node("LABEL", control.name, control.frame, control.label, "#00000000")
    if control.kind == "button":
        button = _node(
            "BUTTON", control.name, control.frame, "", f"{control.colour}ff", touch_script(control)
        )
        return button + _node("LABEL", f"{control.name}_label", control.frame, control.label, "#00000000")
    start = (control.start - control.low) / (control.high - control.low)
    return _node("FADER", control.name, control.frame, str(start), f"{control.colour}ff")


def touch_script(control: Control) -> str:
    """What a button runs; the layout's own script knows the values, and where to send."""
    names = " ".join(arguments(control))
    return (
        "function onValueChanged(key)\n  if key == 'x' and self.values.x == 1 then\n"
        f"    self.parent:notify('{control.address}', '{names}')\n  end\nend"
    )


TOUCH_SCRIPT = """-- The port for replies (Connections, OSC, receive port), and the server's token if it has one.
local RECEIVE_PORT = 9126
local TOKEN = ''
local known = { on = 1 }

local function value_of(name)
  if name == 'strength' then return self.children.strength.values.x end
  if name == 'takes' then return 1 + math.floor(self.children.takes.values.x * 7 + 0.5) end
  return known[name] or ''
end

function onReceiveNotify(address, names)
  local words = {}
  for name in string.gmatch(names, '%S+') do
    words[#words + 1] = name
    words[#words + 1] = value_of(name)
  end
  words[#words + 1] = 'reply_port'
  words[#words + 1] = RECEIVE_PORT
  if TOKEN ~= '' then
    words[#words + 1] = 'token'
    words[#words + 1] = TOKEN
  end
  sendOSC(address, (table.unpack or unpack)(words)) -- TouchOSC has Lua 5.1
end

-- A reply is its id, then name, value pairs.
function onReceiveOSC(message, connections)
  local values = {}
  for n = 2, #message[2] - 1, 2 do
    values[message[2][n].value] = message[2][n + 1].value
  end
  known.job = values.job or known.job
  if values.take and values.take ~= '' then known.take = values.take end
  if values.fraction then self.children.progress.values.x = values.fraction end
  if message[1] == '/bridge/done' then self.children.progress.values.x = 1 end
  local text = values.sentence or values.reason or values.stage or values.text or values.warning
  if message[1] == '/bridge/done' then text = values.takes .. ' takes ready.' end
  if text then self.children.message.values.text = text end
end
"""


def _node(
    kind: str,
    name: str,
    frame: tuple[int, int, int, int],
    value: str,
    colour: str,
    script: str = "",
    children: str = "",
) -> str:
    """One control as XML. value: a label's text, a fader's position. colour: #rrggbbaa."""
    red, green, blue, alpha = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5, 7))
    left, top, width, height = frame
    touched = kind in ("BUTTON", "FADER") and name != "progress"
    properties = [
        _property("s", "name", _text(name)),
        _property("r", "frame", f"<x>{left}</x><y>{top}</y><w>{width}</w><h>{height}</h>"),
        _property("c", "color", f"<r>{red:.4f}</r><g>{green:.4f}</g><b>{blue:.4f}</b><a>{alpha:.4f}</a>"),
        _property("b", "background", str(int(kind != "LABEL"))),
        _property("b", "interactive", str(int(touched or kind == "GROUP"))),
        _property("b", "visible", "1"),
        _property("i", "orientation", "1" if kind == "FADER" else "0"),
    ]
    if kind == "LABEL":
        properties.append(_property("i", "textSize", "16"))
        properties.append(_property("c", "textColor", "<r>1</r><g>1</g><b>1</b><a>1</a>"))
    if script:
        properties.append(_property("s", "script", _text(script)))
    first = "text" if kind == "LABEL" else "x"
    values = [_value("touch", "false"), *([_value(first, value or "0")] if kind != "GROUP" else [])]
    # The same file every time: names by content, not by chance.
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"takebridge/{name}")
    return (
        f"<node ID='{identity}' type='{kind}'><properties>{''.join(properties)}</properties>"
        f"<values>{''.join(values)}</values><messages></messages><children>{children}</children></node>"
    )


def _property(kind: str, key: str, value: str) -> str:
    return f"<property type='{kind}'><key>{_text(key)}</key><value>{value}</value></property>"


def _value(key: str, default: str) -> str:
    return (
        f"<value><key>{_text(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_text(default)}</default><defaultPull>0</defaultPull></value>"
    )


def _text(text: str) -> str:
    return f"<![CDATA[{text}]]>" if "]]>" not in text else escape(text)


def main() -> None:
    session = json.dumps(stage_session(), indent=2, ensure_ascii=False) + "\n"
    (HERE / "open_stage_control.json").write_text(session, encoding="utf-8")
    (HERE / "touchosc.tosc").write_bytes(touchosc_layout())


if __name__ == "__main__":
    main()
