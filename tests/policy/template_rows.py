"""What templates say with the settings of their own examples: a table of calls for each, by its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import structs

from evidence.clock import Instant
from policy.decision import input_text, input_values
from policy.vocabulary import Definition, SessionView
from tests.policy.asking import CALLER, NOW, SIDECAR, call

SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, and what is said about it: `effect:reason`. `later` is seconds after the usual time of tests."""

    says: str
    name: str | None
    arguments: Any = None
    upstream: str | None = None
    method: str = "tools/call"
    agent: str | None = None
    labels: tuple[str, ...] = ()
    definition: Definition | None = None
    later: int = 0
    obligations: Mapping[str, Any] = field(default_factory=dict)

    def document(self, agent: str, upstream: str) -> bytes:
        """The input of it, by an agent and at an upstream where it does not name others."""
        asked = call(
            self.method,
            {"name": self.name, "arguments": self.arguments},
            caller=structs.replace(CALLER, agent=self.agent or agent),
            upstream=self.upstream or upstream,
            definition=self.definition,
            name=self.name,
        )
        now = Instant(NOW.unix_ns + self.later * SECOND, 5)
        session = SessionView(None, labels=self.labels)
        return input_text(input_values(asked, session=session, sidecar=SIDECAR, now=now))


@dataclass(frozen=True, slots=True)
class Table:
    """Calls of one agent at one upstream, by what is special about them; `more` are settings beside the example's."""

    agent: str
    upstream: str
    rows: Mapping[str, Asked]
    more: Mapping[str, Any] = field(default_factory=dict)


def reading(pinned: Any = "unpinned", **more: bool) -> Definition:
    """The definition of a tool that says that it only reads."""
    return Definition("sha256:" + "0" * 64, {"readOnlyHint": True, **more}, pinned)


def _query(statement: Any, **more: Any) -> dict[str, Any]:
    return {"sql": statement, **more}


_NO: Final = "deny:no_template"
_PERSON: Final = {
    "redact": [
        {
            "params": ["/arguments/ssn"],
            "result": ["/structuredContent/ssn", "/structuredContent/birthday", "/content/0/text"],
        }
    ],
    "record": ["digest"],
    "label": ["saw_personal_data"],
}

