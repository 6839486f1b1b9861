"""What is erased together: each row changes one thing of a record, and says whether its unit is another one."""

from typing import cast

import pytest
from msgspec import structs

from evidence.journal import Journal
from policy.vocabulary import Caller
from proxy.path.bodies import erasure_unit

BOT = Caller(tenant="acme", agent="bot", workload=None, user="ada", authn_method="static")


class Pseudonyms:
    """Stands for the journal."""

    def pseudonym(self, kind: str, text: str) -> str:
        return f"{kind}-{text}"


ROWS: dict[str, tuple[str | None, Caller, str, bool]] = {
    "the-same": (None, BOT, "files", True),
    "another-agent": (None, structs.replace(BOT, agent="clerk"), "files", False),
    "another-user": (None, structs.replace(BOT, user="bob"), "files", False),
    "another-upstream": (None, BOT, "mail", False),
    "within-a-session": ("s1", BOT, "files", False),
}


@pytest.mark.parametrize(
    ("session", "caller", "upstream", "same"), [pytest.param(*row, id=name) for name, row in ROWS.items()]
)
def test_what_is_one_unit(session: str | None, caller: Caller, upstream: str, same: bool) -> None:  # noqa: FBT001
    journal = cast("Journal", Pseudonyms())
    assert (erasure_unit(journal, session, caller, upstream) == erasure_unit(journal, None, BOT, "files")) is same


def test_a_session_is_one_unit_whatever_is_called_in_it() -> None:
    journal = cast("Journal", Pseudonyms())
    units = {erasure_unit(journal, "s1", BOT, upstream) for upstream in ("files", "mail")}
    assert units == {"session-s1"}
