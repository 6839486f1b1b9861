"""Writes what docs/templates.md takes from policy/templates: the table, and a section for each template.

python scripts/generate_templates.py         rewrite the marked parts
python scripts/generate_templates.py --check   exit 1 if they are not what the library says
"""

import json
import sys
from pathlib import Path
from typing import Final

from policy.templating import Template, templates
from scripts.made_page import keep

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "templates.md"

_COLUMNS: Final = "| template | for | risk | obligations | supports |\n| --- | --- | --- | --- | --- |\n"


def made(text: str) -> str:
    """The page with both parts made anew."""
    found = templates()
    parts = {"table": _COLUMNS + "".join(map(_row, found)), "templates": "".join(map(_section, found))}
    for name, part in parts.items():
        begin, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{part}{end}{rest.partition(end)[2]}"
    return text


def _row(template: Template) -> str:
    obligations = ", ".join(f"`{name}`" for name in template.obligations) or "none"
    cells = (_link(template), template.use_case, template.risk, obligations, "; ".join(template.controls))
    return "| " + " | ".join(cells) + " |\n"


def _link(template: Template) -> str:
    return f"[{template.id}](#{template.id})"


def _section(template: Template) -> str:
    text = (template.folder / "README.md").read_text("utf-8").removeprefix("#")
    example = json.dumps(template.example(), ensure_ascii=False)
    lifted = dict.fromkeys(template.exceptable, " (exceptable)")
    reasons = "".join(f"* `{reason}`{lifted.get(reason, '')}: {told}\n" for reason, told in template.reasons.items())
    return f"\n##{text}\n{reasons}\nAn example: `{example}`\n"


def main() -> int:
    """Exit code 1 with --check if the page differs."""
    return keep(PAGE, made(PAGE.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
