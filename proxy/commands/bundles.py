"""`policy build|sign|verify|inspect`: the flags of what is done with bundles, and the one call that each comes to."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.commands.command import bundle_arguments, bundle_of
from proxy.config import environment

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_SCOPE: Final = "what the signature is for (default: nothing in particular)"


def arguments(below: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the four on the parser of `policy`."""
    _build_arguments(below.add_parser("build", help="make a bundle of a folder of Rego and data"))
    _sign_arguments(below.add_parser("sign", help="sign a bundle, in OPA's own format"))
    _verify_arguments(below.add_parser("verify", help="whether one of your keys signed a bundle, and all of it"))
    inspect = below.add_parser("inspect", help="what a bundle says and holds; nothing of it is verified")
    bundle_arguments(inspect)
    inspect.add_argument("--json", action="store_true", dest="as_json", help="print it as JSON")


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="rules, data, and a .manifest if there is one")
    add("-o", "--output", type=Path, metavar="FILE", required=True, help="the bundle to write (.tar.gz)")
    add("--version", type=int, metavar="N", help="a number that rises with each bundle; needed for signing")
    add("--revision", metavar="TEXT", help="what records call it (default: a digest of its files)")
    add("--rollback-of", type=int, metavar="N", help="the active version that this older one may replace")
    add("--engine", choices=("embedded", "opa"), default="embedded", help="which engine looks at it first")


def _sign_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("bundle", type=Path, metavar="BUNDLE", help="a bundle (.tar.gz) with a version")
    add("--key", type=Path, metavar="PRIVATE.pem", required=True, help="an EC key on P-256, or an RSA key")
    add("--keyid", metavar="ID", help="what sidecars call the key (default: from its public half)")
    add("--algorithm", choices=("ES256", "RS256"), help="refuse a key that is for another algorithm")
    add("--scope", metavar="TEXT", default="", help=_SCOPE)
    add("-o", "--output", type=Path, metavar="FILE", required=True, help="the signed bundle to write")


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    bundle_arguments(parser)
    add = parser.add_argument
    add("--key", metavar="ID=PUBLIC.pem", action="append", required=True, help="a public key that counts, by its id")
    add("--scope", metavar="TEXT", default="", help=_SCOPE)
    add("--json", action="store_true", dest="as_json", help="print one JSON object")


def _build(given: argparse.Namespace) -> int:
    from evidence.version import own_version
    from policy.building import Wanted
    from policy.bundle_commands import run_build

    built_by = f"agentgate {own_version()}"
    wanted = Wanted(built_by, given.version, given.revision, given.rollback_of)
    return run_build(given.folder, wanted, given.output, engine=given.engine, environ=environment(), out=sys.stdout)


def _sign(given: argparse.Namespace) -> int:
    from policy.bundle_commands import run_sign

    return run_sign(
        given.bundle,
        given.key,
        given.output,
        keyid=given.keyid,
        algorithm=given.algorithm,
        scope=given.scope,
        out=sys.stdout,
    )


def _verify(given: argparse.Namespace) -> int:
    from policy.bundle_commands import run_verify

    return run_verify(bundle_of(given), given.key, scope=given.scope, out=sys.stdout, as_json=given.as_json)


def _inspect(given: argparse.Namespace) -> int:
    from policy.bundle_commands import run_inspect

    return run_inspect(bundle_of(given), as_json=given.as_json, out=sys.stdout)


RUN: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "build": _build,
    "sign": _sign,
    "verify": _verify,
    "inspect": _inspect,
}
