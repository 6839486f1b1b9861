"""Makes an evidence folder of what central has of some chains, page by page: a chain may be larger than memory.

Nothing of it is believed here: who gets the pack checks it as any other.
"""

import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from evidence.layout import KEYS_NAME, segment_name
from evidence.line import box_line, note_line
from evidence.note import read_note
from evidence.pack.proving import LogFiles
from evidence.receipt import read_receipt
from evidence.receipts import keep_ledger_keys, keep_receipt
from evidence.record import is_digest, record_line
from proxy.reading_central import UNAVAILABLE, USAGE, CentralReader, Unanswered

_STRANGE: Final = "what answers is no central, or another version of it"


@dataclass(frozen=True, slots=True)
class Found:
    """The chains in which something of what was asked for can be, whose they are, and the time that was meant."""

    tenant: str
    chains: tuple[str, ...]
    since: str | None
    until: str | None


class Fetching:
    """Fetches chains from central. Each step raises Unanswered, OSError."""

    def __init__(self, central: CentralReader) -> None:
        self._central = central
        self._places: dict[bytes, int] = {}

    def look(self, asked: Mapping[str, str]) -> Found:
        """Where something of what is asked for can be; `asked` are members of a query of `/v1/exports`."""
        pages = list(self._pages("/v1/exports", asked))
        chains = [chain for page in pages for chain in _list(page, "chains")]
        tenant, since, until = (pages[0].get(name) for name in ("tenant", "since", "until"))
        if not isinstance(tenant, str) or not all(isinstance(chain, str) and is_digest(chain) for chain in chains):
            raise Unanswered(_STRANGE, UNAVAILABLE)
        if not chains:
            raise Unanswered(f"central has no chain of {tenant} with anything of what was asked for", USAGE)
        return Found(tenant, tuple(chains), since, until)

    def chain(self, chain: str, within: Path, *, keys: bool) -> None:
        """Write one chain below a folder; with its wrapped keys, which central gives not to everybody."""
        folder = within / f"chain-{chain[:16]}"
        folder.mkdir(mode=0o700)
        receipt = self._central.asked("/v1/receipt", {"chain": chain})
        try:
            self._witnessed(folder, receipt)
            last = read_receipt(read_note(receipt["receipt"]).text).position.seq
            with _new(folder / segment_name(1)) as file:
                self._records(chain, last, file)
            with _new(folder / KEYS_NAME) as file:
                for page in self._pages("/v1/keys", {"chain": chain}) if keys else ():
                    file.writelines(line.encode() + b"\n" for line in _list(page, "keys"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unanswered(f"{_STRANGE}: {error}", UNAVAILABLE) from error

    def log(self) -> LogFiles:
        """The log that the chains are in."""
        if self._central.file("/log/checkpoint") is None:
            raise Unanswered("central has not published its log yet: try again in a moment", UNAVAILABLE)
        return LogFiles(lambda path: self._central.file(f"/log/{path}"), self._places)

    def note(self, digest: str, units: tuple[str, ...]) -> None:
        """Have central note a pack, so that later erasures name it."""
        self._central.told("/v1/packs", {"digest": digest, "units": list(units)})

    def _witnessed(self, folder: Path, receipt: Mapping[str, Any]) -> None:
        if receipt["ledger_keys"] is not None:
            keep_ledger_keys(folder, receipt["ledger_keys"].encode())
        keep_receipt(folder, receipt["receipt"])

    def _records(self, chain: str, last: int, file: IO[bytes]) -> None:
        """The lines of the records up to the last that the receipt is for, and of the heads behind them."""
        leaves, heads = self._leaves(chain), self._heads(chain)
        place, head = next(leaves, None), next(heads, None)
        for page in self._pages("/v1/records", {"chain": chain, "last": str(last)}):
            for one in _list(page, "records"):
                seq, link = int(one["seq"]), str(one["link"])
                file.write(record_line(one["header"].encode(), one["body"].encode(), link))
                if one["box"] is not None:
                    file.write(box_line(b64decode(one["box"], validate=True)))
                while head is not None and head[0] <= seq:
                    file.write(note_line(head[1]))
                    head = next(heads, None)
                while place is not None and place["last"] < seq:
                    place = next(leaves, None)
                if place is not None and place["first"] <= seq:
                    self._places[bytes.fromhex(link)] = place["leaf"] + seq - place["first"]

    def _heads(self, chain: str) -> Iterator[tuple[int, str]]:
        for page in self._pages("/v1/heads", {"chain": chain}):
            yield from ((int(one["seq"]), str(one["note"])) for one in _list(page, "heads"))

    def _leaves(self, chain: str) -> Iterator[Mapping[str, int]]:
        for page in self._pages("/v1/leaves", {"chain": chain}):
            yield from _list(page, "leaves")

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        page = self._central.asked(path, query)
        yield page
        while (after := page.get("after")) is not None:
            page = self._central.asked(path, {**query, "after": str(after)})
            if page.get("after") == after:
                raise Unanswered(_STRANGE, UNAVAILABLE)
            yield page


def _list(page: Mapping[str, Any], name: str) -> list[Any]:
    found = page.get(name)
    if not isinstance(found, list):
        raise Unanswered(_STRANGE, UNAVAILABLE)
    return found


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
