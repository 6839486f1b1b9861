"""Loading policies, and keeping the active one what its files say."""

import asyncio
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from policy.activation import PolicyEvent, PolicySource
from policy.archive import MAX_BYTES
from policy.bundle import bundle_revision, load, pack
from policy.embedded import EmbeddedEngine
from policy.engine import PolicyRefused
from policy.grant_file import write_grants
from policy.grants import Grant, index
from policy.trust import UNSIGNED

ALLOW = 'package agentgate\n\ndecision := {"effect": "allow", "reason": "ok"}\n'


def _write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


@pytest.mark.parametrize(("name", "hides_nothing"), [("starter", False), ("observe", True)])
def test_built_in(name: str, *, hides_nothing: bool) -> None:
    policy = load(name, grants=index((Grant("u", "m", "n"),)), trusted=["t"])
    assert policy.hides_nothing is hides_nothing
    assert (policy.name, policy.signed, policy.version) == (name, False, None)
    assert policy.revision.startswith("sha256:")
    assert policy.data["agentgate"]["trusted_upstreams"] == {"t": True}
    assert policy.data["agentgate"]["grants"]["*"]["*"]["u"]["m"]["n"]["allow"] == [{"id": Grant("u", "m", "n").id}]


def test_grants_change_the_data_and_not_the_rules() -> None:
    one, other = load("starter", grants=None), load("starter", grants=index((Grant("u", "m", "n"),)))
    assert one.revision == other.revision
    assert one.data_revision != other.data_revision
    assert bundle_revision(one) != bundle_revision(other)


def test_a_folder_of_several_packages_and_data(tmp_path: Path) -> None:
    files = {
        "main.rego": ALLOW,
        "teams/teams.rego": "package teams\n\nx := data.teams.list\n",
        "teams/data.json": '{"list": [1]}',
        "main_test.rego": "not even Rego",
        "notes.txt": "not looked at",
    }
    policy = load(_write(tmp_path, files), grants=None)
    assert sorted(policy.modules) == ["main.rego", "teams/teams.rego"]
    assert policy.data["teams"] == {"list": [1]}


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        pytest.param({}, "no module of package agentgate", id="nothing"),
        pytest.param({"a.rego": "package other\n"}, "no module of package agentgate", id="another-package"),
        pytest.param({"a.rego": "# package agentgate\n"}, "no module of package agentgate", id="package-in-a-comment"),
        pytest.param({"a.rego": "package agentgate\n"}, "no rule `decision`", id="no-decision"),
        pytest.param({"a.rego": ALLOW, "data.json": "{"}, "data.json:1", id="data-no-json"),
        pytest.param({"a.rego": ALLOW, "data.json": "[]"}, "not an object", id="data-a-list"),
        pytest.param({"a.rego": ALLOW, "data.json": '{"x": 1e400}'}, "1e400", id="data-infinite"),
        pytest.param({"a.rego": ALLOW, "data.json": '{"x": 18446744073709551617}'}, "1844", id="data-too-wide"),
        pytest.param({"a.rego": ALLOW, "data.json": "[" * 5000}, "recursion", id="data-far-too-deep"),
        pytest.param({"a.rego": ALLOW, "data.json": '{"x":' * 300 + "1" + "}" * 300}, "too deeply", id="data-deep"),
        pytest.param({"a.rego": ALLOW, "data.json": '{"x": "\\ud800"}'}, "surrogate", id="data-half-a-character"),
        pytest.param({"a.rego": ALLOW, "data.json": '{"agentgate": {"grants": {}}}'}, "sidecar", id="own-grants"),
        pytest.param({"a.rego": ALLOW, "s.rego": "package system.authz\n"}, "system", id="own-authz"),
        pytest.param({"a.rego": ALLOW, "a.json": '{"x": 1}', "b.json": '{"x": 2}'}, "another data", id="data-twice"),
    ],
)
def test_what_is_not_loaded(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    with pytest.raises(PolicyRefused, match=problem):
        load(_write(tmp_path, files), grants=None)


def test_a_place_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused, match="neither"):
        load(str(tmp_path / "none"), grants=None)


