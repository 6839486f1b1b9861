"""The closed table of what policies may call in the embedded engine; `tests/policy` measures it against a real OPA.

What few policies call lies in modules that are loaded when one does: a sidecar without such a policy carries none.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from policy.program.collections import COLLECTIONS
from policy.program.numbers import NUMBERS
from policy.program.objects import OBJECTS
from policy.program.texts import TEXTS
from policy.program.writing import WRITING

_ELSEWHERE: Final = {
    "bits": "bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor",
    "digests": "crypto.hmac.equal crypto.hmac.md5 crypto.hmac.sha1 crypto.hmac.sha256 crypto.hmac.sha512 crypto.md5"
    " crypto.sha1 crypto.sha256",
    "documents": "json.filter json.is_valid json.marshal json.remove json.unmarshal",
    "encodings": "base64.decode base64.encode base64.is_valid base64url.decode base64url.encode"
    " base64url.encode_no_pad hex.decode hex.encode urlquery.decode urlquery.decode_object urlquery.encode"
    " urlquery.encode_object",
    "globs": "glob.match glob.quote_meta",
    "graphs": "graph.reachable graph.reachable_paths",
    "moments": "time.add_date time.clock time.date time.parse_duration_ns time.parse_rfc3339_ns time.weekday",
    "networks": "net.cidr_contains net.cidr_intersects net.cidr_is_valid",
    "patterns": "regex.find_all_string_submatch_n regex.find_n regex.is_valid regex.match regex.replace regex.split",
    "semver": "semver.compare semver.is_valid",
    "units": "units.parse units.parse_bytes",
}
"""By module, what its own table has."""


class _Table(Mapping[str, Any]):
    """A table, of which parts are loaded when something in them is looked up."""

    def __init__(self, here: Mapping[str, Any], elsewhere: Mapping[str, str]) -> None:
        self._here = here
        self._modules = {name: module for module, names in elsewhere.items() for name in names.split()}

    def __getitem__(self, name: str) -> Any:
        if name in self._here:
            return self._here[name]
        return import_module(f"policy.program.{self._modules[name]}").BUILTINS[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._here
        yield from self._modules

    def __contains__(self, name: object) -> bool:
        return name in self._here or name in self._modules

    def __len__(self) -> int:
        return len(self._here) + len(self._modules)


BUILTINS: Final[Mapping[str, Any]] = _Table({**COLLECTIONS, **NUMBERS, **OBJECTS, **TEXTS, **WRITING}, _ELSEWHERE)
"""By the names of a plan: functions of the operands, or Metered ones."""
