"""Curves as SVG, by hand: panels one above the other with one axis of time, readable on light and dark pages."""

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.soak.trial import Panel

WIDTH: Final = 720
PANEL_HEIGHT: Final = 130
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 34, 30
_GAP: Final = 34
_TICKS: Final = 4
_STYLE: Final = (
    "<style>text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:14px;font-weight:600}"
    ".axis{stroke:#8c959f;stroke-width:1}.grid{stroke:#d0d7de;stroke-width:.6}"
    ".curve{fill:none;stroke:#0969da;stroke-width:1.6;stroke-linejoin:round}</style>"
)


def drawn(title: str, panels: Sequence[Panel], along: str = "seconds") -> str:
    """An SVG document; a panel without points stays empty."""
    height = _TOP + len(panels) * (PANEL_HEIGHT + _GAP) + _BOTTOM - _GAP
    last = max((x for panel in panels for x, _ in panel.points), default=1.0) or 1.0
    across = _Scale(0.0, last, _LEFT, WIDTH - _RIGHT)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        _STYLE,
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="{_LEFT}" y="16">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        lines += _panel(panel, _TOP + number * (PANEL_HEIGHT + _GAP), across)
    floor = height - _BOTTOM
    for value in _ticks(0.0, last):
        if value > last:
            break
        at = across.of(value)
        lines.append(f'<text x="{at:.1f}" y="{floor + 16}" text-anchor="middle">{_number(value)}</text>')
    lines += [f'<text x="{WIDTH - _RIGHT}" y="{height - 2}" text-anchor="end">{escape(along)}</text>', "</svg>"]
    return "\n".join(lines) + "\n"


class _Scale:
    """From values to places on the page."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._low, self._begin = low, begin
        self._factor = (end - begin) / ((high - low) or 1.0)

    def of(self, value: float) -> float:
        return self._begin + (value - self._low) * self._factor


def _panel(panel: Panel, top: float, across: _Scale) -> Iterator[str]:
    values = [y for _, y in panel.points] or [0.0]
    ticks = _ticks(0.0, max(values) or 1.0)
    floor = top + PANEL_HEIGHT
    up = _Scale(0.0, ticks[-1], floor, top + 10)
    yield f'<text x="{_LEFT}" y="{top}">{escape(panel.label)}</text>'
    for value in ticks:
        at = up.of(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}</text>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>'
    places = " ".join(f"{across.of(x):.1f},{up.of(y):.1f}" for x, y in panel.points)
    yield f'<polyline class="curve" points="{places}"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Round values from `low` on, the last of them at or above `high`."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [low + number * step for number in range(math.ceil((high - low) / step - 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:,.10g}"