@pytest.mark.parametrize(
    ("source", "constant"),
    [
        pytest.param('listing := {"hide": []}\n', True, id="constant"),
        pytest.param('listing := {"hide": ["x"]}\n', False, id="hides-one"),
        pytest.param('default listing := {"hide": []}\nlisting := {"hide": ["x"]} if input.x\n', False, id="default"),
        pytest.param('# listing := {"hide": []}\n', False, id="in-a-comment"),
        pytest.param('x := `\nlisting := {"hide": []}\n`\n', False, id="in-a-text"),
        pytest.param('listing := {"hide": []} if input.x\n', False, id="conditional"),
        pytest.param('listing := {"hide": []}\n\n  if input.x\n', False, id="conditional-on-another-line"),
        pytest.param('x if {\nlisting := {"hide": []}\nlisting\n}\n', False, id="a-local"),
        pytest.param('listing := {"hide": []}\nx if {\nlisting := 1\nlisting\n}\n', False, id="constant-and-a-local"),
        pytest.param('listing := {"hide": []}\nx := 1 listing := {"hide": [2]}\n', False, id="two-rules-on-a-line"),
        pytest.param('x := "listing"\nlisting := {"hide": []}\n', True, id="constant-and-a-text"),
        pytest.param('x := "#"\nlisting := {"hide": []}\nlisting := {"hide": "#"} if input.x\n', False, id="a-hash"),
        pytest.param('listing["hide"] := []\n', False, id="by-its-member"),
    ],
)
def test_a_constant_listing_hides_nothing(tmp_path: Path, source: str, *, constant: bool) -> None:
    assert load(_write(tmp_path, {"a.rego": ALLOW + source}), grants=None).hides_nothing is constant


@pytest.mark.parametrize(
    ("source", "there"),
    [
        pytest.param("result := {}\n", True, id="a-rule"),
        pytest.param("  default result := {}\n", True, id="an-indented-default"),
        pytest.param("result.deny := true if input.x\n", True, id="a-member"),
        pytest.param("x if {\nresult := 1\nresult == 1\n}\n", False, id="a-local"),
        pytest.param("x := [\nresult |\nresult := 1\n]\n", False, id="a-local-of-a-comprehension"),
        pytest.param('x := "{"\nresult := {}\n', True, id="after-a-bracket-in-a-text"),
        pytest.param("results := 1\n", False, id="another-name"),
    ],
)
def test_whether_there_is_a_rule_for_results(tmp_path: Path, source: str, *, there: bool) -> None:
    assert load(_write(tmp_path, {"a.rego": ALLOW + source}), grants=None).has_result is there


def test_a_bundle_comes_back_with_its_revision_and_version(tmp_path: Path) -> None:
    manifest = {"revision": "r7", "metadata": {"version": 7}, "roots": [""]}
    path = _bundle(tmp_path, {"/.manifest": json.dumps(manifest), "/a.rego": ALLOW, "/data.json": '{"x": 1}'})
    policy = load(str(path), grants=None, trust=UNSIGNED)
    assert (policy.revision, policy.version, policy.signed, policy.data["x"]) == ("r7", 7, False, 1)


@pytest.mark.parametrize(
    "name", [pytest.param("../a.rego", id="climbs"), pytest.param("x/../../a.rego", id="climbs-inside")]
)
def test_a_bundle_reaches_nothing_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyRefused, match="plain files"):
        load(str(_bundle(tmp_path, {name: ALLOW})), grants=None, trust=UNSIGNED)


