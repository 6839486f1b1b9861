"""A proof is worth something because one module makes it: forwarding takes a permit, and only deciding has permits."""

import ast

import pytest

from tests.structure.sources import Source, calls, product

MAKERS = {
    "Caller": "proxy/path/identify.py",
    "Clearance": "policy/containment.py",
    "Permit": "policy/decision.py",
    "Lease": "proxy/path/lease.py",
}


@pytest.mark.parametrize(("proof", "maker"), MAKERS.items(), ids=MAKERS)
def test_a_proof_has_one_maker(proof: str, maker: str) -> None:
    assert {source.path for source in product() if proof in {name for name, _ in calls(source)}} == {maker}


@pytest.mark.parametrize("proof", MAKERS)
def test_a_proof_has_no_second_name(proof: str) -> None:
    """An alias, a subclass, or a copy with other fields would be a second way to make one."""
    offences = [f"{source.path}:{line}" for source in product() for line in _other_ways(source, proof)]
    assert offences == []


def _other_ways(source: Source, proof: str) -> list[int]:
    found = []
    for node in ast.walk(source.tree):
        match node:
            case ast.ImportFrom(names=names) if any(n.name == proof and n.asname for n in names):
                found.append(node.lineno)
            case ast.Assign(value=ast.Name(id=name)) | ast.Assign(value=ast.Attribute(attr=name)) if name == proof:
                found.append(node.lineno)
            case ast.ClassDef(bases=bases) if any(isinstance(base, ast.Name) and base.id == proof for base in bases):
                found.append(node.lineno)
            case ast.Attribute(value=ast.Name(id=name), attr="__new__") if name == proof:
                found.append(node.lineno)
    return found


def test_the_finder_finds() -> None:
    """The rules above on a module that breaks each of them."""
    text = "from a import Permit as P\nQ = Permit\nclass R(Permit): ...\nPermit.__new__(Permit)\nmake(Permit(1))\n"
    source = Source("x.py", 5, ast.parse(text))
    assert sorted(_other_ways(source, "Permit")) == [1, 2, 3, 4]
    assert ("Permit", 5) in set(calls(source))
