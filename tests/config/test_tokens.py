"""The tokens file: who is who, and what is wrong with it."""

import hashlib
import os
from pathlib import Path

import pytest

from proxy.config import read_config
from proxy.path.identify import Holder
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems
from proxy.settings.tokens import load_tokens

DIGEST = hashlib.sha256(b"token").hexdigest()
GOOD = f'[[tokens]]\nsha256 = "{DIGEST}"\nagent = "billing"\n'


def _file(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_stands_for_its_holder(tmp_path: Path) -> None:
    more = f'[[tokens]]\nsha256 = "{"0" * 64}"\ntenant = "acme"\nagent = "ops"\nuser = "alice"\n'
    assert load_tokens(_file(tmp_path, GOOD + more)) == {
        DIGEST: Holder("default", "billing", None),
        "0" * 64: Holder("acme", "ops", "alice"),
    }


def test_tokens_open_the_listener_to_others_and_name_the_tenants(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD.replace("agent", 'tenant = "acme"\nagent'), 0o400)
    config = read_config(Flags(listen="0.0.0.0:1", tokens=str(path), upstreams=("a=https://h/",)), {"HOME": "/h"})
    assert config.identity.tenants == {"acme"}
    assert DIGEST not in repr(config)


BAD = [
    pytest.param(GOOD, 0o640, "is open to others", id="group-can-read"),
    pytest.param(GOOD + GOOD, 0o600, "tokens[2].sha256: this token stands there twice", id="twice"),
    pytest.param(GOOD.replace(DIGEST, "token"), 0o600, "tokens[1].sha256: Expected `str` matching", id="plain-token"),
    pytest.param(GOOD.replace(DIGEST, DIGEST + "\\n"), 0o600, "tokens[1].sha256", id="line-end"),
    pytest.param(GOOD.replace(DIGEST, DIGEST.upper()), 0o600, "tokens[1].sha256", id="upper-case"),
    pytest.param(GOOD.replace("agent", "agnet"), 0o600, "Did you mean agent?", id="misspelled"),
    pytest.param("", 0o600, "is no list of tokens", id="empty"),
    pytest.param("tokens = [1]", 0o600, "tokens[1]: is no table", id="no-table"),
    pytest.param(GOOD + "[other]", 0o600, "is no list of tokens", id="something-else"),
]


@pytest.mark.parametrize(("text", "mode", "problem"), BAD)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, mode: int, problem: str) -> None:
    with pytest.raises(ConfigProblems) as found:
        load_tokens(_file(tmp_path, text, mode))
    assert problem in str(found.value)


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD)
    os.chown(path, 4711, 4711)
    with pytest.raises(ConfigProblems, match="belongs to user id 4711"):
        load_tokens(path)
