"""What is wrong with a configuration of central is told at once: each with where it stands, and what to do."""

from pathlib import Path
from typing import Final

import pytest

from central.config import CentralConfig, CentralProblems, read_central_config
from evidence.note import COSIGNATURE, VerifierKey
from evidence.problem import Problem
from tests.peers.sidecar import agentgate

REGISTERED: Final = '[sidecars.gate-1]\ntenant = "acme"\npublic_key = "' + "A" * 43 + '="\n'
WITNESS: Final = VerifierKey("witness.example", COSIGNATURE, bytes(32)).text()


def read(tmp_path: Path, text: str | bytes, flags: dict[str, str], *, serves: bool = True) -> CentralConfig:
    """The configuration of a file beside a registry of one sidecar."""
    path = tmp_path / "central.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if not (tmp_path / "sidecars.toml").exists():
        (tmp_path / "sidecars.toml").write_text(REGISTERED)
    return read_central_config(str(path), {"state": str(tmp_path), **flags}, {}, serves=serves)


def problems(tmp_path: Path, text: str | bytes, **flags: str) -> list[str]:
    """Each problem on one line, without the folder that it is in."""
    with pytest.raises(CentralProblems) as raised:
        read(tmp_path, text, flags)
    return [each.replace(f"{tmp_path}/", "").replace("\n    ", " -> ") for each in raised.value.problems]


BAD = {
    "no-toml": (b"listen = ", ["central.toml: is not TOML: Invalid value (at end of document) -> Mend the file"]),
    "not-utf-8": (b"\xff\xfe", ["central.toml: is not TOML: "]),
    "unknown-key": ("zzz = 1", ["central.toml: zzz: there is no such key -> Known here: abandoned_after"]),
    "misspelt-key": ("listne = 'x'", ["central.toml: listne: there is no such key -> Did you mean listen?"]),
    "misspelt-below": ("[log]\norgin = 'x'", ["central.toml: log.orgin: there is no such key -> Did you mean origin?"]),
    "too-small": ("batch_bytes = 1", ["central.toml: batch_bytes: Expected `int` >= 65536 -> Write bytes, from 65536"]),
    "another-type": ("listen = 8910", ["central.toml: listen: Expected `str`, got `int` -> Write HOST:PORT."]),
    "no-list": ("urls = 'x'", ["central.toml: urls: Expected `array`, got `str` -> Write a list, such as"]),
    "no-table": ("tls = 1", ["central.toml: tls: is no table -> Write a table with certificate_file, key_file."]),
    "no-address": ("listen = '8910'", ["central.toml: listen: '8910' is no HOST:PORT -> Write for example 127.0.0.1"]),
    "port-beyond": ("listen = '127.0.0.1:99999'", ["central.toml: listen: '127.0.0.1:99999' is no HOST:PORT -> "]),
    "open-to-others": ("listen = '0.0.0.0:8910'", ["central.toml: listen: 0.0.0.0 can be reached from elsewhere"]),
    "no-url": ("urls = ['central.example']", ["central.toml: urls: 'central.example' is no URL -> Write what"]),
    "key-alone": ("[tls]\nkey_file = 'k'", ["central.toml: tls.key_file: has no certificate_file -> Name the cert"]),
    "no-certificate": (
        "[tls]\ncertificate_file = 'c'",
        ["central.toml: tls.certificate_file: cannot be used: No such"],
    ),
    "another-database": ("database = 'mysql://x'", ["central.toml: database: no database of the kind 'mysql'"]),
    "database-in-memory": ("database = 'sqlite://'", ["central.toml: database: a ledger in memory keeps nothing"]),
    "no-log-name": ("[log]\norigin = 'A b'", ["central.toml: log.origin: 'A b' is no name of a log -> Write for ex"]),
    "no-time": ("[log]\nevery_seconds = 0", ["central.toml: log.every_seconds: Expected `float` > 0.0 -> Write sec"]),
    "too-few-witnesses": ("[log]\nneeded = 1", ["central.toml: log.needed: 1 of 0 witnesses can never cosign -> Name"]),
    "no-witness-key": (
        "[log.witnesses.w]\nkey = 'x'\nurl = 'https://w.example'",
        ["central.toml: log.witnesses.w.key: "],
    ),
    "witness-without-a-url": (
        f"[log]\nneeded = 1\n[log.witnesses.w]\nkey = '{WITNESS}'",
        ["central.toml: log.witnesses.w.url: is missing -> Write its URL, such as https://witness.example."],
    ),
    "witness-at-no-url": (
        f"[log.witnesses.w]\nkey = '{WITNESS}'\nurl = 'ftp://w.example'",
        ["central.toml: log.witnesses.w.url: is no URL -> Write for example https://witness.example."],
    ),
    "two-protections": (
        "[keys]\npassphrase_file = 'a'\nwrapping_key_file = 'b'",
        ["central.toml: keys: passphrase_file and wrapping_key_file are given: keep one of them"],
    ),
    "passphrase-nowhere": (
        "[keys]\npassphrase_variable = 'AGENTGATE_NO_SUCH'",
        ["central.toml: keys.passphrase_variable: AGENTGATE_NO_SUCH is not set: put the passphrase into it"],
    ),
    "retention-for-ever": (
        "[[retention]]\ndays = 0\n[[retention]]\ntenant = 'acme'",
        [
            "central.toml: retention.1.days: Expected `int` >= 1 -> Write how many days",
            "central.toml: retention.2.days: is missing -> Write how many days",
        ],
    ),
    "no-registry": (
        "sidecars = 'none.toml'",
        ["none.toml: there is no such file -> Write [sidecars.ID] with tenant and public_key: docs/central.md."],
    ),
    "no-readers": ("readers = 'none.toml'", ["none.toml: there is no such file -> Write [readers.NAME] with tenant"]),
    "three-in-one": (
        "zzz = 1\nbatch_bytes = 1\n[tls]\nkey_file = 'k.pem'",
        [
            "central.toml: zzz: there is no such key -> ",
            "central.toml: batch_bytes: Expected `int` >= 65536 -> ",
            "central.toml: tls.key_file: has no certificate_file -> ",
        ],
    ),
}


