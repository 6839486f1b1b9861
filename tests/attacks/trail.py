"""The trail that rows leave in evidence, read as the files hold it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


class Trail:
    """The records of an evidence folder as they come: clear parts only, as the files hold them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def more(self) -> list[dict[str, Any]]:
        """`{kind, call, tenant, ...body}` of each record since the last time, chain by chain."""
        files = [file for file in sorted(self._folder.glob("chain-*/records-*.tsv")) if file.is_file()]
        return [record for file in files for record in self._of(file)]

    def _of(self, file: Path) -> Iterator[dict[str, Any]]:
        data = file.read_bytes()
        begin, end = self._read.get(file, 0), data.rfind(b"\n") + 1
        self._read[file] = end
        for line in data[begin:end].splitlines():
            if line.startswith(b"record\t"):
                _, header, body, _ = line.split(b"\t")
                head = json.loads(header)
                yield {**json.loads(body), "kind": head["kind"], "call": head["call"], "tenant": head["tenant"]}


def recorded(records: Sequence[Mapping[str, Any]], reference: str, code: str) -> bool:
    """Whether a refusal, a notice or an outcome among them has this reference and names this code."""
    return any(reference in (each["call"], each.get("reference")) and code in _codes(each) for each in records)


def _codes(record: Mapping[str, object]) -> list[object]:
    refusal = record.get("refusal")
    return [record.get("reason"), refusal.get("code") if isinstance(refusal, Mapping) else None]