TABLES: Final[Mapping[str, Table]] = {
    "sql-read-only": Table(
        "reporting",
        "warehouse",
        {
            "a query": Asked("allow:sql_reads", "query", _query("select 1")),
            "in capitals, with text beyond ASCII": Asked("allow:sql_reads", "query", _query("SELECT 'Ä' ;\n")),
            "a common table": Asked("allow:sql_reads", "query", _query("with x as (select 1) select * from x")),
            "a named further argument": Asked("allow:sql_reads", "query", _query("select 1", limit=3)),
            "another argument": Asked("deny:sql_refused", "query", _query("select 1", database="x")),
            "two statements": Asked("deny:sql_refused", "query", _query("select 1; drop table x")),
            "a write in a common table": Asked(
                "deny:sql_refused", "query", _query("with x as (delete from t returning 1) select * from x")
            ),
            "a comment": Asked("deny:sql_refused", "query", _query("select 1 /* x */")),
            "into": Asked("deny:sql_refused", "query", _query("select * INTO t FROM u")),
            "a lock": Asked("deny:sql_refused", "query", _query("select 1 from t for no key update")),
            "a file": Asked("deny:sql_refused", "query", _query("select pg_read_file('/etc/passwd')")),
            "an escape": Asked("deny:sql_refused", "query", _query('select U&"\\0070"')),
            "a number": Asked("deny:sql_refused", "query", _query(1)),
            "no statement": Asked("deny:sql_refused", "query", {}),
            "no arguments": Asked("deny:sql_refused", "query"),
            "another tool": Asked(_NO, "execute", _query("select 1")),
            "another agent": Asked(_NO, "query", _query("select 1"), agent="stranger"),
            "another upstream": Asked(_NO, "query", _query("select 1"), upstream="elsewhere"),
            "another method": Asked(_NO, "query", _query("select 1"), method="prompts/get"),
            "a changed definition": Asked(
                "deny:definition_changed", "query", _query("select 1"), definition=reading("changed")
            ),
            "its task": Asked("allow:follows_call", "t1", method="tasks/get"),
        },
    ),
    "pii-strict": Table(
        "support",
        "crm",
        {
            "a person": Asked("allow:redacted", "get_customer", {"id": 1}, obligations=_PERSON),
            "another tool": Asked(_NO, "export", {}),
            "another agent": Asked(_NO, "get_customer", {"id": 1}, agent="stranger"),
            "a misspelt setting": Asked("deny:redaction_unclear", "misspelt", {}, upstream="old"),
            "an empty setting": Asked("deny:redaction_unclear", "empty", {}, upstream="old"),
        },
        {
            "default": {
                "support": {
                    "old": {
                        "pii-strict": {
                            "tools": {
                                "misspelt": {"result": ["/content"], "parms": ["/arguments/ssn"]},
                                "empty": {"result": []},
                            }
                        }
                    }
                }
            }
        },
    ),
    "read-only-low-risk": Table(
        "anybody",
        "wiki",
        {
            "any tool that reads": Asked("allow:reads_only", "search", definition=reading()),
            "one that says nothing": Asked(_NO, "search", definition=Definition("d", {})),
            "one without a definition": Asked(_NO, "search"),
            "one that says more than true": Asked(_NO, "search", definition=Definition("d", {"readOnlyHint": 1})),
            "one that destroys": Asked(_NO, "search", definition=reading(destructiveHint=True)),
            "one that reaches out": Asked(_NO, "search", definition=reading(openWorldHint=True)),
            "a changed one": Asked("deny:definition_changed", "search", definition=reading("changed")),
            "a doubled one": Asked("deny:definition_changed", "search", definition=reading("duplicate")),
            "a resource": Asked("allow:reads_only", "wiki:a", method="resources/read"),
            "a subscription": Asked(_NO, "wiki:a", method="resources/subscribe"),
            "a named one that was reviewed": Asked(
                "allow:reads_only", "search", upstream="tickets", definition=reading("same")
            ),
            "a named one that was not": Asked(_NO, "search", upstream="tickets", definition=reading()),
            "one that is not named": Asked(_NO, "look", upstream="tickets", definition=reading("same")),
            "a resource where no methods are set": Asked(_NO, "t:a", method="resources/read", upstream="tickets"),
        },
    ),
    "filesystem-jail": Table(
        "writer",
        "files",
        {
            "a file": Asked("allow:in_jail", "read_text_file", {"path": "/srv/work/a"}),
            "the root": Asked("allow:in_jail", "list_directory", {"path": "/srv/work"}),
            "beside it": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/workshop"}),
            "upwards": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/work/../etc"}),
            "upwards, encoded": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/work/%2e%2e/etc"}),
            "a backslash": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/work/..\\x"}),
            "a nul": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/work/a\x00"}),
            "relative": Asked("deny:outside_jail", "read_text_file", {"path": "a"}),
            "no text": Asked("deny:outside_jail", "read_text_file", {"path": ["/srv/work/a"]}),
            "no path": Asked("deny:outside_jail", "read_text_file", {}),
            "no arguments": Asked("deny:outside_jail", "read_text_file"),
            "a move": Asked("allow:in_jail", "move_file", {"source": "/srv/work/a", "destination": "/srv/work/b"}),
            "a move out": Asked("deny:outside_jail", "move_file", {"source": "/srv/work/a", "destination": "/tmp/b"}),
            "several": Asked("allow:in_jail", "read_multiple_files", {"paths": ["/srv/work/a", "/srv/work/b"]}),
            "several and one outside": Asked(
                "deny:outside_jail", "read_multiple_files", {"paths": ["/srv/work/a", "/etc/passwd"]}
            ),
            "several, not in a list": Asked("deny:outside_jail", "read_multiple_files", {"paths": "/srv/work/a"}),
            "none": Asked("deny:outside_jail", "read_multiple_files", {"paths": []}),
            "a name beyond ASCII": Asked("allow:in_jail", "read_text_file", {"path": "/srv/work/é"}),
            "a secret": Asked("deny:secret_path", "read_text_file", {"path": "/srv/work/.env"}),
            "a key among several": Asked(
                "deny:secret_path", "read_multiple_files", {"paths": ["/srv/work/a", "/srv/work/b.pem"]}
            ),
            "another tool": Asked(_NO, "delete_file", {"path": "/srv/work/a"}),
        },
    ),
    "write-with-approval": Table(
        "anybody",
        "files",
        {
            "a named tool": Asked(
                "require_approval:write_needs_approval", "write_file", obligations={"approval": {"expires": 3600}}
            ),
            "another tool": Asked(_NO, "read_file"),
            "a tool that does not say that it reads": Asked(
                "require_approval:write_needs_approval", "close", upstream="tickets", definition=Definition("d", {})
            ),
            "a tool without a definition": Asked("require_approval:write_needs_approval", "close", upstream="tickets"),
            "a tool that reads": Asked(_NO, "search", upstream="tickets", definition=reading()),
        },
    ),
}