@pytest.mark.parametrize(("text", "said"), [pytest.param(*row, id=name) for name, row in BAD.items()])
def test_what_is_wrong_is_told_and_nothing_else(tmp_path: Path, text: str | bytes, said: list[str]) -> None:
    found = problems(tmp_path, text)
    assert len(found) == len(said), found
    assert [each for each, begins in zip(found, said, strict=True) if not each.startswith(begins)] == []


REGISTRIES = {
    "no-toml": ("x", "sidecars.toml: is not TOML: "),
    "no-table": ("sidecars = 1", "sidecars.toml: sidecars: is no table -> Write [sidecars.ID]"),
    "unknown": ("[sidecar.a]", "sidecars.toml: sidecar: there is no such key -> Write [sidecars.ID]"),
    "no-key": ("[sidecars.a]\ntenant = 't'", "sidecars.toml: sidecars.a: needs `tenant` and `public_key`"),
    "short-key": (
        "[sidecars.a]\ntenant = 't'\npublic_key = 'AAAA'",
        "sidecars.toml: sidecars.a: a public key has 32 bytes -> ",
    ),
}


@pytest.mark.parametrize(("text", "said"), [pytest.param(*row, id=name) for name, row in REGISTRIES.items()])
def test_a_registry_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sidecars.toml").write_text(text)
    found = problems(tmp_path, "zzz = 1")
    assert found[0].startswith("central.toml: zzz: ")
    assert [each.startswith(said) for each in found[1:]] == [True]


def test_flags_are_named_as_they_were_written(tmp_path: Path) -> None:
    found = problems(tmp_path, "", database="mysql://x", sidecars=str(tmp_path / "none.toml"), listen="here")
    assert [each.partition(": ")[0] for each in found] == ["--listen", "--database", "none.toml"]


def test_a_password_is_not_told(tmp_path: Path) -> None:
    assert "secret" not in "".join(problems(tmp_path, "", database="mysql://owner:secret@db.example/x"))


def test_no_file_there(tmp_path: Path) -> None:
    with pytest.raises(CentralProblems) as raised:
        read_central_config(str(tmp_path / "none.toml"), {"database": "mysql://x"}, {})
    assert [each.count("none.toml") for each in raised.value.problems] == [1, 0]
    assert "there is no such file\n    Name a TOML file" in raised.value.problems[0]


def test_a_state_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CentralProblems, match=r"--state: \S+/file is no folder\n\s+Choose another place"):
        read_central_config(None, {"state": str(tmp_path / "file" / "below")}, {})


def test_only_who_serves_needs_a_registry(tmp_path: Path) -> None:
    registered = read(tmp_path, "", {}, serves=False).registry
    assert list(registered.sidecars) == ["gate-1"]
    (tmp_path / "sidecars.toml").unlink()
    path = tmp_path / "central.toml"
    config = read_central_config(str(path), {"state": str(tmp_path)}, {}, serves=False)
    assert not config.registry.sidecars


@pytest.mark.parametrize(
    "command", [["migrate"], ["keys", "list"], ["purge"], ["hold", "list"], ["check"]], ids=lambda each: each[0]
)
def test_a_command_without_a_registry(tmp_path: Path, command: list[str]) -> None:
    for before in ("migrate", "keys"):
        assert agentgate("central", "--state", tmp_path, before).returncode == 0
    done = agentgate("central", "--state", tmp_path, *command)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_a_start_without_a_registry_says_what_to_write(tmp_path: Path) -> None:
    done = agentgate("central", "--state", tmp_path)
    assert done.returncode == 64
    assert done.stderr.count("sidecars.toml") == 1
    assert "Write [sidecars.ID] with tenant and public_key: docs/central.md." in done.stderr
    assert "Errno" not in done.stderr


def test_a_problem_has_a_place_and_a_remedy() -> None:
    assert str(Problem("a.toml: b", "is no c", "Write c.")) == "a.toml: b: is no c\n    Write c."
