"""Commands that are given the URL of a bundle: what each does with it, and what it says where it does nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

import agentgate
from policy.keeping import given_at
from tests.path.certificates import Authority
from tests.policy.bundle_servers import Handler, Shelf, served
from tests.policy.tampering import KEYID, files, good, key, public_pem, signed

HTTPS = 'ca_file = "servers.pem"\ncertificate_file = "operator.pem"\nkey_file = "operator.key"\n'


@dataclass(frozen=True, slots=True)
class Asked:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Desk:
    """Where an operator types commands: a folder with a key, a token and a configuration."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        monkeypatch.delenv("AGENTGATE_CONFIG", raising=False)
        (folder / "release.pem").write_bytes(public_pem(key()))
        (folder / "bundles.token").write_text("s3cret-token\n")

    def type(self, *words: str) -> Asked:
        """Run `agentgate` with these words."""
        try:
            code = agentgate.main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        assert "s3cret" not in said.out + said.err
        return Asked(code, said.out, said.err)

    def configured(self, lines: str) -> str:
        """The path of a configuration with these lines of policy.server."""
        path = self.folder / "agentgate.toml"
        path.write_text(f"[policy.server]\n{lines}")
        return str(path)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """An operator's folder."""
    return Desk(tmp_path, monkeypatch, capsys)


VERIFY = ("policy", "verify")
INSPECT = ("policy", "inspect")
KEY = ("--key", f"{KEYID}=release.pem")
TOKEN = ("--policy-token", "@bundles.token")
CHECK = ("policy", "check", "--policy-key", f"{KEYID}=release.pem", "--policy")


def test_a_bundle_of_a_server_is_verified(desk: Desk) -> None:
    with served(shelf := Shelf(good(7), token="s3cret-token")):
        done = desk.type(*VERIFY, f"{shelf.url}?sig=s3cret", *KEY, *TOKEN)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{shelf.url}: signed by {KEYID} (ES256), version 7, revision r7, 3 files\n"


def test_a_bundle_of_a_server_is_looked_at(desk: Desk) -> None:
    with served(shelf := Shelf(good(7), token="s3cret-token")):
        done = desk.type(*INSPECT, f"{shelf.url}?sig=s3cret", "--json", *TOKEN)
        text = desk.type(*INSPECT, shelf.url, *TOKEN)
    assert (done.code, text.code) == (0, 0)
    found = json.loads(done.out)
    assert (found["bundle"], found["version"], found["signature"]["keyid"]) == ("policy.tar.gz", 7, KEYID)
    assert "not checked here" in text.out


@pytest.mark.parametrize("given", [VERIFY, INSPECT], ids=["verify", "inspect"])
def test_nothing_is_left_behind(desk: Desk, given: tuple[str, ...]) -> None:
    before = sorted(desk.folder.rglob("*"))
    with served(shelf := Shelf(good(7))):
        assert desk.type(*given, shelf.url, *(KEY if given is VERIFY else ())).code == 0
    assert sorted(desk.folder.rglob("*")) == before


def _status(status: int) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    return answer


async def _page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>sign in</html>", content_type="text/html")


NOT_TRUE = [
    pytest.param(Shelf(signed(files(7), by="other")), "signature", id="wrongly-signed"),
    pytest.param(Shelf(good(7)[:-40]), "not a readable bundle", id="truncated"),
    pytest.param(Shelf(b"\0" * 2048), "its bundle has more than 1024 bytes", id="larger-than-max-bytes"),
    pytest.param(Shelf(odd=_page), "it answers with text/html, which is no bundle", id="a-page"),
]


@pytest.mark.parametrize(("shelf", "problem"), NOT_TRUE)
def test_what_the_server_gave_is_not_true(desk: Desk, shelf: Shelf, problem: str) -> None:
    limit = "max_bytes = 1024\n" if "1024" in problem else ""
    with served(shelf):
        done = desk.type(*VERIFY, shelf.url, *KEY, "-c", desk.configured(limit))
    assert (done.code, done.err) == (1, "")
    assert problem in done.out


AWAY = [
    pytest.param(_status(404), "there is no such bundle (HTTP 404)", id="404"),
    pytest.param(_status(401), "the token is refused, or there is none (HTTP 401)", id="401"),
    pytest.param(_status(503), "it answers HTTP 503", id="503"),
    pytest.param(None, "no connection: Connection refused", id="nobody-listens"),
]


@pytest.mark.parametrize(("odd", "problem"), AWAY)
@pytest.mark.parametrize("given", [(*VERIFY, *KEY), INSPECT], ids=["verify", "inspect"])
def test_the_server_is_not_reached(desk: Desk, given: tuple[str, ...], odd: Handler | None, problem: str) -> None:
    with served(shelf := Shelf(odd=odd)):
        done = desk.type(*given, shelf.url) if odd is not None else None
    done = done or desk.type(*given, shelf.url)
    assert (done.code, done.out) == (69, "")
    assert done.err == f"agentgate policy: {shelf.url}: {problem}\n(agentgate explain PolicyAway has more)\n"


WRONG = [
    pytest.param(["http://policy.example/b"], "BUNDLE: plain http to policy.example", id="plain-http"),
    pytest.param(["https://policy.example/"], "BUNDLE: the URL names no bundle", id="no-bundle"),
    pytest.param(["https://policy.example/b", "--policy-token", "literal"], "--policy-token: the value", id="literal"),
    pytest.param(["https://policy.example/b", "--policy-token", "@gone"], "--policy-token: ", id="no-token-file"),
    pytest.param(["b.tar.gz", *TOKEN], "--policy-token: is given, while the policy comes from no server", id="a-file"),
    pytest.param(["https://policy.example/b", "-c", "gone.toml"], "gone.toml: cannot be read", id="no-configuration"),
]


