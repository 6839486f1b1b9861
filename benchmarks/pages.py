"""Pages of docs/ with a part that a run writes: its tables, and its place between two marks."""

from collections.abc import Sequence
from pathlib import Path


def markdown(cells: Sequence[Sequence[str]], text_columns: int) -> str:
    """A Markdown table, the names of the columns first; what stands behind the columns of text are numbers."""
    head, *body = ("| " + " | ".join(line) + " |" for line in cells)
    rule = "| " + " | ".join("---" if at < text_columns else "---:" for at in range(len(cells[0]))) + " |"
    return "\n".join([head, rule, *body])


def escaped(text: str) -> str:
    """Text of somebody else, as Markdown that looks like it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def written(page: Path, begin: str, end: str, text: str) -> None:
    """Puts `text` between the two marks of the page. Raises ValueError where there is not one of each."""
    head, rest = page.read_text("utf-8").split(begin)
    _, tail = rest.split(end)
    page.write_text(f"{head}{begin}\n\n{text}\n{end}{tail}", "utf-8")
