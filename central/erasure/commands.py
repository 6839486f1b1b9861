"""`agentgate central erase|purge|hold|pack`: what is asked for on the command line, done, and told in words or as JSON.

0: done. 1: something that was asked for is held, or there is nothing of it; nothing that is held was erased.
"""

import argparse
import os
import pwd
from typing import Any, Final, TextIO

import orjson
from sqlalchemy import select

from central.config import CentralConfig
from central.erasure.arguments import HOLD_ACTIONS
from central.erasure.deeds import Deeds, holding, new_hold_id
from central.erasure.purging import Purge
from central.erasure.telling import erased_json, held_json, hold_json, report_json, told
from central.erasure.units import holds_of, units_about, units_of
from central.erasure.vocabulary import Asked, Cause, Doomed, Erased, ErasureProblem, HeldBack, Hold, Unit
from central.ledger.ledger import Ledger
from central.ledger.packs import note_pack, packs_of
from central.ledger.sealings import as_kept
from central.store import tables
from central.store.engine import Store
from central.store.wiping import wipe
from evidence.clock import Clock, micros
from evidence.record import is_digest

_LONGEST: Final = 256
_NOT_TRUE: Final = 1


def run_erasure(given: argparse.Namespace, config: CentralConfig, clock: Clock, out: TextIO) -> int:
    """Do what was asked for. Raises ErasureProblem, StoreProblem, KeyProblem, LedgerUnavailable."""
    ledger = Ledger.open(config.database, clock=clock)
    try:
        done, code = _Asked(given, config, ledger, clock).answer()
    finally:
        ledger.close()
    if given.as_json:
        out.write(orjson.dumps(done, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        out.writelines(f"{line}\n" for line in told(done))
    return code


class _Asked:
    """One command."""

    def __init__(self, given: argparse.Namespace, config: CentralConfig, ledger: Ledger, clock: Clock) -> None:
        self._given, self._config, self._ledger, self._clock = given, config, ledger, clock

    def answer(self) -> tuple[dict[str, Any], int]:
        given = self._given
        if given.what != "hold" and given.action is not None:
            raise ErasureProblem(
                f"{given.what} takes no `{given.action}`: agentgate central --help shows what it takes"
            )
        if given.what == "erase":
            return self._erase()
        if given.what == "purge":
            return self._purge()
        if given.what == "pack":
            return self._note_pack()
        match given.action:
            case "add":
                return self._add()
            case "release":
                return self._release()
            case None | "list":
                return {"holds": _holds(self._ledger.store, given.tenant)}, 0
        raise ErasureProblem(f"hold takes no `{given.action}`: it is {', '.join(HOLD_ACTIONS)}")

    def _deeds(self) -> Deeds:
        return Deeds(self._ledger, self._config.state, self._clock)

    def _purge(self) -> tuple[dict[str, Any], int]:
        asked = Asked(self._by(), self._given.reason or "retention")
        purge = Purge(self._ledger.store, self._config.retention, self._clock.now().unix_ns // 1000, asked)
        if self._given.dry_run:
            return report_json(purge.rehearse(), len(self._config.retention)), 0
        report = purge.run(self._deeds())
        report.remains = wipe(self._ledger.store)
        return report_json(report, len(self._config.retention)), 0

    def _erase(self) -> tuple[dict[str, Any], int]:
        tenant, asked = self._tenant(), self._asked()
        names = self._named(tenant)
        if self._given.dry_run:
            erased, held = self._rehearsed(tenant, names)
            remains = None
        else:
            outcome = self._deeds().erase(tenant, names, lambda unit: _all_of(unit, asked))
            erased, held, remains = list(outcome.erased), list(outcome.held), wipe(self._ledger.store)
        done = {
            "dry_run": self._given.dry_run,
            "erased": [erased_json(tenant, one) for one in erased],
            "held": [held_json(tenant, one) for one in held],
            "remains": remains,
        }
        return done, _NOT_TRUE if held or not erased else 0

    def _named(self, tenant: str) -> list[str]:
        """The units that are meant. Raises ErasureProblem for one that has records of others as well."""
        given = self._given
        if not (given.session or given.subject or given.unit):
            raise ErasureProblem("erase: say of what: --session, --subject or --unit, as the records have it")
        with self._ledger.store.reading() as connection:
            names = set(given.unit)
            for session in given.session:
                names.update(units_about(connection, tenant, session=as_kept(session)))
            for subject in given.subject:
                named = units_about(connection, tenant, subject=as_kept(subject))
                shared = [unit for unit in units_of(connection, tenant, named) if unit.subjects() - set(given.subject)]
                if not_asked := [unit.name for unit in shared if unit.name not in given.unit]:
                    raise ErasureProblem(
                        f"erase: {', '.join(not_asked)} have text of others than {subject} under the same keys, which "
                        "would be gone as well: name them with --unit if that is meant"
                    )
                names.update(named)
        return sorted(names)

    def _rehearsed(self, tenant: str, names: list[str]) -> tuple[list[Erased], list[HeldBack]]:
        erased, held = list[Erased](), list[HeldBack]()
        with self._ledger.store.reading() as connection:
            holds = holds_of(connection, tenant)
            for unit in units_of(connection, tenant, names):
                if standing := holding(holds, unit):
                    held.append(HeldBack(unit.name, standing))
                    continue
                keys, packs = tuple(key.id for key in unit.keys), tuple(packs_of(connection, tenant, unit.name))
                erased.append(Erased(unit.name, keys, Cause.REQUEST, packs, unit.sidecars()))
        return erased, held

    def _add(self) -> tuple[dict[str, Any], int]:
        given, tenant, asked = self._given, self._tenant(), self._asked()
        if len(given.session) > 1 or given.subject or given.unit:
            raise ErasureProblem("hold add: is on a tenant, narrowed by one --agent, one --session, --from and --until")
        session = as_kept(given.session[0]) if given.session else None
        agent = as_kept(given.agent) if given.agent else None
        span = _time("--from", given.from_at), _time("--until", given.until_at)
        if span[0] is not None and span[1] is not None and span[0] > span[1]:
            raise ErasureProblem("hold add: --from is later than --until: nothing lies between them")
        hold = Hold(new_hold_id(), tenant, agent, session, *span)
        self._deeds().place(hold, asked)
        return {"placed": hold.id}, 0

    def _release(self) -> tuple[dict[str, Any], int]:
        if not self._given.id:
            raise ErasureProblem("hold release: say which with --id: agentgate central hold list shows them")
        self._deeds().release(self._given.id, self._asked())
        return {"released": self._given.id}, 0

    def _note_pack(self) -> tuple[dict[str, Any], int]:
        given, tenant = self._given, self._tenant()
        if not is_digest(given.digest) or not given.unit:
            raise ErasureProblem(
                "pack: say which with --digest (64 hex digits: its SHA-256), and whose text it has with one --unit or "
                "more, as agentgate pack export --json tells them"
            )
        at = self._clock.now().rfc3339()
        note_pack(self._ledger.store, tenant=tenant, digest=given.digest, units=given.unit, by=self._by(), at=at)
        return {"noted": given.digest}, 0

    def _tenant(self) -> str:
        if not self._given.tenant:
            raise ErasureProblem(f"{self._given.what}: say whose evidence with --tenant")
        return str(self._given.tenant)

    def _asked(self) -> Asked:
        reason = (self._given.reason or "").strip()
        if not reason or len(reason) > _LONGEST or not reason.isprintable():
            raise ErasureProblem(
                f"{self._given.what}: say why with --reason, on one line of at most {_LONGEST} characters; it stays in "
                "the chain for good: name a ticket, not a person"
            )
        return Asked(self._by(), reason)

    def _by(self) -> str:
        by = self._given.by or pwd.getpwuid(os.getuid()).pw_name
        if len(by) > _LONGEST or not by.isprintable():
            raise ErasureProblem(f"--by: a name on one line, of at most {_LONGEST} characters")
        return str(by)


def _all_of(unit: Unit, asked: Asked) -> list[Doomed]:
    return [Doomed(unit.name, tuple(key.id for key in unit.keys), Cause.REQUEST, asked)]


def _time(flag: str, given: str | None) -> int | None:
    found = None if given is None else micros(given)
    if given is not None and found is None:
        raise ErasureProblem(f"{flag} {given}: write a time with its zone, such as 2026-05-01T00:00:00Z")
    return found


def _holds(store: Store, tenant: str | None) -> list[dict[str, Any]]:
    table = tables.holds
    query = select(table).order_by(table.c.placed_at, table.c.id)
    query = query if tenant is None else query.where(table.c.tenant == tenant)
    with store.reading() as connection:
        return [hold_json(row) for row in connection.execute(query).mappings()]
