"""Who a person is on this machine: the login name that a user id has."""

import os
import pwd


def login_of(uid: int) -> str:
    """The login name of a user id, else `uid N`; the system may have to ask a server for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def operator_name() -> str:
    """Who gives an order: the user of this process."""
    return login_of(os.getuid())
