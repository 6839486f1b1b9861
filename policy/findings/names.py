"""What a definition has only beside others: names that are taken for each other, and names of other servers' tools."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

_ALIKE: Final = str.maketrans(
    {
        **dict(zip("аеорсухіјѕһԁԛԝɡɩıɑ", "aeopcyxijshdqwgiia", strict=True)),
        **dict(zip("αβεικνορτυχγωϲ", "abeiknoptuxywc", strict=True)),
        "0": "o",
        "1": "l",
        "i": "l",
        "|": "l",
        "5": "s",
    }
)
"""Small letters and digits that are taken for others: Cyrillic, Greek, Latin beyond ASCII, digits."""

_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def outline(name: str) -> str:
    """What is left of a name for a hasty eye: names with one outline are taken for each other."""
    text = unicodedata.normalize("NFKC", name)
    text = "".join(each for each in text if unicodedata.category(each) != "Cf").casefold().translate(_ALIKE)
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return text


class Surroundings:
    """Names of the tools beside one: those in the same list, and those of the caller's other servers."""

    def __init__(self, listed: Iterable[str] = (), elsewhere: Iterable[str] = ()) -> None:
        self.listed = frozenset(listed)
        self.elsewhere = frozenset(elsewhere)

    @cached_property
    def _outlines(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in self.listed | self.elsewhere:
            found.setdefault(outline(name), set()).add(name)
        return found

    def codes(self, name: str, mentioned: frozenset[str]) -> Iterator[str]:
        """What is to be said of a tool of this name whose texts mention these words."""
        if _mixes_scripts(name) or self._outlines.get(outline(name), set()) - {name}:
            yield "lookalike_name"
        if (mentioned & self.elsewhere) - self.listed - {name}:
            yield "names_other_tool"


ALONE: Final = Surroundings()


def _mixes_scripts(name: str) -> bool:
    """Letters of more than one of the scripts whose letters look alike."""
    if name.isascii():
        return False
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in name if each.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "FULLWIDTH", "ARMENIAN", "CHEROKEE"}) > 1
