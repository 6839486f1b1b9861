"""An operator's file of detectors: what is in it, and everything that is wrong with it at once."""

from pathlib import Path

import pytest

from evidence.redaction.loading import DetectorProblems, built_in, load_detectors, together
from evidence.redaction.redactor import Redactor

GOOD = """
[[detectors]]
id = "employee"
kind = "other"
title = "numbers of employees"
words = ["employee", "staff no"]
examples = ["E-12345", "employee 98765"]
near = ["98765"]
[[detectors.forms]]
pattern = '''\\bE-[0-9]{5}\\b'''
[[detectors.forms]]
pattern = '''\\b[0-9]{5}\\b'''
needs_word = true
"""
BAD = """
[[detectors]]
id = "Wrong Id"
kind = "thing"
title = "x"
validator = "luna"
color = "red"
examples = ["x"]
[[detectors.forms]]
pattern = '''a(?=b)'''
[[detectors.forms]]
pattern = '''[a-z]+@'''
[[detectors.forms]]
pattern = '''a{0,3}'''
needs_word = "yes"
[[detectors]]
id = "no_forms"
kind = "other"
title = "y"
examples = []
"""


def _file(folder: Path, text: str, name: str = "own.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_own_detectors_stand_before_the_built_in_ones(tmp_path: Path) -> None:
    own = load_detectors(_file(tmp_path, GOOD))
    redactor = Redactor(b"k", "acme", detectors=together(own, off=("ipv4",)))
    assert redactor.text("E-12345, staff no. 98765, 98765, 10.1.2.3 and ann@mail.example") == (
        "[employee], staff no. [employee], [employee], 10.1.2.3 and [email]"
    )


def test_an_own_detector_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    own = load_detectors(_file(tmp_path, GOOD.replace('"employee"\nkind', '"email"\nkind')))
    assert [one.id for one in together(own)].count("email") == 1
    assert len(together(own)) == len(built_in())


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = _file(tmp_path, BAD)
    with pytest.raises(DetectorProblems) as found:
        load_detectors(file)
    told = [(problem.where.removeprefix(f"{file}: "), problem.what) for problem in found.value.problems]
    assert told == [
        ("Wrong Id: color", "there is no such key"),
        ("Wrong Id: id", "'Wrong Id' does not fit"),
        ("Wrong Id: kind", "'thing' does not fit"),
        ("Wrong Id: validator", "'luna' does not fit"),
        ("Wrong Id: forms[1]: pattern", "is no regular expression of RE2: invalid perl operator: (?="),
        ("Wrong Id: forms[2]: pattern", "repeats without an end (*, + or {n,})"),
        ("Wrong Id: forms[3]: needs_word", "'yes' is neither true nor false"),
        ("Wrong Id: forms[3]: pattern", "matches the empty text"),
        ("no_forms: examples", "is no list of texts"),
        ("no_forms: forms", "is no list of tables"),
    ]
    assert all(problem.remedy for problem in found.value.problems)


ONE = [
    pytest.param("[[detectors]\n", "cannot be parsed", id="no-toml"),
    pytest.param("x = 1\n", "is no list of detectors", id="something-else"),
    pytest.param(GOOD + GOOD, "employee: stands there twice", id="twice"),
    pytest.param(GOOD.replace("E-12345", "E-1234"), "employee: examples: 'E-1234' is not found", id="a-wrong-example"),
    pytest.param(
        GOOD.replace('near = ["98765"]', 'near = ["E-11111"]'), "near: 'E-11111' is found", id="a-wrong-near-miss"
    ),
    pytest.param(
        GOOD.replace('words = ["employee", "staff no"]\n', ""),
        "employee: needs_word: there are no words",
        id="no-words",
    ),
]


@pytest.mark.parametrize(("text", "told"), ONE)
def test_one_problem(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DetectorProblems, match=r"own\.toml") as found:
        load_detectors(_file(tmp_path, text))
    assert told in str(found.value)


ENDLESS = [
    pytest.param("[+*]{1,3}", False, id="signs-in-a-class"),
    pytest.param(r"\+\*{1,2}", False, id="escaped-signs"),
    pytest.param("[]+]x", False, id="a-bracket-first-in-a-class"),
    pytest.param("a+", True, id="plus"),
    pytest.param("[a]*b", True, id="star"),
    pytest.param("a{3,}", True, id="at-least"),
    pytest.param("(?:ab)+?", True, id="not-greedy"),
]


@pytest.mark.parametrize(("pattern", "refused"), ENDLESS)
def test_repeats_without_an_end(tmp_path: Path, pattern: str, refused: bool) -> None:  # noqa: FBT001
    text = GOOD.replace(r"\bE-[0-9]{5}\b", pattern)
    with pytest.raises(DetectorProblems) as found:
        load_detectors(_file(tmp_path, text))
    assert ("without an end" in str(found.value)) is refused


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DetectorProblems, match="cannot be read"):
        load_detectors(tmp_path / "none.toml")
