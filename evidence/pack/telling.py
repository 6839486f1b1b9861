"""Reads a pack that was checked once more, for what it tells. It shows; `steps` proves."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from evidence.canonical import read
from evidence.pack.archive import Archive
from evidence.pack.checking import Lines
from evidence.pack.story import Told
from evidence.pack.vocabulary import BODIES, HEADERS, TEXTS, Body, Manifest, Texts, member_of, read_body, read_texts
from evidence.record import link_of, read_header

_HEADER: Final = b"header\t"
_T = TypeVar("_T", Body, Texts)


def told_by(archive: Archive, manifest: Manifest) -> Iterator[Told]:
    """The records of all chains. Only for a pack in which nothing was found wrong."""
    for part in manifest.chains:
        bodies = _by_number(read_body(line[:-1]) for line in Lines(archive, member_of(part.name, BODIES)))
        texts = _by_number(read_texts(line[:-1]) for line in Lines(archive, member_of(part.name, TEXTS)))
        for line in Lines(archive, member_of(part.name, HEADERS)):
            if line.startswith(_HEADER):
                yield _told(part.name, line[len(_HEADER) : -1], bodies, texts)


def _told(chain: str, data: bytes, bodies: Mapping[int, Body], texts: Mapping[int, Texts]) -> Told:
    header = read_header(data)
    body, opened = bodies.get(header.seq), texts.get(header.seq)
    return Told(
        chain,
        header,
        link_of(data),
        None if body is None else read(body.data),
        {} if opened is None else opened.secrets,
        body is not None and body.selected,
    )


def _by_number(found: Iterable[_T]) -> Mapping[int, _T]:
    return {each.seq: each for each in found}
