"""What signing keys are encrypted under, as settings name it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from evidence.key_files import Passphrase, Protection, make_wrapping_key, read_passphrase, read_wrapping_key
from evidence.keys import KeyProblem

WRAPPING_NAME: Final = "wrapping.key"

Text = Annotated[str, Meta(min_length=1)]


class KeySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A passphrase (in a file, or in a variable of the environment that is named here), or a wrapping key in a file.
    Without any of them a wrapping key is made in the state folder."""

    passphrase_file: Annotated[Text | None, Meta(description="Write the path of a file.")] = None
    passphrase_variable: Annotated[Text | None, Meta(description="Write the name of a variable.")] = None
    wrapping_key_file: Annotated[Text | None, Meta(description="Write the path of a file.")] = None


def named_protection(
    given: KeySettings, path_of: Callable[[str], Path], environ: Mapping[str, str]
) -> Protection | None:
    """What the settings name; None for nothing. Raises KeyProblem."""
    names = [name for name in given.__struct_fields__ if getattr(given, name) is not None]
    if len(names) > 1:
        raise KeyProblem(f"keys: {' and '.join(names)} are given: keep one of them")
    try:
        if given.passphrase_file is not None:
            return read_passphrase(path_of(given.passphrase_file))
        if given.wrapping_key_file is not None:
            return read_wrapping_key(path_of(given.wrapping_key_file))
    except KeyProblem as problem:
        raise KeyProblem(f"keys.{names[0]}: {problem}") from problem
    if given.passphrase_variable is None:
        return None
    words = environ.get(given.passphrase_variable, "")
    if not words:
        raise KeyProblem(
            f"keys.passphrase_variable: {given.passphrase_variable} is not set: put the passphrase into it"
        )
    return Passphrase(words.encode())


def local_wrapping_key(state: Path) -> Protection:
    """The wrapping key in a state folder; made if no key needs one that is lost. Raises KeyProblem."""
    path = state / WRAPPING_NAME
    if path.exists():
        return read_wrapping_key(path)
    if any((state / "keys").glob("*/*.key")):
        raise KeyProblem(
            f"{path} is gone, and keys may be encrypted under it: bring it back, or name what they are under"
        )
    return make_wrapping_key(path)
