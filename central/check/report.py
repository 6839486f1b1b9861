"""A check in words, and as JSON."""

from dataclasses import asdict
from typing import Any

from central.check.checking import Checked
from central.check.findings import MEANS, Finding, Step


def as_text(checked: Checked) -> str:
    """For a person: what was looked at, then what is not right, the first place by name."""
    cosigned = f", cosigned by {', '.join(checked.cosigned)}" if checked.cosigned else ""
    lines = [
        f"ledger   {_so_many(checked.chains, 'chain')}, {_so_many(checked.records, 'record')}, "
        f"{_so_many(checked.waiting, 'batch', 'batches')} waiting",
        f"log      {checked.origin}: {checked.leaves:,} leaves{cosigned}",
    ]
    if checked.strangers:
        chains = _so_many(checked.strangers, "chain")
        lines.append(f"unknown  {chains} of sidecars that are not registered: any identity counts there")
    if checked.destroyed:
        lines.append(f"erased   {_so_many(checked.destroyed, 'data key')}, each by a tombstone")
    if checked.missing:
        missing = _so_many(checked.missing, "data key")
        lines.append(f"missing  {missing} without a tombstone, the first in {checked.first_missing}")
    if checked.ok:
        lines += [f"ok       {MEANS[step]}" for step in Step]
    for finding in checked.findings.told:
        lines += [f"FAILED   {finding.where}: {finding.what}", f"         {finding.step}: {MEANS[finding.step]}"]
    more = checked.findings.count - len(checked.findings.told)
    if more:
        lines.append(f"         and {more:,} more")
    if not checked.ok:
        lines.append("Keep database and log as they are; what sidecars and witnesses hold says which of them is right.")
    return "\n".join(lines) + "\n"


def as_json(checked: Checked) -> dict[str, Any]:
    """For machines. `error` is the first finding, null where there is none."""
    told = [_finding(finding) for finding in checked.findings.told]
    return {
        "ok": checked.ok,
        "chains": checked.chains,
        "records": checked.records,
        "waiting": checked.waiting,
        "unregistered": checked.strangers,
        "erased_keys": checked.destroyed,
        "missing_keys": checked.missing,
        "log": {
            "origin": checked.origin,
            "leaves": checked.leaves,
            "root": checked.root,
            "cosigned": list(checked.cosigned),
        },
        "findings": checked.findings.count,
        "error": told[0] if told else None,
        "errors": told,
    }


def _so_many(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _finding(finding: Finding) -> dict[str, Any]:
    return asdict(finding)
