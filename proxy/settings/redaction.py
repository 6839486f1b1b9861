"""From the settings of redaction to what is looked for and what becomes of it; without any nothing is loaded."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policy.obligations import pointer
from proxy.redacting import RedactionConfig
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings
from proxy.settings.shape import RedactionRuleSettings, RedactionSettings

if TYPE_CHECKING:
    from evidence.redaction.detectors import Detector

_AT: Final[KeyPath] = ("evidence", "redaction")
_EMPTY: Final = (
    "Name what the rule is about: at, tool, detector or kind; for everything else there is evidence.redaction.mode."
)


def read_redaction(
    given: RedactionSettings, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> RedactionConfig:
    """What is looked for, and what becomes of it. `path_of` gives the absolute path of a file that a key names."""
    if given == RedactionSettings():
        return RedactionConfig()
    from evidence.redaction.choosing import Rule  # With settings alone: RE2 is not needed without.

    detectors = _detectors(given, path_of, found)
    known = {detector.id for detector in detectors}
    _check_ids(given.off, known | set(given.off) & _built_in_ids(), origin, found)
    _check_rules(given.rules, known, origin, found)
    rules = tuple(
        Rule(one.mode, None if one.at is None else pointer(one.at), one.tool, one.detector, one.kind)
        for one in given.rules.values()
    )
    return RedactionConfig(given.mode, rules, detectors)


def _detectors(
    given: RedactionSettings, path_of: Callable[[KeyPath, str], Path], found: Findings
) -> "tuple[Detector, ...]":
    from evidence.redaction.loading import DetectorProblems, load_detectors, together

    own: tuple[Detector, ...] = ()
    if given.detectors_file is not None:
        try:
            own = load_detectors(path_of((*_AT, "detectors_file"), given.detectors_file))
        except DetectorProblems as problems:
            for problem in problems.problems:
                found.add(problem.where, problem.what, problem.remedy)
    return together(own, given.off)


def _built_in_ids() -> set[str]:
    from evidence.redaction.loading import built_in

    return {detector.id for detector in built_in()}


def _check_ids(off: tuple[str, ...], known: set[str], origin: Origin, found: Findings) -> None:
    for id in off:
        if id not in known:
            found.add(origin.where((*_AT, "off")), f"there is no detector {id!r}", _known(known))


def _check_rules(rules: Mapping[str, RedactionRuleSettings], known: set[str], origin: Origin, found: Findings) -> None:
    for name, rule in rules.items():
        at = (*_AT, "rules", name)
        if rule.detector is not None and rule.detector not in known:
            found.add(origin.where((*at, "detector")), f"there is no detector {rule.detector!r}", _known(known))
        if (rule.at, rule.tool, rule.detector, rule.kind) == (None, None, None, None):
            found.add(origin.where(at), "is about nothing", _EMPTY)


def _known(known: set[str]) -> str:
    return f"Those that are used: {', '.join(sorted(known))}."
