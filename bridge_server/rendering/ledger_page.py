"""The ledger of a song as one page to print: a picture of the song and its stretches, what is whose, who chose what.

HTML without anything from elsewhere. Colours have hatching too: many printers know black only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from bridge_server.languages.installed import ENGLISH
from bridge_server.languages.wording import text_in
from bridge_server.rendering.ledger_words import (
    chooser_in_words,
    clock,
    moment,
    share_lines,
    source_type_in_words,
    states_in_words,
    whose_in_words,
)
from clip_store.mix.whose import CROSSFADE
from daw_protocol.ledger import WHOSE, Ledger, LedgerStretch, LedgerTake

COLUMNS = 640
"""Of the picture: peaks of the song, 0 to 1 of full scale."""

_HEIGHT, _BAND, _AXIS = 110, 18, 16
_LONGEST_PROMPT = 160

_STYLE = """
@page { size: A4; margin: 14mm; }
* { box-sizing: border-box; }
body { font: 10.5px/1.4 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #111; background: #fff;
  margin: 0 auto; padding: 14px; max-width: 690px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
h1 { font-size: 19px; margin: 0 0 1px; overflow-wrap: anywhere; }
h2 { font-size: 12px; margin: 13px 0 3px; }
p { margin: 2px 0; }
.quiet { color: #444; }
svg { display: block; width: 100%; height: auto; margin: 7px 0 3px; }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: 3px 16px; margin: 0; padding: 0; }
ul.key svg { display: inline-block; width: 15px; height: 11px; margin: 0 4px -1px 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 2px 9px 2px 0; border-bottom: 1px solid #ccc; }
th { font-weight: 600; border-color: #666; }
td { overflow-wrap: anywhere; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
tr { break-inside: avoid; }
"""

_PATTERNS = """<defs>
<pattern id="mixed" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="7" height="7" fill="#f3d9a4"/><rect width="2.4" height="7" fill="#8a5a00"/></pattern>
</defs>"""
_FILLS = {"human": "#d7e6d3", "machine": "#4b3f72", "mixed": "url(#mixed)"}


def ledger_page(
    ledger: Ledger, peaks: Sequence[float], version: str, now: float, language: str = ENGLISH
) -> str:
    """The page. peaks: of the finished song, or of the original, COLUMNS of them; () without a picture of the sound.
    version: the program's; now: seconds since 1970; language: of all but names, prompts and titles."""

    def said(text: str) -> str:
        return escape(text_in(text, language))

    heads = (
        said("Starts at"),
        said("Ends at"),
        said("In samples"),
        said("Whose it is"),
        said("From takes"),
        said("What it is"),
    )
    of_takes = ("", said("The take"), said("Made with"), said("Asked for"), said("Chosen by"))
    body = "\n".join(
        [
            f"<h1>{escape(ledger.title)}</h1>",
            f'<p class="quiet">{said("Authorship ledger")} · {escape(version)} · {moment(now)}</p>',
            f"<p>{escape(source_type_in_words(ledger.source_type, language))}</p>",
            _picture(ledger, peaks, language),
            _key(ledger, language),
            f"<h2>{said('Stretches of the song')}</h2>",
            _table(heads, _stretch_rows(ledger, language)),
            *(f'<p class="quiet">{said(line)}</p>' for line in _crossfades(ledger)),
            *(
                (f"<h2>{said('Takes in the song')}</h2>", _table(of_takes, _take_rows(ledger, language)))
                if ledger.takes
                else ()
            ),
            f"<h2>{said('Notes on this ledger')}</h2>",
            *(f"<p>{said(note)}</p>" for note in ledger.notes),
            f'<p class="quiet">{said(f"Original: {ledger.song}")}<br/>',
            said(
                f"{ledger.rate} samples a second; sample 0 is the original's first, at sample {ledger.position} of the "
                "timeline."
            ),
            "</p>",
        ]
    )
    title = f"{escape(ledger.title)}: {said('authorship ledger')}"
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"/><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"/><style>{_STYLE}</style></head><body>\n{body}\n'
        "</body></html>\n"
    )


def _picture(ledger: Ledger, peaks: Sequence[float], language: str) -> str:
    length = max(1, ledger.end - ledger.start)
    shapes = [_PATTERNS, f'<rect width="{COLUMNS}" height="{_HEIGHT}" fill="#f6f6f6"/>']
    for stretch in ledger.stretches:
        left = (stretch.start - ledger.start) / length * COLUMNS
        width = max(0.3, (stretch.end - stretch.start) / length * COLUMNS)
        place = f'x="{left:.2f}" width="{width:.2f}" fill="{_FILLS[stretch.whose]}"'
        shapes.append(f'<rect {place} y="{_HEIGHT}" height="{_BAND}"/>')
        if stretch.whose != "human":
            shapes.append(f'<rect {place} y="0" height="{_HEIGHT}" opacity="0.28"/>')
    if peaks:
        shapes.append(f'<path d="{_outline(peaks)}" fill="#222"/>')
    for second in _ticks(length / ledger.rate):
        left = second * ledger.rate / length * COLUMNS
        shapes.append(
            f'<text x="{left:.1f}" y="{_HEIGHT + _BAND + 12}" font-size="9" fill="#444">{clock(second)[:-4]}</text>'
        )
    height = _HEIGHT + _BAND + _AXIS
    label = "; ".join(share_lines(ledger, language))
    return f'<svg viewBox="0 0 {COLUMNS} {height}" role="img" aria-label="{escape(label)}">{"".join(shapes)}</svg>'


def _outline(peaks: Sequence[float]) -> str:
    middle = _HEIGHT / 2
    step = COLUMNS / len(peaks)
    heights = [max(0.4, min(1.0, peak) * (middle - 3)) for peak in peaks]
    above = [f"{number * step:.1f},{middle - height:.1f}" for number, height in enumerate(heights)]
    below = [f"{number * step:.1f},{middle + height:.1f}" for number, height in enumerate(heights)]
    return f"M{' L'.join([*above, *reversed(below)])}Z"


def _ticks(seconds: float) -> Iterator[float]:
    step = next((one for one in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if seconds / one <= 9), 1200)
    at = 0.0
    while at < seconds * 0.96:  # the last one would leave the picture
        yield at
        at += step


def _key(ledger: Ledger, language: str) -> str:
    lines = zip(WHOSE, share_lines(ledger, language), strict=True)
    entries = (
        f'<li><svg viewBox="0 0 15 11" aria-hidden="true"><rect width="15" height="11" fill="{_FILLS[whose]}" '
        f'stroke="#555" stroke-width=".6"/></svg>{escape(line)}</li>'
        for whose, line in lines
    )
    return f'<ul class="key">{"".join(entries)}</ul>'


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _stretch_rows(ledger: Ledger, language: str) -> Iterator[list[str]]:
    numbers = _numbers(ledger.takes)
    for one in ledger.stretches:
        if one.reason != CROSSFADE:
            takes = ", ".join(numbers.get(take, take) for take in one.takes)
            words = (whose_in_words(one.whose, language), takes, text_in(one.reason, language))
            yield [
                _number(clock((one.start - ledger.start) / ledger.rate)),
                _number(clock((one.end - ledger.start) / ledger.rate)),
                _number(f"{one.start} – {one.end}"),
                *(f"<td>{escape(text)}</td>" for text in words),
            ]


def _crossfades(ledger: Ledger) -> Iterator[str]:
    fades: list[LedgerStretch] = [one for one in ledger.stretches if one.reason == CROSSFADE]
    if fades:
        longest = max(one.end - one.start for one in fades) / ledger.rate * 1000
        yield (
            f"Between them lie {len(fades)} crossfade{'s' if len(fades) > 1 else ''} of {longest:.0f} ms at most, with "
            "both sides in them. The JSON of this ledger has each with its samples."
        )


def _take_rows(ledger: Ledger, language: str) -> Iterator[list[str]]:
    numbers = _numbers(ledger.takes)
    for one in ledger.takes:
        made = [one.engine or text_in("unknown engine", language)]
        if one.weights:
            digest = f" ({one.weights_digest[:12]})" if one.weights_digest else ""
            licence = one.licence or text_in("unknown", language)
            made.append(f"{text_in(f'weights {one.weights}', language)}{digest}")
            made.append(text_in(f"licence: {licence}", language))
        elif not one.neural:
            made.append(text_in("no neural network", language))
        if one.reference:
            made.append(text_in(f"reference: {one.reference}, with consent", language))
        asked = one.prompt if len(one.prompt) <= _LONGEST_PROMPT else f"{one.prompt[:_LONGEST_PROMPT]} …"
        what = f"{one.task}{'' if one.stem == 'mix' else f', {one.stem}'}"
        about = [what, one.take, *states_in_words(one.file, language)]
        yield [
            _number(numbers[one.take]),
            f"<td>{'<br/>'.join(map(escape, about))}</td>",
            f"<td>{'<br/>'.join(map(escape, made))}</td>",
            f"<td>{escape(asked) or '–'}</td>",
            f"<td>{escape(chooser_in_words(one, language))}</td>",
        ]


def _numbers(takes: Sequence[LedgerTake]) -> dict[str, str]:
    return {one.take: f"T{number}" for number, one in enumerate(takes, 1)}


def _number(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>'