@pytest.mark.parametrize(("words", "problem"), WRONG)
def test_what_is_not_asked_at_all(desk: Desk, words: list[str], problem: str) -> None:
    done = desk.type(*INSPECT, *words)
    assert (done.code, done.out) == (64, "")
    assert problem in done.err


@contextmanager
def _demanding(folder: Path) -> Iterator[Shelf]:
    """A server that wants a certificate of an authority that nobody else knows."""
    servers, clients = Authority(folder, "servers"), Authority(folder, "clients")
    clients.issue("operator")
    with served(shelf := Shelf(good(7)), servers.server(clients_of=clients).context):
        yield shelf


BY_CERTIFICATE = [
    pytest.param((*VERIFY, *KEY), f"signed by {KEYID}", id="verify"),
    pytest.param(INSPECT, "entry points", id="inspect"),
    pytest.param(CHECK, "r7", id="check"),
]


@pytest.mark.parametrize(("words", "said"), BY_CERTIFICATE)
def test_authority_and_client_certificate_are_the_sidecars(desk: Desk, words: tuple[str, ...], said: str) -> None:
    with _demanding(desk.folder) as shelf:
        done = desk.type(*words, shelf.url, "-c", desk.configured(HTTPS))
        unknown = desk.type(*words, shelf.url)
    assert (done.code, done.err) == (0, "")
    assert said in done.out
    assert unknown.code != 0
    assert "its certificate is not accepted" in unknown.out + unknown.err


CONFIG = ("config", "check", "--upstream", "a=https://tools.example/", *CHECK[2:])
OPA = ("opa", *CHECK[2:])

OUTCOMES = [
    pytest.param(CHECK, good(7), 0, "policy.tar.gz: r7, 1 modules\n", id="policy-check"),
    pytest.param(CHECK, signed(files(7), by="other"), 1, "signature", id="policy-check-wrongly-signed"),
    pytest.param(CHECK, None, 69, "no connection: Connection refused", id="policy-check-away"),
    pytest.param(CONFIG, good(7), 0, "  policy     policy.tar.gz r7 (embedded, signed)\n", id="config-check"),
    pytest.param(CONFIG, signed(files(7), by="other"), 64, "policy: policy.tar.gz: ", id="config-check-wrongly-signed"),
    pytest.param(CONFIG, None, 69, "no connection: Connection refused", id="config-check-away"),
    pytest.param(OPA, signed(files(7), by="other"), 64, "signature", id="opa-wrongly-signed"),
    pytest.param(OPA, None, 69, "no connection: Connection refused", id="opa-away"),
]


@pytest.mark.parametrize(("words", "packed", "code", "said"), OUTCOMES)
def test_what_becomes_of_a_url(desk: Desk, words: tuple[str, ...], packed: bytes | None, code: int, said: str) -> None:
    shelf = Shelf(packed or b"")
    with served(shelf):
        done = desk.type(*words, shelf.url) if packed is not None else None
    done = done or desk.type(*words, shelf.url)
    assert done.code == code, done.err
    assert said in done.out + done.err


def test_a_check_says_that_a_start_goes_on_with_what_the_server_gave_before(desk: Desk) -> None:
    with served(shelf := Shelf(good(7))):
        pass
    given = given_at(desk.folder / "agentgate", shelf.url)
    given.parent.mkdir(parents=True)
    given.write_bytes(good(7))
    done = desk.type(*CONFIG, shelf.url)
    assert (done.code, done.err) == (0, "")
    assert "  policy     policy.tar.gz r7 (embedded, signed)\n" in done.out
    assert f"  away       {shelf.url}: no connection: Connection refused; a start goes on with the above\n" in done.out


def test_a_server_that_is_away_is_one_problem_among_others(desk: Desk) -> None:
    with served(shelf := Shelf()):
        pass
    (desk.folder / "agentgate").mkdir()
    (desk.folder / "agentgate" / "grants.json").write_text("{")
    done = desk.type(*CONFIG, shelf.url)
    assert (done.code, done.out) == (64, "")
    assert "grants: " in done.err
    assert "no connection: Connection refused\n    See to the server" in done.err


URL = "https://policy.example/agentgate/policy"
NO_FILES = [
    pytest.param(("opa", "--bundle", URL), "--bundle: is a URL", "--policy URL", id="opa-bundle"),
    pytest.param(("opa", "--bundle", "b.tar.gz", "--policy", URL), "--bundle: is given", "Take one", id="opa-both"),
    pytest.param(
        ("config", "check", "--opa", "unix:/o", "--opa-bundle", URL, "--upstream", "a=https://tools.example/"),
        "--opa-bundle: is a URL",
        "--policy URL",
        id="sidecar-opa-bundle",
    ),
]


@pytest.mark.parametrize(("words", "problem", "remedy"), NO_FILES)
def test_a_url_where_a_file_is_meant(desk: Desk, words: tuple[str, ...], problem: str, remedy: str) -> None:
    done = desk.type(*words)
    assert (done.code, done.out) == (64, "")
    assert done.err.startswith(f"agentgate {words[0]}: 1 problem in the configuration\n")
    assert problem in done.err
    assert remedy in done.err
