"""Pages of docs/ with a part that a run writes: its tables, and its place between two marks."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def row(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(cells) + " |\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return row(head) + "| --- " * len(head) + "|\n" + "".join(map(row, rows))


def escaped(text: str) -> str:
    """Text of somebody else, as Markdown that looks like it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def written(page: Path, begin: str, end: str, text: str) -> None:
    """Puts `text` between the two marks of the page. Raises ValueError where there is not one of each."""
    head, rest = page.read_text("utf-8").split(begin)
    _, tail = rest.split(end)
    page.write_text(f"{head}{begin}\n\n{text}\n{end}{tail}", "utf-8")
