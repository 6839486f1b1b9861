"""The one reader: what file, flags and environment come to, and everything that is wrong with them at once."""

from pathlib import Path
from typing import Any

import pytest

from proxy.config import Config, read_config, read_places, read_wrap_config
from proxy.settings.addresses import TcpAddress, UnixAddress
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems
from proxy.settings.reading import parse_file
from tests.vectors.config.generate import main as check_vectors

HOME = {"HOME": "/home/me"}
FILES = Flags(upstreams=("files=https://tools.example/mcp",))


def _read(tmp_path: Path, text: str, flags: Flags = FILES, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "agentgate.toml"
    file.write_text(text)
    given = {name: getattr(flags, name) for name in Flags.__dataclass_fields__} | {"config": str(file)}
    return read_config(Flags(**given), {**HOME, **(environ or {})})


def test_all_problems_at_once_and_the_reference_are_as_committed() -> None:
    assert check_vectors(["--check"]) == 0


def test_one_upstream_is_enough() -> None:
    config = read_config(FILES, HOME)
    state = Path("/home/me/.local/state/agentgate")
    assert (config.listen, config.admin) == (TcpAddress("127.0.0.1", 8900), UnixAddress(state / "admin.sock"))
    assert (config.state, config.evidence.folder) == (state, state / "evidence")
    assert (config.policy.spec, config.policy.engine) == ("starter", "embedded")
    assert config.identity.tenants == {"default"}
    assert [(each.name, each.url) for each in config.upstreams] == [("files", "https://tools.example/mcp")]


PLACES = [
    pytest.param("", Flags(), {"XDG_STATE_HOME": "/var/x"}, "/var/x/agentgate", id="xdg"),
    pytest.param("", Flags(), {"XDG_STATE_HOME": "x"}, "/home/me/.local/state/agentgate", id="relative-xdg-is-ignored"),
    pytest.param("", Flags(), {"AGENTGATE_STATE": "/var/y"}, "/var/y", id="own-variable"),
    pytest.param('state = "/var/f"', Flags(), {"AGENTGATE_STATE": "/var/y"}, "/var/f", id="file-before-variable"),
    pytest.param('state = "/var/f"', Flags(state="/var/g"), {}, "/var/g", id="flag-before-file"),
    pytest.param('state = "s"', Flags(), {}, "FOLDER/s", id="relative-to-the-file"),
    pytest.param('state = "s/../t"', Flags(), {}, "FOLDER/t", id="normal-form"),
    pytest.param(
        'state = "/var/f"\n[limits]\ndepth = "x"', Flags(), {}, "/var/f", id="problems-elsewhere-do-not-count"
    ),
]


@pytest.mark.parametrize(("text", "flags", "environ", "state"), PLACES)
def test_the_state_folder(tmp_path: Path, text: str, flags: Flags, environ: dict[str, str], state: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    places = read_places(Flags(config=str(tmp_path / "a.toml"), state=flags.state), {**HOME, **environ})
    assert str(places.state) == state.replace("FOLDER", str(tmp_path))
    assert places.evidence == places.state / "evidence"


LISTEN = [
    pytest.param("127.0.0.1:0", TcpAddress("127.0.0.1", 0), id="any-port"),
    pytest.param("127.8.8.8:80", TcpAddress("127.8.8.8", 80), id="loopback-net"),
    pytest.param("localhost:8900", TcpAddress("localhost", 8900), id="localhost"),
    pytest.param("[::1]:8900", TcpAddress("::1", 8900), id="ipv6"),
    pytest.param("unix:/run/a.sock", UnixAddress(Path("/run/a.sock")), id="unix"),
]


@pytest.mark.parametrize(("text", "address"), LISTEN)
def test_listening(text: str, address: object) -> None:
    assert read_config(Flags(listen=text, upstreams=FILES.upstreams), HOME).listen == address


REFUSED_FLAGS = [
    pytest.param({"listen": "0.0.0.0:8900"}, "--listen: 0.0.0.0:8900 can be reached from elsewhere", id="open-to-all"),
    pytest.param({"listen": "[::]:8900"}, "--listen: [::]:8900 can be reached from elsewhere", id="open-to-all-v6"),
    pytest.param({"listen": "box:8900"}, "--listen: box:8900 can be reached from elsewhere", id="a-name"),
    pytest.param({"listen": "127.0.0.1.evil.example:1"}, "can be reached from elsewhere", id="looks-like-loopback"),
    pytest.param({"listen": ":8900"}, "--listen: ':8900' is no address", id="no-host"),
    pytest.param({"listen": "::1:8900"}, "stands in brackets", id="ipv6-without-brackets"),
    pytest.param({"listen": "127.0.0.1:65536"}, "'65536' is no port", id="port-too-large"),
    pytest.param({"listen": "127.0.0.1:٨٩"}, "is no port", id="digits-of-elsewhere"),
    pytest.param({"listen": "unix:"}, "unix: names no path", id="no-path"),
    pytest.param({"listen": "unix:/" + "x" * 108}, "longer than the 107 bytes", id="long-path"),
    pytest.param(
        {"opa": "http://opa.example:8181"},
        "--opa: 'http://opa.example:8181' is no address of a local OPA",
        id="far-opa",
    ),
    pytest.param({"policy": "/no/such"}, "--policy: there is no /no/such", id="no-policy"),
    pytest.param(
        {"durability": "acknowledged"}, "--durability: nobody can acknowledge", id="durability-without-a-central"
    ),
    pytest.param({"evidence": "/home/me"}, "--evidence: /home/me holds the state folder", id="evidence-around-state"),
    pytest.param({"agent": "a b"}, "--agent: Expected `str` matching", id="agent-with-a-blank"),
    pytest.param({"tenant": "\x1b[2J"}, "--tenant: Expected `str` matching", id="tenant-that-moves-the-cursor"),
    pytest.param({"config": "/no/such.toml"}, "/no/such.toml: cannot be read", id="no-file"),
    pytest.param({"upstreams": ()}, "upstreams: there is none", id="no-upstream"),
]


@pytest.mark.parametrize(("flags", "text"), REFUSED_FLAGS)
def test_a_refused_flag_is_named(flags: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigProblems) as found:
        read_config(Flags(**{"upstreams": FILES.upstreams, **flags}), HOME)
    assert text in str(found.value)
    assert len(found.value.problems) == 1


URLS = [
    pytest.param("https://tools.example/mcp?key=1", None, id="query"),
    pytest.param("http://127.0.0.1:1/mcp", None, id="loopback"),
    pytest.param("http://[::1]:1/mcp", None, id="loopback-v6"),
    pytest.param("http://localhost/mcp", None, id="localhost"),
    pytest.param("http://[::ffff:8.8.8.8]/mcp", "is not this machine", id="mapped"),
    pytest.param("http://2130706433/mcp", "is not this machine", id="decimal-ip-is-a-name"),
    pytest.param("http://localhost.evil.example/", "is not this machine", id="localhost-prefix"),
    pytest.param("https://user@h/", "user name or password", id="user"),
    pytest.param("https://h:99999/", "is no URL", id="port"),
    pytest.param("https://[::1/", "is no URL", id="open-bracket"),
    pytest.param("https://h/\tx", "blanks", id="tab"),
    pytest.param("https://h\u0131/", "outside ASCII", id="unicode-host"),
    pytest.param("https:///mcp", "no http or https URL", id="no-host"),
    pytest.param("file:///etc/passwd", "no http or https URL", id="file"),
    pytest.param("https://h/#", "fragment", id="empty-fragment"),
]


@pytest.mark.parametrize(("url", "problem"), URLS)
def test_an_upstream_url(url: str, problem: str | None) -> None:
    flags = Flags(upstreams=(f"a={url}",))
    if problem is None:
        assert read_config(flags, HOME).upstreams[0].url == url
        return
    with pytest.raises(ConfigProblems, match=problem):
        read_config(flags, HOME)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ConfigProblems) as found:
        read_config(Flags(upstreams=("a=https://u:canary@h:99999/",)), HOME)
    assert "canary" not in str(found.value)


def test_further_hosts(tmp_path: Path) -> None:
    names, origins = ("box", "box.example:8900", "box:*", "[::1]:1"), ("https://app.example", "http://box:3000")
    hosts = _read(tmp_path, f"[hosts]\nnames = {list(names)}\norigins = {list(origins)}").hosts
    assert (hosts.names, hosts.origins) == (names, origins)


OPAS = [
    pytest.param("opa_uid = 1001", "unix:/run/opa.sock", None, id="on-a-unix-socket"),
    pytest.param("opa_uid = 1001", "http://127.0.0.1:8181", "policy.opa_uid: is given", id="over-tcp"),
    pytest.param("opa_uid = 1001", None, "policy.opa_uid: is given", id="no-opa"),
    pytest.param("opa_uid = -1", "unix:/run/opa.sock", "policy.opa_uid: Expected `int` >= 0", id="no-user-id"),
]


@pytest.mark.parametrize(("text", "opa", "problem"), OPAS)
def test_whom_opa_runs_as(tmp_path: Path, text: str, opa: str | None, problem: str | None) -> None:
    flags = Flags(upstreams=FILES.upstreams, opa=opa)
    if problem is None:
        assert _read(tmp_path, f"[policy]\n{text}", flags).policy.opa_uid == 1001
    else:
        with pytest.raises(ConfigProblems, match=problem) as found:
            _read(tmp_path, f"[policy]\n{text}", flags)
        assert len(found.value.problems) == 1


BAD_HOSTS = [
    pytest.param('names = ["https://box"]', id="name-is-a-url"),
    pytest.param('names = ["*"]', id="any-name"),
    pytest.param('origins = ["https://app.example/"]', id="origin-with-a-path"),
    pytest.param('origins = ["null"]', id="null-origin"),
]


@pytest.mark.parametrize("text", BAD_HOSTS)
def test_hosts_that_could_never_match(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigProblems, match=r"hosts\.(names|origins): Expected `str` matching"):
        _read(tmp_path, f"[hosts]\n{text}")


SECRETS = [
    pytest.param("$KEY", "Bearer v", id="variable"),
    pytest.param("${KEY}", "Bearer v", id="variable-in-braces"),
    pytest.param("@secret", "Bearer f", id="file-without-its-line-end"),
]


@pytest.mark.parametrize(("source", "value"), SECRETS)
def test_a_secret_header(tmp_path: Path, source: str, value: str) -> None:
    (tmp_path / "secret").write_text("Bearer f\n")
    text = f'[upstreams.files.headers.set]\nAuthorization = "{source}"'
    config = _read(tmp_path, text, environ={"KEY": "Bearer v"})
    assert config.upstreams[0].added_headers == (("Authorization", value),)
    assert value not in repr(config)


def test_everything_of_an_upstream(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-")
    print_ = ":".join(["AB"] * 32)
    config = _read(
        tmp_path,
        f"""
        [upstreams.files]
        trusted = true
        ca_file = "ca.pem"
        fingerprint = "{print_}"
        headers.forward = ["X-Trace"]
        headers.return = ["X-Limit"]
        """,
    )
    upstream = config.upstreams[0]
    assert (upstream.ca_file, upstream.fingerprint) == (tmp_path / "ca.pem", b"\xab" * 32)
    assert upstream.forward_headers == {"x-trace"}
    assert upstream.return_headers == {"x-limit"}
    assert config.policy.trusted_upstreams == ("files",)


def test_json_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"upstreams": {"a": {"url": "https://h/"}}, "limits": {"depth": 8}}')
    assert read_config(Flags(config=str(file)), HOME).limits.depth == 8


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[upstreams.a]\nurl = "https://h/"')
    assert read_config(Flags(), {**HOME, "AGENTGATE_CONFIG": str(file)}).upstreams[0].name == "a"


BAD_FILES = [
    pytest.param("a.toml", "x = = 1", "is not TOML", id="toml"),
    pytest.param("a.toml", "x = 1\nx = 2", "is not TOML", id="toml-twice"),
    pytest.param("a.json", '{"x": 1, "x": 2}', "stands there twice", id="json-twice"),
    pytest.param("a.json", "[1]", "holds no object", id="json-list"),
    pytest.param("a.json", "[" * 100_000, "is not JSON", id="json-deep"),
    pytest.param("a.toml", b"\xff\xfe", "is not TOML", id="not-utf-8"),
]


@pytest.mark.parametrize(("name", "content", "problem"), BAD_FILES)
def test_a_file_that_cannot_be_parsed(tmp_path: Path, name: str, content: str | bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for upstreams in (FILES.upstreams, ()):
        with pytest.raises(ConfigProblems, match=problem) as raised:
            read_config(Flags(config=str(tmp_path / name), upstreams=upstreams), HOME)
        assert len(raised.value.problems) == 1


def test_wrap_has_one_upstream_and_takes_its_trust_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[upstreams.fs]\ntrusted = true\n[upstreams.other]\n")
    config = read_wrap_config(Flags(config=str(file)), HOME, "fs", ("npx", "x"))
    assert [(each.name, each.url, each.command, each.trusted) for each in config.upstreams] == [
        ("fs", "", ("npx", "x"), True)
    ]


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    assert parse_file(tmp_path / "a.toml") == {}
