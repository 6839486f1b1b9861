"""Challenges of WWW-Authenticate (RFC 9110, section 11.6.1), as far as they say where resource metadata lies.

    WWW-Authenticate = #( auth-scheme [ 1*SP ( token68 / #( token BWS "=" BWS ( token / quoted-string ) ) ) ] )

Real servers write a URL without quotes too, although it is no token, and real clients read it: so does this reader,
up to the next blank or comma.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

PARAMETER: Final = "resource_metadata"
"""RFC 9728, section 5.1."""

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*+"'
_BARE = r'[^\x00-\x20\x7f,"]++'
_ENDS = r"[ \t]*+(?=,|\Z)"
_PARAM = re.compile(rf"(?P<name>{_WORD})[ \t]*+=[ \t]*+(?P<value>{_QUOTED}|{_BARE}){_ENDS}")
_SCHEME = re.compile(rf"{_WORD}(?: ++|(?=,|\Z))")
_TOKEN68 = re.compile(rf"[A-Za-z0-9._~+/-]++=*+{_ENDS}")
_GAP = re.compile(r"[ \t,]*+")
_PAIR = re.compile(r"\\(.)", re.DOTALL)


class UnclearChallenge(Exception):
    """Two readers could find two places of the metadata in this header value."""


class Named(NamedTuple):
    """Where the value of a parameter stands in the text, quotes included, and what it says."""

    begin: int
    end: int
    url: str


def metadata_places(value: str) -> tuple[Named, ...]:
    """Where the challenges of one header value say that metadata lies, in order; none in most.

    Raises UnclearChallenge if the parameter's name stands in a value that does not follow the grammar, or in another
    place of it than as a parameter: many clients look for the name alone.
    """
    if PARAMETER not in value.lower():
        return ()
    places = tuple(
        Named(*each.span("value"), _said(each["value"]))
        for each in _parameters(value)
        if each["name"].lower() == PARAMETER
    )
    if _elsewhere(value, places).lower().count(PARAMETER) != len(places):
        raise UnclearChallenge
    return places


def with_metadata_at(value: str, places: tuple[Named, ...], url: str) -> str:
    """The header value with `url` in all of its places, and every other character as it came."""
    pieces: list[str] = []
    at = 0
    for place in places:
        pieces += (value[at : place.begin], f'"{url}"')
        at = place.end
    return "".join((*pieces, value[at:]))


def _elsewhere(value: str, places: tuple[Named, ...]) -> str:
    return with_metadata_at(value, places, "")


def _parameters(value: str) -> Iterator[re.Match[str]]:
    """Each parameter of each challenge. Raises UnclearChallenge."""
    at, challenged, fresh = _gap(value, 0), False, True
    while at < len(value):
        if challenged and (parameter := _PARAM.match(value, at)) is not None:
            yield parameter
            end = parameter.end()
        elif fresh and (scheme := _SCHEME.match(value, at)) is not None:
            challenged, end = True, _after_scheme(value, scheme.end())
        else:
            raise UnclearChallenge
        at = _gap(value, end)
        fresh = "," in value[end:at]


def _after_scheme(value: str, at: int) -> int:
    """Behind the token68 of a challenge, where it has one instead of parameters."""
    token = _TOKEN68.match(value, at)
    return at if token is None else token.end()


def _gap(value: str, at: int) -> int:
    return _GAP.match(value, at).end()  # type: ignore[union-attr]  # it matches the empty string everywhere


def _said(value: str) -> str:
    return _PAIR.sub(r"\1", value[1:-1]) if value.startswith('"') else value
