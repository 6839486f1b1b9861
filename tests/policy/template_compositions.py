"""What three templates say together, where they have opinions about the same call: by a name, and calls by another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import structs

from policy.exceptions import Exempt
from policy.vocabulary import Definition
from tests.policy.template_rows import KNOWN, Asked, exempt, reading


@dataclass(frozen=True, slots=True)
class Together:
    """Templates, settings in place of the examples, calls with the rules that win, a list and what is hidden of it.

    `exceptions` are in force meanwhile.
    """

    templates: tuple[str, ...]
    settings: Mapping[str, Any]
    rows: Mapping[str, tuple[Asked, Sequence[str]]]
    listed: Mapping[str, Definition | None] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    exceptions: tuple[Exempt, ...] = ()


def _for(**templates: Any) -> dict[str, Any]:
    """Settings of agent `a` at upstream `u`."""
    return {"default": {"a": {"u": {name.replace("_", "-"): settings for name, settings in templates.items()}}}}


def _upload(says: str, path: str, url: str, **more: Any) -> Asked:
    return Asked(says, "upload", {"path": path, "url": url}, **{"definition": KNOWN, **more})


_JAIL: Final = {
    "roots": ["/srv"],
    "tools": {"read_file": {"paths": ["path"]}, "write_file": {"paths": ["path"]}},
}
_NO: Final = "deny:no_template"
_GLASS: Final = {"durability": ["host"], "record": ["full"], "label": ["broke_glass"]}
_HIDING: Final = structs.replace(reading(), findings=("hidden_text",))
_LONG: Final = structs.replace(reading(), findings=("long_text",))

TOGETHER: Final[Mapping[str, Together]] = {
    "reading is free and writing is asked for": Together(
        ("read-only-low-risk", "write-with-approval", "sampling-off"),
        _for(read_only_low_risk={"tools": "all"}, write_with_approval={"tools": "writing"}),
        {
            "a tool that reads": (Asked("allow:reads_only", "look", definition=reading()), ["read-only-low-risk"]),
            "a tool that writes": (
                Asked("require_approval:write_needs_approval", "close", definition=Definition("d", {}), obligations={}),
                ["write-with-approval"],
            ),
            "a changed one": (Asked("deny:definition_changed", "look", definition=reading("changed")), ["pins"]),
            "a changed one that writes": (
                Asked("deny:definition_changed", "close", definition=Definition("d", {}, "changed")),
                ["pins"],
            ),
            "sampling": (Asked("deny:sampling_off", None, method="sampling/createMessage"), ["sampling-off"]),
            "a resource": (Asked(_NO, "x:a", method="resources/read"), []),
        },
        {
            "look": reading(),
            "close": Definition("d", {}),
            "altered": reading("changed"),
            "far": reading(openWorldHint=True),
        },
        ["altered", "far"],
    ),
    "odd definitions stay out of what is open": Together(
        ("read-only-low-risk", "definition-findings"),
        _for(
            read_only_low_risk={"tools": "all"},
            definition_findings={"deny": ["hidden_text"], "approve": ["long_text"], "approval": {"expires": 600}},
        ),
        {
            "nothing odd": (Asked("allow:reads_only", "look", definition=reading()), ["read-only-low-risk"]),
            "hidden text": (Asked("deny:definition_odd", "bad", definition=_HIDING), ["definition-findings"]),
            "a long text": (
                Asked(
                    "require_approval:definition_needs_approval",
                    "long",
                    definition=_LONG,
                    obligations={"approval": {"expires": 600}},
                ),
                ["definition-findings"],
            ),
            "a tool that nobody has seen": (Asked("deny:definition_unseen", "look"), ["definition-findings"]),
        },
        {"look": reading(), "bad": _HIDING, "long": _LONG},
        ["bad"],
    ),
    "a jail holds under an approval and an exception": Together(
        ("filesystem-jail", "write-with-approval", "break-glass"),
        _for(
            filesystem_jail=_JAIL,
            write_with_approval={"tools": {"write_file": {}}},
            break_glass={"tools": "all"},
        ),
        {
            "reading": (
                Asked(
                    "allow:in_jail",
                    "read_file",
                    {"path": "/srv/a"},
                    definition=KNOWN,
                    obligations=_GLASS,
                ),
                ["filesystem-jail", "break-glass"],
            ),
            "reading, later": (
                Asked("allow:in_jail", "read_file", {"path": "/srv/a"}, later=3600, definition=KNOWN),
                ["filesystem-jail"],
            ),
            "reading outside": (
                Asked("deny:outside_jail", "read_file", {"path": "/etc/a"}, definition=KNOWN),
                ["filesystem-jail"],
            ),
            "reading a secret outside": (
                Asked("deny:secret_path", "write_file", {"path": "/mnt/.ssh/id_rsa"}, definition=KNOWN),
                ["filesystem-jail"],
            ),
            "writing": (
                Asked("require_approval:write_needs_approval", "write_file", {"path": "/srv/a"}, definition=KNOWN),
                ["write-with-approval"],
            ),
            "writing outside": (
                Asked("deny:outside_jail", "write_file", {"path": "/etc/a"}, definition=KNOWN),
                ["filesystem-jail"],
            ),
            "writing where the exception is about": (
                Asked(
                    "require_approval:write_needs_approval",
                    "write_file",
                    {"path": "/mnt/a"},
                    definition=KNOWN,
                    obligations=_GLASS,
                ),
                ["write-with-approval"],
            ),
            "anything else for a while": (
                Asked(
                    "allow:glass_broken",
                    "delete_file",
                    {"path": "/etc/a"},
                    definition=KNOWN,
                    obligations=_GLASS,
                ),
                ["break-glass"],
            ),
            "and not later": (Asked(_NO, "delete_file", {"path": "/etc/a"}, later=3600, definition=KNOWN), []),
        },
        {"read_file": None, "write_file": None, "delete_file": None, "other": None},
        ["other"],
        (
            exempt("look", "read_file", agent="a", seconds=3600, arguments={"path": {"under": ["/srv"]}}),
            exempt("mount", "write_file", agent="a", seconds=3600, arguments={"path": {"under": ["/mnt"]}}),
            exempt("any", "delete_*", agent="a", seconds=3600),
        ),
    ),
    "an exception turns one template's rule and no other's": Together(
        ("filesystem-jail", "egress", "pii-strict"),
        _for(
            filesystem_jail={
                "roots": ["/srv"],
                "tools": {"upload": {"paths": ["path"], "others": ["url"]}, "export": {"paths": ["path"]}},
            },
            egress={"sending": {"upload": {"urls": ["url"], "others": ["path"]}}, "hosts": {"a.example": {}}},
            pii_strict={"tools": {"export": {}}},
        ),
        {
            "a path that is lifted": (
                _upload("allow:excepted", "/mnt/a", "https://a.example/", obligations={"durability": ["host"]}),
                ["filesystem-jail", "egress"],
            ),
            "a path and a place": (
                _upload("allow:excepted", "/mnt/a", "https://b.example/", obligations={"durability": ["host"]}),
                ["filesystem-jail", "egress"],
            ),
            "nothing to be lifted": (
                _upload("allow:in_jail", "/srv/a", "https://a.example/", obligations={"durability": ["host"]}),
                ["filesystem-jail", "egress"],
            ),
            "a place that is not clear": (
                _upload("deny:destination_refused", "/mnt/a", "http://b.example/"),
                ["egress"],
            ),
            "a secret path": (_upload("deny:secret_path", "/mnt/.env", "https://b.example/"), ["filesystem-jail"]),
            "after a secret": (
                _upload("deny:after_secret", "/mnt/a", "https://b.example/", labels=("saw_secret",)),
                ["egress"],
            ),
            "what never is lifted": (
                Asked("deny:redaction_unclear", "export", {"path": "/mnt/a"}, definition=KNOWN),
                ["pii-strict"],
            ),
            "a tool that nobody lists": (
                Asked("deny:outside_jail", "upload", {"path": "/mnt/a", "url": "https://a.example/"}),
                ["filesystem-jail"],
            ),
            "a tool that was changed": (
                _upload("deny:definition_changed", "/mnt/a", "https://a.example/", definition=reading("changed")),
                ["pins"],
            ),
            "what no template is about": (Asked(_NO, "other", {}, definition=KNOWN), []),
        },
        {"upload": None, "export": None, "other": None},
        ["export", "other"],
        (exempt("all", "*", agent="a"),),
    ),
    "obligations of all add up": Together(
        ("sql-read-only", "pii-strict", "cloud-limit"),
        _for(
            sql_read_only={"tools": {"query": {"argument": "sql"}}},
            pii_strict={"tools": {"query": {"result": ["/content/0/text"], "label": "saw_person"}}},
            cloud_limit={"total": {"count": 2, "window": 60}, "tools": {"query": {"others": ["sql"]}}},
        ),
        {
            "a query": (
                Asked(
                    "allow:sql_reads",
                    "query",
                    {"sql": "select 1"},
                    obligations={
                        "redact": [{"result": ["/content/0/text"]}],
                        "record": ["digest"],
                        "label": ["saw_person"],
                        "limit": [{"key": "cloud-limit/a/u", "count": 2, "window": 60}],
                        "durability": ["host"],
                    },
                ),
                ["sql-read-only", "pii-strict", "cloud-limit"],
            ),
            "no query": (Asked("deny:sql_refused", "query", {"sql": "drop table x"}), ["sql-read-only"]),
            "refused twice": (
                Asked("deny:sql_refused", "query", {"sql": "select 1", "x": 1}),
                ["sql-read-only", "cloud-limit"],
            ),
        },
        {"query": None, "other": None},
        ["other"],
    ),
    "a secret closes what sends": Together(
        ("egress", "pii-strict", "browser"),
        _for(
            egress={
                "sending": {"fetch": {"urls": ["url"]}},
                "hosts": {"a.example": {}},
                "secrets": {"get_person": {}},
            },
            pii_strict={"tools": {"get_person": {"result": ["/content/0/text"], "label": "saw_person"}}},
            browser={"hosts": {"a.example": {}}, "tools": {"type": {"types": True}, "fetch": {"url": "url"}}},
        ),
        {
            "a secret": (
                Asked(
                    "allow:secret_read",
                    "get_person",
                    {},
                    obligations={
                        "label": ["saw_secret", "saw_person"],
                        "redact": [{"result": ["/content/0/text"]}],
                        "record": ["digest"],
                    },
                ),
                ["egress", "pii-strict"],
            ),
            "sending before": (
                Asked(
                    "allow:destination_known",
                    "fetch",
                    {"url": "https://a.example/"},
                    obligations={"durability": ["host"], "label": ["saw_page"]},
                ),
                ["egress", "browser"],
            ),
            "sending after": (
                Asked("deny:after_secret", "fetch", {"url": "https://a.example/"}, labels=("saw_secret",)),
                ["egress"],
            ),
            "typing after": (
                Asked("deny:typing_after_secret", "type", {"text": "x"}, labels=("saw_secret",)),
                ["browser"],
            ),
        },
        {"get_person": None, "fetch": None, "type": None, "other": None},
        ["other"],
    ),
    "money, code and a shared upstream": Together(
        ("payments-four-eyes", "code-hosts", "read-only-low-risk"),
        _for(
            payments_four_eyes={
                "currencies": ["EUR"],
                "tools": {"refund": {"amount": "amount", "currency": "currency", "most": 10}},
            },
            code_hosts={
                "repositories": {"acme/site": {"branches": ["x/"]}},
                "tools": {"get": {"repository": ["slug"]}},
            },
            read_only_low_risk={"tools": "all"},
        ),
        {
            "a payment that says that it only reads": (
                Asked(
                    "require_approval:payment_needs_approval",
                    "refund",
                    {"amount": 10, "currency": "EUR"},
                    definition=reading(),
                    obligations={"approval": {}},
                ),
                ["payments-four-eyes"],
            ),
            "too large a one": (
                Asked("deny:payment_refused", "refund", {"amount": 11, "currency": "EUR"}, definition=reading()),
                ["payments-four-eyes"],
            ),
            "a closed repository that only reads": (
                Asked("deny:repository_closed", "get", {"slug": "acme/pay"}, definition=reading()),
                ["code-hosts"],
            ),
            "an open one": (
                Asked("allow:repository_open", "get", {"slug": "acme/site"}, definition=reading()),
                ["code-hosts", "read-only-low-risk"],
            ),
        },
        {"refund": None, "get": None, "look": reading(), "write": None},
        ["write"],
    ),
}