def test_a_bundle_holds_no_links(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("a.rego")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(PolicyRefused, match="plain files"):
        load(str(path), grants=None, trust=UNSIGNED)


def test_a_bundle_counts_only_where_something_says_whose_do(tmp_path: Path) -> None:
    path = _bundle(tmp_path, {".manifest": "{}", "a.rego": ALLOW})
    with pytest.raises(PolicyRefused, match="no key says whose"):
        load(str(path), grants=None)


def test_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(PolicyRefused, match="not a readable bundle"):
        load(str(tmp_path / "b.tar.gz"), grants=None, trust=UNSIGNED)


def test_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(PolicyRefused, match="more than"):
        load(str(path), grants=None)


def _damage_a_header(tar: bytes) -> bytes:
    """The second file's checksum: `tarfile` alone would take this for the end."""
    return tar[: 1024 + 148] + b"7" + tar[1024 + 149 :]


def _go_on_after_the_end(tar: bytes) -> bytes:
    return tar + tar


def _say_a_file_twice(tar: bytes) -> bytes:
    return tar[:1024] + tar


def _cut_in_the_middle(tar: bytes) -> bytes:
    return tar[: 1024 + 300]


def _grow(_: bytes) -> bytes:
    return bytes(MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(_damage_a_header, "damaged at byte 1024", id="damaged-header"),
        pytest.param(_go_on_after_the_end, "damaged", id="more-after-the-end"),
        pytest.param(_say_a_file_twice, "twice", id="a-file-twice"),
        pytest.param(_cut_in_the_middle, "damaged", id="cut"),
        pytest.param(_grow, "more than", id="far-too-long"),
    ],
)
def test_an_archive_is_read_whole_or_refused(tmp_path: Path, change: Callable[[bytes], bytes], problem: str) -> None:
    path = _bundle(tmp_path, {"a.rego": ALLOW, "b.rego": "package b\n"})
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes())), 1))
    with pytest.raises(PolicyRefused, match=problem):
        load(str(path), grants=None, trust=UNSIGNED)


def _spoil_the_checksum(packed: bytes) -> bytes:
    return packed[:-8] + bytes(4) + packed[-4:]


def _spoil_the_data(packed: bytes) -> bytes:
    return packed[:20] + b"\xff\xff\xff\xff" + packed[24:]


@pytest.mark.parametrize(
    "change", [_spoil_the_checksum, _spoil_the_data], ids=lambda change: change.__name__.strip("_")
)
def test_what_cannot_be_unpacked_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = _bundle(tmp_path, {"a.rego": ALLOW})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(PolicyRefused, match="not a readable bundle"):
        load(str(path), grants=None, trust=UNSIGNED)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param("[" * 5000, id="deep"),
        pytest.param("null", id="null"),
        pytest.param('{"metadata": {"version": true}}', id="version-true"),
        pytest.param('{"metadata": {"version": "7"}}', id="version-text"),
        pytest.param('{"revision": 7}', id="revision-number"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, manifest: str) -> None:
    with pytest.raises(PolicyRefused, match="manifest"):
        load(str(_bundle(tmp_path, {".manifest": manifest, "a.rego": ALLOW})), grants=None, trust=UNSIGNED)


def test_packing_the_same_gives_the_same_names(tmp_path: Path) -> None:
    policy = load("starter", grants=None)
    with tarfile.open(fileobj=io.BytesIO(pack(policy))) as archive:
        names = sorted(archive.getnames())
        manifest = json.loads(archive.extractfile("/.manifest").read())  # type: ignore[union-attr]
    assert manifest == {"revision": bundle_revision(policy), "roots": [""], "rego_version": 1}
    assert {"/data.json", "/system/authz.rego", "/rules/decision.rego"} <= set(names)


async def test_a_change_becomes_active_and_a_broken_one_does_not(tmp_path: Path) -> None:
    folder, grants = tmp_path / "policy", tmp_path / "grants.json"
    source = PolicySource(_write(folder, {"a.rego": ALLOW}), grants)
    engine = EmbeddedEngine()
    events: asyncio.Queue[PolicyEvent] = asyncio.Queue()
    first = (await source.activate(engine)).policy
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(source.watch(engine, events.put_nowait))
        _write(folder, {"a.rego": "package agentgate\n\ndecision := {\n"})
        assert (await events.get()).problems
        assert engine.active == first
        _write(folder, {"a.rego": ALLOW + "# changed\n"})
        assert (await events.get()).policy == engine.active
        assert engine.active != first
        write_grants(grants, [Grant("u", "m", "n")])
        changed = (await events.get()).policy
        assert changed is not None
        assert "u" in changed.data["agentgate"]["grants"]["*"]["*"]
        watching.cancel()
    await engine.close()


def _bundle(tmp_path: Path, files: dict[str, str]) -> Path:
    path = tmp_path / "b.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path
