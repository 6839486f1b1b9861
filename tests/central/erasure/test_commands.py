"""`agentgate central erase|purge|hold` as operators call it, on evidence that a central has taken."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from central.ledger.ledger import Ledger
from tests.central.erasure.office import Office, Watch, office, unit_of
from tests.peers.central import Central, central


@dataclass(slots=True)
class Desk:
    """A central that is not running, with evidence in its ledger."""

    central: Central
    office: Office

    def said(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the JSON of a command."""
        done = self.central.command(*arguments, "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def problem(self, *arguments: str) -> tuple[int, str]:
        """The exit code and the text of one that fails."""
        done = self.central.command(*arguments)
        return done.returncode, done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = central(tmp_path / "central")
    assert made.command("migrate").returncode == 0
    watch = Watch()
    ledger = Ledger.open(made.database, clock=watch)
    place = office(ledger, watch, made.folder)
    place.said("of one", "s1", user="u1", upstream="mail")
    place.said("of another", "s2", user="u2")
    yield Desk(made, place)
    ledger.close()


def test_a_session_is_erased_and_the_rest_is_told(desk: Desk) -> None:
    noted = desk.said(
        "pack", "--tenant", "acme", "--digest", "ab" * 32, "--unit", unit_of("s1"), "--unit", unit_of("s9")
    )
    assert noted == (0, {"noted": "ab" * 32})
    asked = ("erase", "--tenant", "acme", "--session", "s1", "--reason", "ticket 17")
    code, dry = desk.said(*asked, "--dry-run")
    assert (code, desk.office.readable()) == (0, {"of one", "of another"})
    code, done = desk.said(*asked)
    assert code == 0
    assert done == {**dry, "dry_run": False}
    (one,) = done["erased"]
    assert (one["unit"], one["sidecars"], one["packs"]) == (unit_of("s1"), ["gate-of-acme"], ["ab" * 32])
    assert desk.office.readable() == {"of another"}
    assert desk.said(*asked)[0] == 1


def test_a_subject_is_erased_with_all_that_is_its_own(desk: Desk) -> None:
    desk.office.said("more of one", "s3", user="u1")
    code, done = desk.said("erase", "--tenant", "acme", "--subject", "u1", "--reason", "ticket 18", "--by", "privacy")
    assert (code, len(done["erased"])) == (0, 2)
    assert desk.office.readable() == {"of another"}


def test_a_unit_that_others_have_text_in_is_not_erased_by_one_of_them(desk: Desk) -> None:
    desk.office.said("together", "s2", user="u1")
    asked = ("erase", "--tenant", "acme", "--subject", "u1", "--reason", "ticket 19")
    code, said = desk.problem(*asked)
    assert code == 64
    assert f"{unit_of('s2')} have text of others than u1" in said
    assert desk.office.readable() == {"of one", "of another", "together"}
    assert desk.said(*asked, "--unit", unit_of("s2"))[0] == 0
    assert desk.office.readable() == set()


def test_a_hold_is_placed_listed_and_released(desk: Desk) -> None:
    assert desk.central.command("hold", "list").stdout == "no hold is placed\n"
    code, placed = desk.said("hold", "add", "--tenant", "acme", "--session", "s1", "--reason", "case 12")
    erase = ("erase", "--tenant", "acme", "--session", "s1", "--reason", "ticket 17")
    assert code == 0
    code, done = desk.said(*erase)
    assert (code, done["erased"], done["held"][0]["holds"]) == (1, [], [placed["placed"]])
    (hold,) = desk.said("hold", "list")[1]["holds"]
    assert (hold["id"], hold["session"], hold["released_at"]) == (placed["placed"], "s1", None)
    assert desk.said("hold", "list", "--tenant", "other")[1] == {"holds": []}
    assert desk.said("hold", "release", "--id", placed["placed"], "--reason", "closed")[0] == 0
    assert desk.said(*erase)[0] == 0


def test_a_purge_goes_by_the_rules_of_the_file(desk: Desk, tmp_path: Path) -> None:
    rules = tmp_path / "central.toml"
    # What the office wrote came on a day of the past.
    rules.write_text('[[retention]]\nupstream = "mail"\ndays = 1\n[[retention]]\ndays = 36500\n')
    code, dry = desk.said("purge", "-c", str(rules), "--dry-run")
    assert (code, dry["keys"], desk.office.readable()) == (0, 1, {"of one", "of another"})
    code, done = desk.said("purge", "-c", str(rules))
    assert (code, done["units"], done["keys"]) == (0, 2, 1)
    assert desk.office.readable() == {"of another"}
    assert desk.said("purge", "-c", str(rules))[1]["keys"] == 0
    assert "no [[retention]] is configured" in desk.central.command("purge").stdout


PROBLEMS: dict[str, tuple[list[str], str]] = {
    "of-nobody": (["erase", "--session", "s1", "--reason", "r"], "--tenant"),
    "of-nothing": (["erase", "--tenant", "acme", "--reason", "r"], "--session, --subject or --unit"),
    "for-no-reason": (["erase", "--tenant", "acme", "--session", "s1"], "--reason"),
    "for-a-reason-of-two-lines": (["erase", "--tenant", "acme", "--session", "s1", "--reason", "a\nb"], "on one line"),
    "a-hold-that-is-none": (["hold", "release", "--id", "hold-9", "--reason", "r"], "hold list"),
    "a-release-of-nothing": (["hold", "release", "--reason", "r"], "--id"),
    "a-time-without-a-zone": (
        ["hold", "add", "--tenant", "acme", "--reason", "r", "--from", "2026-05-01T00:00:00"],
        "2026-05-01T00:00:00Z",
    ),
    "a-span-that-ends-before-it-begins": (
        [
            "hold",
            "add",
            "--tenant",
            "a",
            "--reason",
            "r",
            "--from",
            "2026-05-02T00:00:00Z",
            "--until",
            "2026-05-01T00:00:00Z",
        ],
        "later than",
    ),
    "a-pack-without-its-digest": (["pack", "--tenant", "acme", "--unit", "u"], "--digest"),
    "a-pack-of-nobody": (["pack", "--tenant", "acme", "--digest", "ab" * 32], "--unit"),
    "an-action-of-keys": (["hold", "rotate"], "add, list, release"),
    "a-purge-with-an-action": (["purge", "list"], "takes no `list`"),
}


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row, id=name) for name, row in PROBLEMS.items()])
def test_what_cannot_be_done_is_told(desk: Desk, arguments: list[str], said: str) -> None:
    code, text = desk.problem(*arguments)
    assert code == 64
    assert said in text
    assert desk.office.readable() == {"of one", "of another"}
