"""What erasures and holds are told as: values that JSON has, and the same in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from central.erasure.purging import Report
from central.erasure.vocabulary import Erased, HeldBack
from evidence.clock import Instant


def hold_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of `holds`; its times as RFC 3339 has them."""
    times = ("from_at", "until_at", "placed_at", "released_at")
    return {str(name): _text(value) if name in times and value is not None else value for name, value in row.items()}


def _text(at: int) -> str:
    return Instant(at * 1000, 0).rfc3339()


def erased_json(tenant: str, one: Erased) -> dict[str, Any]:
    """A unit whose keys are destroyed."""
    return {
        "tenant": tenant,
        "unit": one.unit,
        "keys": list(one.keys),
        "cause": one.cause.value,
        "packs": list(one.packs),
        "sidecars": list(one.sidecars),
    }


def held_json(tenant: str, one: HeldBack) -> dict[str, Any]:
    """A unit that is held."""
    return {"tenant": tenant, "unit": one.unit, "holds": list(one.holds)}


def report_json(report: Report, rules: int) -> dict[str, Any]:
    """What a purge did; `rules` is by how many it went."""
    return {
        "dry_run": report.dry,
        "rules": rules,
        "units": report.units,
        "keys": report.keys,
        "erased": [erased_json(tenant, one) for tenant, one in report.erased],
        "held": [held_json(tenant, one) for tenant, one in report.held],
        "forgotten": report.forgotten,
        "remains": report.remains,
    }


def told(done: dict[str, Any]) -> Iterator[str]:
    """The same in words."""
    if "placed" in done:
        yield f"{done['placed']} is placed: nothing of what it is on is erased until it is released"
    if "noted" in done:
        yield f"pack {done['noted']} is noted: an erasure of its units names it"
    if "released" in done:
        yield f"{done['released']} is released"
    if done.get("holds") == []:
        yield "no hold is placed"
    for hold in done.get("holds", ()):
        yield _hold_line(hold)
    if "erased" in done:
        yield from _erasure_lines(done)


def _hold_line(hold: dict[str, Any]) -> str:
    narrowed = [f"{name} {hold[name]}" for name in ("agent", "session") if hold[name] is not None]
    narrowed += [f"{word} {hold[name]}" for word, name in (("from", "from_at"), ("until", "until_at")) if hold[name]]
    state = f"released {hold['released_at']} by {hold['released_by']}" if hold["released_at"] else "holds"
    on = ", ".join(narrowed) or "everything"
    return f"{hold['id']}  {state}  tenant {hold['tenant']}: {on}  ({hold['placed_by']}: {hold['reason']})"


def _erasure_lines(done: dict[str, Any]) -> Iterator[str]:
    verb = "to be destroyed" if done["dry_run"] else "destroyed"
    for one in done["erased"]:
        yield f"{one['tenant']}, unit {one['unit']}: {_count(len(one['keys']))} {verb} ({one['cause']})"
        if one["sidecars"]:
            spools = ", ".join(one["sidecars"])
            yield f"  in the spool of {spools}: as soon as it ships again; its notice `keys_erased` says so"
        if one["packs"]:
            yield f"  packs that have its text, and that nothing reaches: {', '.join(one['packs'])}"
    for one in done["held"]:
        yield f"{one['tenant']}, unit {one['unit']}: held by {', '.join(one['holds'])}, and left"
    if not done["erased"] and not done["held"]:
        yield "nothing is due" if "units" in done else "nothing of that has a data key here"
    if done.get("rules") == 0:
        yield "no [[retention]] is configured: everything is kept until somebody asks"
    if done.get("forgotten"):
        yield f"the ledger had lost {done['forgotten']} records of central's own chains, and has them again"
    if done["remains"]:
        yield f"note: {done['remains']}"


def _count(keys: int) -> str:
    return "1 data key" if keys == 1 else f"{keys} data keys"
