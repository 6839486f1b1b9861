"""Challenges: where metadata lies is found by the grammar, and only that is replaced."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.challenges import UnclearChallenge, metadata_places, with_metadata_at

CLIENTS = re.compile(r'resource_metadata=(?:"([^"]+)"|([^\s,]+))')
"""How the Python and TypeScript SDKs look for the place, wherever it stands."""

PIECES = ["Bearer ", "Basic", "DPoP ", "resource_metadata", "Resource_Metadata", "realm", "x", "=", '"', "\\", ",", ";",
          " ", "\t", "https://evil.example/a", "abc==", "é", "\x7f"]  # fmt: skip

OURS = "http://127.0.0.1:8900/.well-known/oauth-protected-resource/files"
URL = "https://tools.example/.well-known/oauth-protected-resource/mcp"

NAMED = [
    pytest.param(f'Bearer resource_metadata="{URL}"', [URL], "Bearer resource_metadata=<>", id="alone"),
    pytest.param(
        f'Bearer error="invalid_token", error_description="a, b", resource_metadata="{URL}", scope="a b"',
        [URL],
        'Bearer error="invalid_token", error_description="a, b", resource_metadata=<>, scope="a b"',
        id="among-others",
    ),
    pytest.param(
        f'Bearer error="insufficient_scope",scope="files:write",resource_metadata="{URL}"',
        [URL],
        'Bearer error="insufficient_scope",scope="files:write",resource_metadata=<>',
        id="step-up-without-blanks",
    ),
    pytest.param(f'bearer Resource_Metadata = "{URL}"', [URL], "bearer Resource_Metadata = <>", id="case-and-blanks"),
    pytest.param(f"Bearer resource_metadata={URL}", [URL], "Bearer resource_metadata=<>", id="without-quotes"),
    pytest.param(f"Bearer resource_metadata={URL}, a=b", [URL], "Bearer resource_metadata=<>, a=b", id="bare-first"),
    pytest.param(
        f'Basic realm="x", Bearer resource_metadata="{URL}"',
        [URL],
        'Basic realm="x", Bearer resource_metadata=<>',
        id="second-challenge",
    ),
    pytest.param(
        f'Negotiate abc==, , Newauth realm="a", title="Log \\"in\\"", DPoP resource_metadata="{URL}",algs="ES256"',
        [URL],
        'Negotiate abc==, , Newauth realm="a", title="Log \\"in\\"", DPoP resource_metadata=<>,algs="ES256"',
        id="token68-empty-elements-escapes",
    ),
    pytest.param(
        f'Negotiate, Bearer resource_metadata="{URL}"',
        [URL],
        "Negotiate, Bearer resource_metadata=<>",
        id="scheme-alone",
    ),
    pytest.param(f'Bearer , resource_metadata="{URL}"', [URL], "Bearer , resource_metadata=<>", id="empty-first"),
    pytest.param(
        'Bearer resource_metadata="https://a\\/b"', ["https://a/b"], "Bearer resource_metadata=<>", id="escaped"
    ),
    pytest.param('Bearer resource_metadata=""', [""], "Bearer resource_metadata=<>", id="empty-value"),
    pytest.param(
        f'Bearer resource_metadata="{URL}", resource_metadata="https://b.example"',
        [URL, "https://b.example"],
        "Bearer resource_metadata=<>, resource_metadata=<>",
        id="twice",
    ),
    pytest.param(
        'Bearer resource_metadata="https://a.example/resource_metadata?resource_metadata=x"',
        ["https://a.example/resource_metadata?resource_metadata=x"],
        "Bearer resource_metadata=<>",
        id="its-name-in-its-value",
    ),
    pytest.param(f'Bearer resource_metadata="{URL}" \t', [URL], "Bearer resource_metadata=<> \t", id="blanks-behind"),
    pytest.param(
        f'Bearer realm="é", resource_metadata="{URL}"',
        [URL],
        'Bearer realm="é", resource_metadata=<>',
        id="other-bytes",
    ),
]

NOT_NAMED = [
    pytest.param("Bearer", id="bare"),
    pytest.param('Bearer error="invalid_token"', id="no-metadata"),
    pytest.param('Basic realm="WallyWorld"', id="basic"),
    pytest.param('Bearer "no parameter', id="not-the-grammar-and-no-metadata"),
    pytest.param("", id="empty"),
]

UNCLEAR = [
    pytest.param('Bearer realm="resource_metadata=https://a.example"', id="in-quotes"),
    pytest.param(
        f'Bearer realm="x, resource_metadata=https://a.example/", resource_metadata="{URL}"', id="in-quotes-and-beside"
    ),
    pytest.param(f'Bearer x_resource_metadata="{URL}"', id="part-of-a-longer-name"),
    pytest.param(f'Bearer resource_metadata="{URL}', id="quotes-open"),
    pytest.param(f'Bearer resource_metadata="{URL}"x', id="text-behind-quotes"),
    pytest.param(f'resource_metadata="{URL}"', id="no-scheme"),
    pytest.param(f'Bearer error=invalid token, resource_metadata="{URL}"', id="blank-in-a-bare-value"),
    pytest.param(f'Bearer Basic resource_metadata="{URL}"', id="two-schemes-without-comma"),
    pytest.param(f'Bearer error="a"; resource_metadata="{URL}"', id="semicolon"),
    pytest.param("Bearer resource_metadata==", id="token68"),
    pytest.param("Bearer resource_metadata", id="no-value"),
    pytest.param(f'Bearer a="b" resource_metadata="{URL}"', id="no-comma"),
    pytest.param(f'Bearer resource_metadata*="{URL}"', id="extended-name"),
    pytest.param(f'Bearer a="\r", resource_metadata="{URL}"', id="control-character"),
    pytest.param(f'resource_metadata Bearer resource_metadata="{URL}"', id="as-a-scheme"),
]


@pytest.mark.parametrize(("value", "urls", "replaced"), NAMED)
def test_what_is_named_is_found_and_replaced_alone(value: str, urls: list[str], replaced: str) -> None:
    places = metadata_places(value)
    assert [place.url for place in places] == urls
    assert with_metadata_at(value, places, OURS) == replaced.replace("<>", f'"{OURS}"')
    again = metadata_places(with_metadata_at(value, places, OURS))
    assert [place.url for place in again] == [OURS] * len(urls)


@pytest.mark.parametrize("value", NOT_NAMED)
def test_a_value_without_metadata_stays_as_it_is(value: str) -> None:
    assert metadata_places(value) == ()
    assert with_metadata_at(value, (), OURS) == value


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_value_that_two_readers_read_differently(value: str) -> None:
    with pytest.raises(UnclearChallenge):
        metadata_places(value)


@pytest.mark.parametrize(
    "piece", ['a="b",', "a=b,", "Bearer ", ",", '"', "\\", "a", "a ", "a=", "resource_metadata=x,", " \t"]
)
def test_time_grows_with_the_length_only(piece: str) -> None:
    """Eight times the length takes about eight times as long; were every place looked at from every other, 64."""
    assert _seconds(piece * (1 << 16)) < 30 * max(_seconds(piece * (1 << 13)), 0.001)


def _seconds(parameters: str) -> float:
    """CPU time of one reading, the shortest of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        with suppress(UnclearChallenge):
            metadata_places("Bearer resource_metadata=x, " + parameters)
        taken.append(time.process_time() - began)
    return min(taken)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_real_clients_find_our_place_or_none(value: str) -> None:
    try:
        places = metadata_places(value)
    except UnclearChallenge:
        return
    rewritten = with_metadata_at(value, places, OURS)
    assert {quoted or bare for quoted, bare in CLIENTS.findall(rewritten)} <= {OURS}
    assert [place.url for place in metadata_places(rewritten)] == [OURS] * len(places)
