"""What templates say with the settings of their own examples: a table of calls for each, by its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import structs

from evidence.clock import Instant
from policy.decision import input_text, input_values
from policy.exceptions import Exempt
from policy.grants import Grant
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
    """Calls of one agent at one upstream, by what is special about them; `more` are settings beside the example's.

    `exceptions` are in force meanwhile; `lifted` names the rows of which one for everything would make an allowance.
    """

    agent: str
    upstream: str
    rows: Mapping[str, Asked]
    more: Mapping[str, Any] = field(default_factory=dict)
    exceptions: tuple[Exempt, ...] = ()
    lifted: frozenset[str] = frozenset()


def exempt(
    id: str, name: str, *, agent: str = "*", method: str = "tools/call", seconds: int = 7200, **rules: Any
) -> Exempt:
    """An exception about a name at any upstream, from the usual time of tests on."""
    begins = NOW.unix_ns // SECOND
    scope = Grant("*", method, name, tenant="default", agent=agent, **rules)
    return Exempt(id, scope, begins, begins + seconds, "a reason", "an operator")


def _found(*codes: str) -> Definition:
    return Definition("d", {}, findings=codes)


def reading(pinned: Any = "unpinned", **more: bool) -> Definition:
    """The definition of a tool that says that it only reads."""
    return Definition("sha256:" + "0" * 64, {"readOnlyHint": True, **more}, pinned)


KNOWN: Final = Definition("sha256:" + "1" * 64, {})
"""Of a tool that its server lists, which says nothing of itself."""


def _query(statement: Any, **more: Any) -> dict[str, Any]:
    return {"sql": statement, **more}


def _site(**more: Any) -> dict[str, Any]:
    return {"owner": "acme", "repo": "site", **more}


def _push(branch: str, *paths: str) -> dict[str, Any]:
    return _site(branch=branch, files=[{"path": path, "content": "x"} for path in paths], message="m")


_NO: Final = "deny:no_template"
_GLASS: Final = {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]}
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
            "a statement that changes rows": Asked("deny:sql_refused", "query", _query("update t set a = 1")),
            "one that changes more than rows": Asked("deny:sql_refused", "query", _query("drop table t")),
            "its task": Asked("allow:follows_call", "t1", method="tasks/get"),
        },
        lifted=frozenset({"a statement that changes rows"}),
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
            "a file": Asked("allow:in_jail", "read_text_file", {"path": "/srv/share/a"}),
            "the root": Asked("allow:in_jail", "list_directory", {"path": "/srv/share"}),
            "beside it": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/shared"}),
            "upwards": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/share/../etc"}),
            "upwards, encoded": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/share/%2e%2e/etc"}),
            "a backslash": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/share/..\\x"}),
            "a nul": Asked("deny:outside_jail", "read_text_file", {"path": "/srv/share/a\x00"}),
            "relative": Asked("deny:outside_jail", "read_text_file", {"path": "a"}),
            "no text": Asked("deny:outside_jail", "read_text_file", {"path": ["/srv/share/a"]}),
            "no path": Asked("deny:outside_jail", "read_text_file", {}),
            "no arguments": Asked("deny:outside_jail", "read_text_file"),
            "a move": Asked("allow:in_jail", "move_file", {"source": "/srv/share/a", "destination": "/srv/share/b"}),
            "a move out": Asked("deny:outside_jail", "move_file", {"source": "/srv/share/a", "destination": "/tmp/b"}),
            "several": Asked("allow:in_jail", "read_multiple_files", {"paths": ["/srv/share/a", "/srv/share/b"]}),
            "several and one outside": Asked(
                "deny:outside_jail", "read_multiple_files", {"paths": ["/srv/share/a", "/etc/passwd"]}
            ),
            "several, not in a list": Asked("deny:outside_jail", "read_multiple_files", {"paths": "/srv/share/a"}),
            "none": Asked("deny:outside_jail", "read_multiple_files", {"paths": []}),
            "a name beyond ASCII": Asked("allow:in_jail", "read_text_file", {"path": "/srv/share/é"}),
            "a secret": Asked("deny:secret_path", "read_text_file", {"path": "/srv/share/.env"}),
            "a key among several": Asked(
                "deny:secret_path", "read_multiple_files", {"paths": ["/srv/share/a", "/srv/share/b.pem"]}
            ),
            "another tool": Asked(_NO, "delete_file", {"path": "/srv/share/a"}),
        },
        lifted=frozenset(
            {
                "beside it",
                "a move out",
                "several and one outside",
            }
        ),
    ),
    "definition-findings": Table(
        "anybody",
        "tools",
        {
            "text that is hidden": Asked(
                "deny:definition_odd", "x", definition=_found("hidden_text", "instructs_model")
            ),
            "orders to the model": Asked(
                "require_approval:definition_needs_approval",
                "x",
                definition=_found("instructs_model"),
                obligations={"approval": {"expires": 3600}},
            ),
            "a code that is not named": Asked(_NO, "x", definition=_found("long_text")),
            "a code that there is not": Asked(_NO, "x", definition=_found("unheard_of")),
            "nothing odd": Asked(_NO, "x", definition=reading()),
            "no definition": Asked("deny:definition_unseen", "x"),
            "what is no tool": Asked(_NO, "x", method="prompts/get"),
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
    "egress": Table(
        "assistant",
        "mail",
        {
            "a known domain": Asked(
                "allow:destination_known",
                "send_mail",
                {"to": "bob@Example.com", "subject": "x"},
                obligations={"durability": ["host"]},
            ),
            "known places together": Asked(
                "allow:destination_known",
                "send_mail",
                {"to": ["bob@example.com", "auditor@example.org"], "cc": "eve@example.com"},
                obligations={"durability": ["host"]},
            ),
            "an unknown address": Asked("deny:destination_refused", "send_mail", {"to": "eve@evil.example"}),
            "one unknown address": Asked(
                "deny:destination_refused", "send_mail", {"to": ["bob@example.com", "eve@evil.example"]}
            ),
            "a list within the list": Asked("deny:destination_refused", "send_mail", {"to": [[]]}),
            "a hidden copy": Asked(
                "deny:destination_refused", "send_mail", {"to": "bob@example.com", "bcc": "eve@evil.example"}
            ),
            "nobody": Asked("deny:destination_refused", "send_mail", {"subject": "x"}),
            "no arguments": Asked("deny:destination_refused", "send_mail"),
            "a display name": Asked("deny:destination_refused", "send_mail", {"to": "Bob <bob@example.com>"}),
            "an address beyond ASCII": Asked("deny:destination_refused", "send_mail", {"to": "böb@example.com"}),
            "a known host": Asked(
                "allow:destination_known",
                "fetch",
                {"url": "https://API.example.com/v1?q=1"},
                upstream="web",
                obligations={"durability": ["host"]},
            ),
            "below a known domain": Asked(
                "allow:destination_known",
                "fetch",
                {"url": "https://a.example.org"},
                upstream="web",
                obligations={"durability": ["host"]},
            ),
            "a host that begins like a known one": Asked(
                "deny:destination_refused", "fetch", {"url": "https://api.example.com.evil.example"}, upstream="web"
            ),
            "a user that looks like a host": Asked(
                "deny:destination_refused", "fetch", {"url": "https://api.example.com@evil.example"}, upstream="web"
            ),
            "without encryption": Asked(
                "deny:destination_refused", "fetch", {"url": "http://api.example.com/"}, upstream="web"
            ),
            "characters beyond ASCII": Asked(
                "deny:destination_refused", "fetch", {"url": "https://api.example.com/é"}, upstream="web"
            ),
            "a secret": Asked(
                "allow:secret_read",
                "read_secret",
                {"name": "x"},
                upstream="vault",
                obligations={"label": ["saw_secret"]},
            ),
            "mail after it": Asked("deny:after_secret", "send_mail", {"to": "bob@example.com"}, labels=("saw_secret",)),
            "a request after it": Asked(
                "deny:after_secret",
                "fetch",
                {"url": "https://api.example.com"},
                upstream="web",
                labels=("saw_secret", "other"),
            ),
            "another secret after it": Asked(
                "allow:secret_read",
                "read_secret",
                upstream="vault",
                labels=("saw_secret",),
                obligations={"label": ["saw_secret"]},
            ),
            "another label": Asked(
                "allow:destination_known",
                "send_mail",
                {"to": "bob@example.com"},
                labels=("saw_page",),
                obligations={"durability": ["host"]},
            ),
            "another tool": Asked(_NO, "delete_mail"),
        },
        lifted=frozenset(
            {
                "an unknown address",
                "one unknown address",
                "a host that begins like a known one",
            }
        ),
    ),
    "code-hosts": Table(
        "coder",
        "github",
        {
            "a file": Asked("allow:repository_open", "get_file_contents", _site(path="src/é.py")),
            "a branch": Asked("allow:repository_open", "create_branch", _site(branch="agents/a", from_branch="main")),
            "files": Asked("allow:repository_open", "push_files", _push("agents/a", "src/a.py", "README.md")),
            "a branch that is not open": Asked("deny:repository_closed", "push_files", _push("main", "a")),
            "one that looks like an open one": Asked(
                "deny:repository_closed", "push_files", _push("agents/../main", "a")
            ),
            "a refspec": Asked("deny:repository_closed", "push_files", _push("agents/a:main", "a")),
            "no branch": Asked("deny:repository_closed", "push_files", _site(files=[{"path": "a"}])),
            "another repository": Asked(
                "deny:repository_closed", "get_file_contents", {"owner": "acme", "repo": "pay", "path": "a"}
            ),
            "an owner with a name in it": Asked(
                "deny:repository_closed", "get_file_contents", {"owner": "acme/site", "repo": "", "path": "a"}
            ),
            "an argument that is not named": Asked(
                "deny:repository_closed", "get_file_contents", _site(path="a", ref="x")
            ),
            "with force": Asked("deny:history_rewritten", "push_files", {**_push("agents/a", "a"), "force": True}),
            "with force as a text": Asked(
                "deny:history_rewritten", "push_files", {**_push("agents/a", "a"), "force": "no"}
            ),
            "without force": Asked("allow:repository_open", "push_files", {**_push("agents/a", "a"), "force": False}),
            "force in a refspec": Asked("deny:history_rewritten", "push_files", _push("+agents/a", "a")),
            "a flag of git": Asked("deny:history_rewritten", "push_files", _push("--force-with-lease", "a")),
            "a workflow": Asked("deny:guarded_path", "push_files", _push("agents/a", "a", ".github/workflows/x.yml")),
            "a secret": Asked("deny:guarded_path", "get_file_contents", _site(path="deploy/.env")),
            "upwards": Asked("deny:guarded_path", "get_file_contents", _site(path="a/../.env")),
            "no path": Asked("deny:guarded_path", "get_file_contents", _site()),
            "files by their paths alone": Asked(
                "allow:repository_open", "push_files", _site(branch="agents/a", files=["a", "src/b"])
            ),
            "a folder of workflows": Asked(
                "deny:guarded_path", "push_files", _site(branch="agents/a", files=[".github"])
            ),
            "all files": Asked("deny:guarded_path", "push_files", _site(branch="agents/a", files=["."])),
            "a pattern of git": Asked("deny:guarded_path", "push_files", _site(branch="agents/a", files=[":(top)a"])),
            "files without paths": Asked("deny:guarded_path", "push_files", _site(branch="agents/a", files=[{"a": 1}])),
            "no arguments": Asked("deny:repository_closed", "create_branch"),
            "another tool": Asked(_NO, "delete_repository", _site()),
        },
        lifted=frozenset(
            {
                "a branch that is not open",
                "another repository",
                "with force",
                "with force as a text",
            }
        ),
    ),
    "cloud-limit": Table(
        "operator",
        "cloud",
        {
            "a change": Asked(
                "allow:within_limits",
                "scale",
                {"instances": 3, "region": "eu-west-1", "group": "web"},
                obligations={
                    "limit": [
                        {"key": "cloud-limit/operator/cloud/scale", "count": 5, "window": 3600},
                        {"key": "cloud-limit/operator/cloud", "count": 20, "window": 86400},
                    ],
                    "durability": ["host"],
                },
            ),
            "one without a limit of its own": Asked(
                "allow:within_limits",
                "restart",
                {"group": "web"},
                obligations={
                    "limit": [{"key": "cloud-limit/operator/cloud", "count": 20, "window": 86400}],
                    "durability": ["host"],
                },
            ),
            "too many": Asked("deny:change_too_large", "scale", {"instances": 4, "region": "eu-west-1"}),
            "fewer than none": Asked("deny:change_too_large", "scale", {"instances": -1, "region": "eu-west-1"}),
            "as a text": Asked("deny:change_too_large", "scale", {"instances": "3", "region": "eu-west-1"}),
            "another region": Asked("deny:change_too_large", "scale", {"instances": 1, "region": "us-east-1"}),
            "no region": Asked("deny:change_too_large", "scale", {"instances": 1}),
            "no number": Asked("deny:change_too_large", "scale", {"region": "eu-west-1"}),
            "an argument that is not named": Asked(
                "deny:change_too_large", "scale", {"instances": 1, "region": "eu-west-1", "type": "x"}
            ),
            "no arguments": Asked("deny:change_too_large", "scale"),
            "another tool": Asked(_NO, "destroy"),
        },
        lifted=frozenset(
            {
                "too many",
                "another region",
            }
        ),
    ),
    "browser": Table(
        "researcher",
        "browser",
        {
            "a page": Asked(
                "allow:page_open",
                "browser_navigate",
                {"url": "https://docs.example.com/a"},
                obligations={"label": ["saw_page"]},
            ),
            "a step on it": Asked(
                "allow:page_open", "browser_click", {"ref": "e1"}, obligations={"label": ["saw_page"]}
            ),
            "another host": Asked("deny:page_closed", "browser_navigate", {"url": "https://evil.example/"}),
            "a file": Asked("deny:page_closed", "browser_navigate", {"url": "file:///etc/passwd"}),
            "a script": Asked("deny:page_closed", "browser_navigate", {"url": "javascript:alert(1)"}),
            "without encryption": Asked("deny:page_closed", "browser_navigate", {"url": "http://docs.example.com/"}),
            "no page": Asked("deny:page_closed", "browser_navigate", {}),
            "no arguments": Asked("deny:page_closed", "browser_navigate"),
            "typing": Asked("allow:page_open", "browser_type", {"text": "x"}, obligations={"label": ["saw_page"]}),
            "typing after a secret": Asked(
                "deny:typing_after_secret", "browser_type", {"text": "x"}, labels=("saw_secret",)
            ),
            "a page after a secret": Asked(
                "allow:page_open",
                "browser_navigate",
                {"url": "https://a.example.org/"},
                labels=("saw_secret",),
                obligations={"label": ["saw_page"]},
            ),
            "code": Asked(_NO, "browser_evaluate", {"function": "x"}),
        },
        lifted=frozenset(
            {
                "another host",
            }
        ),
    ),
    "payments-four-eyes": Table(
        "billing",
        "pay",
        {
            "a payment": Asked(
                "require_approval:payment_needs_approval",
                "refund",
                {"amount": 1000, "currency": "EUR", "order": "o"},
                obligations={"approval": {"approvers": ["treasurer", "auditor"], "expires": 86400}},
            ),
            "an amount with a point": Asked(
                "require_approval:payment_needs_approval",
                "refund",
                {"amount": 10.5, "currency": "CHF"},
                obligations={"approval": {"approvers": ["treasurer", "auditor"], "expires": 86400}},
            ),
            "too much": Asked("deny:payment_refused", "refund", {"amount": 1001, "currency": "EUR"}),
            "a little too much": Asked("deny:payment_refused", "refund", {"amount": 1000.01, "currency": "EUR"}),
            "nothing": Asked("deny:payment_refused", "refund", {"amount": 0, "currency": "EUR"}),
            "less": Asked("deny:payment_refused", "refund", {"amount": -5, "currency": "EUR"}),
            "as a text": Asked("deny:payment_refused", "refund", {"amount": "5", "currency": "EUR"}),
            "another currency": Asked("deny:payment_refused", "refund", {"amount": 5, "currency": "USD"}),
            "no currency": Asked("deny:payment_refused", "refund", {"amount": 5}),
            "to another account": Asked(
                "deny:payment_refused", "refund", {"amount": 5, "currency": "EUR", "account": "x"}
            ),
            "no arguments": Asked("deny:payment_refused", "refund"),
            "another tool": Asked(_NO, "payout", {"amount": 5, "currency": "EUR"}),
        },
    ),
    "sampling-off": Table(
        "anybody",
        "anywhere",
        {
            "sampling": Asked("deny:sampling_off", None, method="sampling/createMessage"),
            "a form": Asked("deny:question_off", None, method="elicitation/create"),
            "roots": Asked("deny:question_off", None, method="roots/list"),
            "a form where it may": Asked("allow:question_allowed", None, method="elicitation/create", upstream="forms"),
            "sampling there": Asked("deny:sampling_off", None, method="sampling/createMessage", upstream="forms"),
            "a tool": Asked(_NO, "echo"),
        },
    ),
    "break-glass": Table(
        "oncall",
        "cluster",
        {
            "from the first second on": Asked("allow:glass_broken", "restart", definition=KNOWN, obligations=_GLASS),
            "up to the last one": Asked(
                "allow:glass_broken", "rollback", later=7199, definition=KNOWN, obligations=_GLASS
            ),
            "before": Asked(_NO, "restart", later=-1, definition=KNOWN),
            "after": Asked(_NO, "restart", later=7200, definition=KNOWN),
            "another tool": Asked(_NO, "destroy", definition=KNOWN),
            "another agent": Asked(_NO, "restart", agent="stranger", definition=KNOWN),
            "for longer than a day": Asked(_NO, "drain", upstream="wide", definition=KNOWN),
            "any tool that an exception is about": Asked(
                "allow:glass_broken", "restart", upstream="wide", definition=KNOWN, obligations=_GLASS
            ),
            "a tool that no exception is about": Asked(_NO, "destroy", upstream="wide", definition=KNOWN),
            "with the moments in its settings": Asked(_NO, "destroy", upstream="old", definition=KNOWN),
            "a tool that nobody lists": Asked(_NO, "restart"),
            "a changed one": Asked("deny:definition_changed", "restart", definition=reading("changed")),
            "what is no tool": Asked(_NO, "restart", method="prompts/get"),
        },
        {
            "default": {
                "oncall": {
                    "wide": {"break-glass": {"tools": "all"}},
                    "old": {"break-glass": {"from": 1767225600, "until": 1767232800, "tools": {"drain": {}}}},
                }
            }
        },
        exceptions=(
            exempt("restart", "restart", agent="oncall"),
            exempt("rollback", "ro*", agent="oncall"),
            exempt("long", "drain", agent="oncall", seconds=86401),
        ),
        lifted=frozenset(
            {
                "from the first second on",
                "up to the last one",
                "for longer than a day",
                "any tool that an exception is about",
                "a tool that no exception is about",
                "a tool that nobody lists",
            }
        ),
    ),
}
