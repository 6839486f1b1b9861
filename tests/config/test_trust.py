"""Whose bundles count, by file and flags; and what commands that look at a policy make of it."""

from io import StringIO
from pathlib import Path

import pytest

import agentgate
from policy.keeping import Keeping
from policy.opening import opened
from proxy.config import Config, read_bundle_trust, read_config
from proxy.settings.checking import run_check
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems
from tests.policy.tampering import KEYID, good, key, private_pem, public_pem, trust

HOME = {"HOME": "/home/me"}
UPSTREAM = ("files=https://tools.example/mcp",)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with keys and a bundle."""
    for name in ("release", "rsa-old"):
        (tmp_path / f"{name}.pem").write_bytes(public_pem(key(name)))
    (tmp_path / "private.pem").write_bytes(private_pem(key()))
    (tmp_path / "b.tar.gz").write_bytes(good())
    return tmp_path


def _read(place: Path, policy: str, flags: Flags | None = None) -> Config:
    (place / "agentgate.toml").write_text(f"[policy]\n{policy}\n")
    given = flags or Flags()
    file, state = str(place / "agentgate.toml"), str(place / "state")
    return read_config(
        Flags(
            config=file,
            state=state,
            upstreams=UPSTREAM,
            policy=given.policy,
            policy_keys=given.policy_keys,
            unsigned_bundles=given.unsigned_bundles,
        ),
        HOME,
    )


def test_without_a_word_no_bundle_counts(place: Path) -> None:
    given = _read(place, "").policy.trust
    assert (given.keys, given.required, given.scope) == ({}, True, "")


def test_keys_of_the_file_and_of_flags_count_together(place: Path) -> None:
    flags = Flags(policy_keys=(f"{KEYID}={place / 'release.pem'}",))
    given = _read(place, 'keys = {old = "rsa-old.pem"}\nscope = "prod"', flags).policy.trust
    assert {name: each.algorithm for name, each in given.keys.items()} == {"old": "RS256", KEYID: "ES256"}
    assert (given.required, given.scope) == (True, "prod")


@pytest.mark.parametrize(
    ("policy", "flags"),
    [pytest.param("unsigned = true", Flags(), id="file"), pytest.param("", Flags(unsigned_bundles=True), id="flag")],
)
def test_unsigned_bundles_are_asked_for_in_so_many_words(place: Path, policy: str, flags: Flags) -> None:
    given = _read(place, policy, flags).policy.trust
    assert (given.keys, given.required) == ({}, False)


@pytest.mark.parametrize(
    ("policy", "flags", "problem"),
    [
        pytest.param('keys = {x = "none.pem"}', Flags(), "No such file", id="missing"),
        pytest.param('keys = {x = "private.pem"}', Flags(), "the public half alone", id="private"),
        pytest.param('keys = {x = "b.tar.gz"}', Flags(), "no public key", id="no-key"),
        pytest.param('keys = {x = "release.pem"}\nunsigned = true', Flags(), "together with keys", id="both"),
        pytest.param('scope = "x"', Flags(), "no key can make", id="scope-alone"),
        pytest.param("", Flags(policy_keys=("x",)), "is not ID=FILE", id="flag-without-a-file"),
        pytest.param("", Flags(policy_keys=("x=a", "x=b")), "is given twice", id="flag-twice"),
    ],
)
def test_what_says_it_badly(place: Path, policy: str, flags: Flags, problem: str) -> None:
    with pytest.raises(ConfigProblems) as found:
        _read(place, policy, flags)
    assert problem in str(found.value)


def test_a_command_that_looks_at_a_policy_reads_nothing_else(place: Path) -> None:
    (place / "agentgate.toml").write_text('nonsense = 1\n[policy]\nspec = "nowhere"\nkeys = {x = "release.pem"}\n')
    assert set(read_bundle_trust(Flags(config=str(place / "agentgate.toml")), HOME).keys) == {"x"}


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        pytest.param((), 1, "no key says whose", id="no-key"),
        pytest.param(("--policy-key", f"{KEYID}=release.pem"), 0, "r7, 1 modules", id="key"),
        pytest.param(("--policy-key", f"{KEYID}=rsa-old.pem"), 1, "is for RS256", id="another-key"),
        pytest.param(("--unsigned-bundles",), 0, "r7, 1 modules", id="unsigned"),
    ],
)
def test_checking_a_bundle(
    place: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], code: int, said: str
) -> None:
    given = [f"{KEYID}={place / each.partition('=')[2]}" if "=" in each else each for each in flags]
    state = str(place / "state")
    command = ["policy", "check", "--state", state, "--policy", str(place / "b.tar.gz"), *given]
    assert agentgate.main(command) == code
    assert said in capsys.readouterr().out


def test_an_opa_of_ones_own_takes_no_bundle_that_does_not_count(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--state", str(place / "state"), "--policy", str(place / "b.tar.gz")]
    assert agentgate.main(["opa", *given, "--policy-key", f"other={place / 'release.pem'}"]) == agentgate.USAGE
    assert "is none of those that count (other)" in capsys.readouterr().err


def test_an_older_bundle_is_found_before_the_start(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = str(place / "b.tar.gz")
    flags = Flags(
        state=str(place / "state"), policy=spec, upstreams=UPSTREAM, policy_keys=(f"{KEYID}={place / 'release.pem'}",)
    )
    out = StringIO()
    assert run_check(flags, HOME, out) == 0
    assert "(embedded, signed)" in out.getvalue()
    Keeping(place / "state", spec).remember(opened("b.tar.gz", good(8), trust()))
    with pytest.raises(ConfigProblems, match="version 7: the active one is 8"):
        run_check(flags, HOME, out)
    given = ["--state", str(place / "state"), "--policy", spec, "--policy-key", flags.policy_keys[0]]
    assert agentgate.main(["policy", "check", *given]) == 1
    assert "version 7: the active one is 8" in capsys.readouterr().out


def test_a_missing_bundle_is_no_problem_where_the_last_good_one_is_kept(place: Path) -> None:
    flags = Flags(policy=str(place / "gone.tar.gz"), policy_keys=(f"{KEYID}={place / 'release.pem'}",))
    with pytest.raises(ConfigProblems, match="there is no"):
        _read(place, "", flags)
    Keeping(place / "state", str(place / "gone.tar.gz")).remember(opened("gone.tar.gz", good(), trust()))
    assert _read(place, "", flags).policy.spec == str(place / "gone.tar.gz")
