"""Regal, where it is installed: what it finds is said and not counted, for a score must not depend on a machine."""

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any, Final

from policy.quality.finding import Case, Finding, Part, counted
from policy.quality.opa import run
from policy.quality.sources import Sources

_CLEAN: Final = frozenset({0, 2, 3})
"""Its codes: nothing found, warnings, errors. Anything else is a failure of its own."""


def regal_part(sources: Sources, environ: Mapping[str, str]) -> Part:
    """What `regal lint` says; a note if it is not installed, or fails."""
    binary = shutil.which("regal", path=environ.get("PATH", os.defpath))
    if binary is None:
        return Part("regal", None, "not installed; nothing is counted for it")
    done = run([binary, "lint", "--format", "json", *map(str, sources.folders)])
    try:
        violations = json.loads(done.stdout)["violations"] or []
        findings = tuple(_finding(one) for one in violations)
    except (ValueError, KeyError, TypeError):
        return Part("regal", None, f"ended with code {done.returncode} and no report; nothing is counted for it")
    if done.returncode not in _CLEAN:
        return Part("regal", None, f"ended with code {done.returncode}; nothing is counted for it")
    return Part(
        "regal",
        None,
        f"{counted(len(findings), 'finding')}; nothing is counted for it",
        (Case("regal lint", findings),),
    )


def _finding(violation: Mapping[str, Any]) -> Finding:
    place = violation["location"]
    more = next((one["ref"] for one in violation.get("related_resources") or ()), "")
    rule, what = f"regal:{violation['title']}", str(violation["description"])
    return Finding(
        rule, str(place["file"]), int(place["row"]), what, f"See {more}" if more else "See regal's own pages."
    )
