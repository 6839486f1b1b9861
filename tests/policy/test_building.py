"""`agentgate policy build|sign|verify|inspect`: from a folder to a bundle that an organisation can hand out."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from policy.archive import SIGNATURES, read_archive
from policy.building import Wanted
from policy.bundle import load
from policy.bundle_commands import run_build, run_inspect, run_sign, run_verify
from policy.engine import PolicyRefused
from policy.trust import UNSIGNED
from tests.policy.tampering import KEYID, files, good, key, manifest, private_pem, public_pem, signed, trust

ALLOW = 'package agentgate\n\ndecision := {"effect": "allow", "reason": "ok"}\n'


def _folder(tmp_path: Path, content: dict[str, str]) -> Path:
    folder = tmp_path / "policy"
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _build(folder: Path, output: Path, **wanted: Any) -> tuple[int, str]:
    out = io.StringIO()
    code = run_build(
        folder,
        Wanted("agentgate test", **wanted),
        output,
        engine="embedded",
        environ=os.environ,  # noqa: TID251  (where OPA is, is the machine's setting)
        out=out,
    )
    return code, out.getvalue()


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    content = {"main.rego": ALLOW, "teams/b.json": '{"y": 1}', "teams/a.json": '{"x": 1.5}'}
    one = _folder(tmp_path / "one", content)
    other = _folder(tmp_path / "other", dict(reversed(content.items())))
    for name in content:
        (other / name).chmod(0o640)
        os.utime(other / name, (1, 1))
    for folder in (one, other):
        assert _build(folder, folder.parent / "b.tar.gz", version=3)[0] == 0
    assert (one.parent / "b.tar.gz").read_bytes() == (other.parent / "b.tar.gz").read_bytes()


def test_what_is_built_is_what_the_folder_was(tmp_path: Path) -> None:
    content = {"main.rego": ALLOW, "x/y.rego": "package x.y\n", "teams/a.json": '{"x": 1.5}', "data.json": '{"z": [1]}'}
    folder = _folder(tmp_path, {**content, "main_test.rego": "package t\n", "notes.txt": "hi"})
    code, said = _build(folder, tmp_path / "b.tar.gz", version=3, revision="spring", rollback_of=9)
    assert code == 0
    assert said.splitlines()[:2] == ["ignored: main_test.rego", "ignored: notes.txt"]
    packed = read_archive("b", (tmp_path / "b.tar.gz").read_bytes())
    assert sorted(packed) == [".manifest", "data.json", "main.rego", "x/y.rego"]
    assert json.loads(packed[".manifest"]) == {
        "revision": "spring",
        "roots": [""],
        "rego_version": 1,
        "metadata": {"version": 3, "rollback_of": 9, "built_by": "agentgate test"},
    }
    before = load(str(folder), grants=None)
    after = load(str(tmp_path / "b.tar.gz"), grants=None, trust=UNSIGNED)
    assert (after.modules, after.data) == (before.modules, before.data)
    assert (after.revision, after.version, after.signed) == ("spring", 3, False)


def test_a_folders_manifest_says_roots_and_metadata(tmp_path: Path) -> None:
    said = {"roots": ["agentgate", "teams"], "metadata": {"name": "billing", "version": 1}}
    folder = _folder(tmp_path, {"main.rego": ALLOW, "teams/data.json": "{}", ".manifest": json.dumps(said)})
    assert _build(folder, tmp_path / "b.tar.gz", version=2)[0] == 0
    found = json.loads(read_archive("b", (tmp_path / "b.tar.gz").read_bytes())[".manifest"])
    assert found["roots"] == ["agentgate", "teams"]
    assert found["metadata"] == {"name": "billing", "version": 2, "built_by": "agentgate test"}
    assert found["revision"].startswith("sha256:")


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        pytest.param({"a.rego": "package a\n"}, ["no module of package agentgate"], id="no-entry-point"),
        pytest.param(
            {
                "a.rego": "package agentgate\n",
                "data.json": '{"agentgate": {"grants": {}}}',
                "s.rego": "package system\n",
            },
            ["by the sidecar only", "package system", "no rule `decision`"],
            id="several-at-once",
        ),
        pytest.param({"a.rego": ALLOW, ".manifest": "{"}, [".manifest: "], id="broken-manifest"),
        pytest.param({"a.rego": ALLOW, ".manifest": '{"roots": ["a", "a/b"]}'}, ["overlap"], id="overlapping-roots"),
        pytest.param({"a.rego": ALLOW, ".manifest": '{"roots": ["x"]}'}, ["none of the roots"], id="outside-of-roots"),
        pytest.param({"a.rego": ALLOW + "x := nosuch\n"}, ["a.rego:4"], id="what-vetting-refuses"),
        pytest.param({"a.rego": ALLOW, "x.json": "[]"}, ["not an object"], id="data-a-list"),
    ],
)
def test_what_is_not_built(tmp_path: Path, content: dict[str, str], problems: list[str]) -> None:
    code, said = _build(_folder(tmp_path, content), tmp_path / "b.tar.gz")
    assert code == 1
    assert [problem for problem in problems if problem not in said] == []
    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize("target", ["outside.rego", "."], ids=["file", "folder"])
def test_links_are_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.rego").write_text("package x\n")
    folder = _folder(tmp_path, {"a.rego": ALLOW})
    (folder / "link.rego").symlink_to(tmp_path / target)
    code, said = _build(folder, tmp_path / "b.tar.gz")
    assert code == 1
    assert "link.rego: is a link" in said


def test_a_rollback_puts_an_older_version_in_the_place_of_another(tmp_path: Path) -> None:
    code, said = _build(_folder(tmp_path, {"a.rego": ALLOW}), tmp_path / "b.tar.gz", version=7, rollback_of=7)
    assert code == 1
    assert "rollback_of is not above" in said


@pytest.mark.parametrize("by", ["release", "rsa"])
def test_from_folder_to_verified(tmp_path: Path, by: str) -> None:
    """What docs/policy.md shows: build, sign, verify, inspect."""
    private, public, bundle = tmp_path / "private.pem", tmp_path / "public.pem", tmp_path / "b.tar.gz"
    private.write_bytes(private_pem(key(by)))
    public.write_bytes(public_pem(key(by)))
    out = io.StringIO()
    assert _build(_folder(tmp_path, {"a.rego": ALLOW}), bundle, version=7)[0] == 0
    assert run_sign(bundle, private, bundle, keyid=KEYID, algorithm=None, scope="prod", out=out) == 0
    assert run_verify(bundle, [f"{KEYID}={public}"], scope="prod", out=out) == 0
    assert run_inspect(bundle, as_json=True, out=out) == 0
    *said, shown = out.getvalue().splitlines()
    assert all(f"signed by {KEYID}" in line and "version 7" in line for line in said)
    found = json.loads(shown)
    algorithm = "RS256" if by == "rsa" else "ES256"
    assert found["signature"] == {"keyid": KEYID, "algorithm": algorithm, "scope": "prod"}
    assert (found["version"], found["roots"], found["modules"]) == (7, [""], ["a.rego"])
    assert found["entry_points"] == ["agentgate/decision"]
    assert [file["name"] for file in found["files"]] == [".manifest", "a.rego"]


def test_a_key_without_a_name_gets_one_from_itself(tmp_path: Path) -> None:
    private, public, bundle = tmp_path / "private.pem", tmp_path / "public.pem", tmp_path / "b.tar.gz"
    private.write_bytes(private_pem(key()))
    public.write_bytes(public_pem(key()))
    bundle.write_bytes(good())
    out = io.StringIO()
    assert run_sign(bundle, private, bundle, keyid=None, algorithm="ES256", scope="", out=out) == 0
    keyid = out.getvalue().split("signed by ")[1].split()[0]
    assert len(keyid) == 16
    assert run_verify(bundle, [f"{keyid}={public}"], scope="", out=out) == 0
    assert run_verify(bundle, [f"{KEYID}={public}"], scope="", out=out) == 1
    assert "is none of those that count" in out.getvalue()


def test_what_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    """64, as for every wrong argument: 1 would say that a bundle was looked at."""
    missing, out = tmp_path / "none", io.StringIO()
    (tmp_path / "public.pem").write_bytes(public_pem(key()))
    (tmp_path / "private.pem").write_bytes(private_pem(key()))
    with pytest.raises(PolicyRefused, match="is no folder"):
        _build(missing, tmp_path / "b.tar.gz")
    for path in (missing, tmp_path):
        with pytest.raises(PolicyRefused, match="is no file"):
            run_verify(path, [f"{KEYID}={tmp_path / 'public.pem'}"], scope="", out=out)
        with pytest.raises(PolicyRefused, match="is no file"):
            run_inspect(path, as_json=False, out=out)
        with pytest.raises(PolicyRefused, match="is no file"):
            run_sign(path, tmp_path / "private.pem", path, keyid=None, algorithm=None, scope="", out=out)


@pytest.mark.parametrize(
    ("packed", "code", "said"),
    [
        pytest.param(good(), 0, {"ok": True, "keyid": KEYID, "algorithm": "ES256", "version": 7}, id="signed"),
        pytest.param(good()[:-40], 1, {"ok": False}, id="cut-short"),
    ],
)
def test_a_verdict_for_programs(tmp_path: Path, packed: bytes, code: int, said: dict[str, Any]) -> None:
    out, bundle = io.StringIO(), tmp_path / "b.tar.gz"
    bundle.write_bytes(packed)
    (tmp_path / "public.pem").write_bytes(public_pem(key()))
    assert run_verify(bundle, [f"{KEYID}={tmp_path / 'public.pem'}"], scope="", out=out, as_json=True) == code
    found = json.loads(out.getvalue())
    assert {name: found[name] for name in said} == said
    assert bool(found["problems"]) is not found["ok"]


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused, match="No such file"):
        _build(_folder(tmp_path, {"a.rego": ALLOW}), tmp_path / "none" / "b.tar.gz")


def test_names_beyond_ascii_and_with_blanks_are_signed_as_they_are(tmp_path: Path) -> None:
    """And long ones, which an archive spells in a header of their own."""
    name = f"{'größe ' * 30}/prüfung.rego"
    content = {**files(), name: b"package checks\n"}
    (tmp_path / "b.tar.gz").write_bytes(signed(content))
    assert name in load(str(tmp_path / "b.tar.gz"), grants=None, trust=trust()).modules


def _without_a_version(folder: Path) -> Path:
    (folder / "b.tar.gz").write_bytes(signed({**files(), ".manifest": b"{}"}))
    return folder / "b.tar.gz"


def test_what_has_no_version_is_not_signed(tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_bytes(private_pem(key()))
    out, output = io.StringIO(), tmp_path / "signed.tar.gz"
    private, path = tmp_path / "private.pem", _without_a_version(tmp_path)
    assert run_sign(path, private, output, keyid=None, algorithm=None, scope="", out=out) == 1
    assert "has no version" in out.getvalue()
    assert not output.exists()


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        pytest.param(b"", "no public key", id="empty"),
        pytest.param(private_pem(key()), "the public half alone", id="private"),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
            b"-----END PUBLIC KEY-----\n",
            "neither an EC key",
            id="ed25519",
        ),
    ],
)
def test_a_key_that_is_none(tmp_path: Path, pem: bytes, problem: str) -> None:
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "b.tar.gz").write_bytes(good())
    with pytest.raises(PolicyRefused, match=problem):
        run_verify(tmp_path / "b.tar.gz", [f"x={tmp_path / 'key.pem'}"], scope="", out=io.StringIO())


def test_looking_at_a_bundle_says_what_it_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(signed({**files(), ".manifest": manifest(roots="all")}))
    out = io.StringIO()
    assert run_inspect(tmp_path / "b.tar.gz", as_json=False, out=out) == 1
    assert "roots is not a list" in out.getvalue()


def test_looking_at_a_bundle_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(good(metadata={"note": "\x1b[2J"}))
    out = io.StringIO()
    assert run_inspect(tmp_path / "b.tar.gz", as_json=False, out=out) == 0
    assert f"key {KEYID} (ES256); not checked here" in out.getvalue()
    assert "\x1b" not in out.getvalue()
    assert SIGNATURES not in out.getvalue()
