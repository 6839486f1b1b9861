"""Draws docs/demo.svg: what a terminal shows of a real run of `agentgate demo`, colours and all.

    python scripts/draw_demo.py [STEP...]     only these steps, or all

The demo runs on a pseudo-terminal, so that it takes itself to be watched. It ends with the demo's exit code, and draws
only what was true.
"""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURE: Final = ROOT / "docs" / "demo.svg"
PROGRAM: Final = Path(sys.executable).with_name("agentgate")

_WIDTH: Final = 980
_LINE: Final = 18
_COLUMN: Final = 7.83
_EDGE: Final = 20
_TOP: Final = 44
_SGR: Final = re.compile(r"\x1b\[([0-9;]*)m")
_STEP: Final = re.compile(r"(\d+)  \S")
_CLASSES: Final = {"1": "b", "2": "d", "31;1": "r", "32": "g", "34": "u", "35": "m", "36": "c"}
_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"
 aria-label="A terminal with a run of agentgate demo">
<style>
text {{ font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6deeb; white-space: pre; }}
.b {{ font-weight: bold; fill: #ffffff; }} .d {{ fill: #7f8ea3; }} .r {{ fill: #ff6b6b; font-weight: bold; }}
.g {{ fill: #5fd787; font-weight: bold; }} .u {{ fill: #82aaff; }} .m {{ fill: #e39af0; }} .c {{ fill: #6ad7e5; }}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#11161f"/>
<circle cx="22" cy="20" r="5.5" fill="#ff5f57"/><circle cx="40" cy="20" r="5.5" fill="#febc2e"/>
<circle cx="58" cy="20" r="5.5" fill="#28c840"/>
"""


def run() -> tuple[int, str]:
    """The exit code of the demo, and what it wrote to its terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([PROGRAM, "demo"], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as demo:
        os.close(theirs)
        written = b"".join(_read(ours))
    os.close(ours)
    return demo.returncode, written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    try:
        while piece := os.read(terminal, 1 << 16):
            yield piece
    except OSError:  # the other end is closed: Linux says so with EIO
        return


def chosen(lines: Sequence[str], steps: frozenset[str]) -> Iterator[str]:
    """The lines outside of steps and those of the chosen steps; a mark stands for what is left out."""
    step, left_out = "", False
    for line in lines:
        plain = _SGR.sub("", line)
        if found := _STEP.match(plain):
            step = found[1]
        elif step and plain and not plain.startswith(" "):
            step = ""
        if step and steps and step not in steps:
            left_out = True
            continue
        if left_out:
            yield from ("\x1b[2m   \u22ee\x1b[0m", "")
            left_out = False
        yield line


def drawn(lines: Sequence[str]) -> str:
    """The picture."""
    height = _TOP + _LINE * (len(lines) + 2)
    rows = (
        f'<text x="{_EDGE}" y="{_TOP + _LINE * (at + 1)}" xml:space="preserve">{_spans(line)}</text>\n'
        for at, line in enumerate(lines)
    )
    return _HEAD.format(width=_WIDTH, height=height) + "".join(rows) + "</svg>\n"


def _spans(line: str) -> str:
    """One line: each run of one colour placed by its column, so that any font stays aligned."""
    spans, column, name = [], 0, ""
    for at, piece in enumerate(_SGR.split(line)):
        if at % 2:
            name = _CLASSES.get(piece, "")
        elif piece:
            colour = f' class="{name}"' if name else ""
            lead = len(piece) - len(piece.lstrip())
            place = _EDGE + (column + lead) * _COLUMN
            spans.append(f'<tspan x="{place:.1f}"{colour}>{escape(piece[lead:])}</tspan>')
            column += len(piece)
    return "".join(spans)


def main() -> int:
    """Run, draw, and give the demo's exit code."""
    code, text = run()
    if code == 0:
        lines = ["\x1b[2m$\x1b[0m agentgate demo", "", *chosen(text.splitlines(), frozenset(sys.argv[1:]))]
        PICTURE.write_text(drawn(lines), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
