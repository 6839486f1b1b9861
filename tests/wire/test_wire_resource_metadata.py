"""Resource metadata: where it lies, what it speaks of, and what of it is replaced."""

import json

import pytest

from proxy.wire.resource_metadata import (
    MAX_URL,
    PROTECTED,
    NoDocument,
    beside,
    covers,
    own_issuer,
    path_form,
    resource_document,
    resource_of,
    root_form,
    with_resource,
)

UPSTREAM = "https://tools.example/mcp"
OURS = "http://127.0.0.1:8900/files"


@pytest.mark.parametrize(
    ("url", "path", "root"),
    [
        pytest.param(UPSTREAM, "https://tools.example/W/mcp", "https://tools.example/W", id="path"),
        pytest.param("https://tools.example", "https://tools.example/W", "https://tools.example/W", id="no-path"),
        pytest.param("https://tools.example/", "https://tools.example/W", "https://tools.example/W", id="slash"),
        pytest.param(
            "https://tools.example/a/b/", "https://tools.example/W/a/b/", "https://tools.example/W", id="deep"
        ),
        pytest.param("http://[::1]:1/mcp?a=b", "http://[::1]:1/W/mcp?a=b", "http://[::1]:1/W", id="query"),
        pytest.param(
            "https://Tools.Example/a%2Fb", "https://Tools.Example/W/a%2Fb", "https://Tools.Example/W", id="as-written"
        ),
    ],
)
def test_where_a_document_lies(url: str, path: str, root: str) -> None:
    whole = f".well-known/{PROTECTED}"
    assert path_form(url, PROTECTED) == path.replace("W", whole, 1)
    assert root_form(url, PROTECTED) == root.replace("W", whole, 1)


@pytest.mark.parametrize(
    ("named", "place"),
    [
        pytest.param("https://tools.example/a/b?c=d", "https://tools.example/a/b?c=d", id="same"),
        pytest.param("HTTPS://TOOLS.example:443/a", "https://tools.example/a", id="other-spelling"),
        pytest.param("https://tools.example", "https://tools.example/", id="no-path"),
        pytest.param("https://tools.example/a#b", "https://tools.example/a", id="fragment"),
        pytest.param("https://evil.example/a", None, id="other-host"),
        pytest.param("http://tools.example/a", None, id="other-scheme"),
        pytest.param("https://tools.example:8443/a", None, id="other-port"),
        pytest.param("http://169.254.169.254/latest/meta-data", None, id="link-local"),
        pytest.param("https://tools.example@evil.example/", None, id="login"),
        pytest.param("https://tools.example\\@evil.example/", None, id="backslash"),
        pytest.param("https://tools.example.evil.example/", None, id="longer-host"),
        pytest.param("//tools.example/a", None, id="no-scheme"),
        pytest.param("/a", None, id="path-only"),
        pytest.param("file:///etc/passwd", None, id="file"),
        pytest.param("https://tools.example/a b", None, id="blank"),
        pytest.param("https://tools.example/\r\nX: y", None, id="line-break"),
        pytest.param("https://tools.example/é", None, id="not-ascii"),
        pytest.param("https://tools.example:x/", None, id="no-port"),
        pytest.param("https://[::1/", None, id="no-address"),
        pytest.param("https://tools.example/" + "a" * MAX_URL, None, id="too-long"),
        pytest.param("", None, id="empty"),
    ],
)
def test_only_places_of_the_configured_origin_count(named: str, place: str | None) -> None:
    assert beside(UPSTREAM, named) == place
    assert beside(UPSTREAM, named, OURS) == place


def test_a_place_at_the_sidecar_is_one_of_the_server() -> None:
    assert beside(UPSTREAM, "http://127.0.0.1:8900/a?b", OURS) == "https://tools.example/a?b"
    assert beside(UPSTREAM, "http://127.0.0.1:8901/a?b", OURS) is None


@pytest.mark.parametrize(
    ("resource", "covered"),
    [
        pytest.param(UPSTREAM, True, id="equal"),
        pytest.param("https://tools.example/mcp/", True, id="slash"),
        pytest.param("https://tools.example", True, id="origin"),
        pytest.param("HTTPS://TOOLS.EXAMPLE:443/mcp", True, id="other-spelling"),
        pytest.param("https://tools.example/mc", False, id="part-of-a-name"),
        pytest.param("https://tools.example/mcp/a", False, id="below"),
        pytest.param("https://other.example/mcp", False, id="other-host"),
        pytest.param("http://tools.example/mcp", False, id="other-scheme"),
        pytest.param("urn:tools", False, id="urn"),
        pytest.param("", False, id="empty"),
    ],
)
def test_which_resources_cover_the_url(resource: str, covered: bool) -> None:  # noqa: FBT001
    assert covers(resource, UPSTREAM) is covered


@pytest.mark.parametrize(
    ("document", "replaced"),
    [
        pytest.param(b'{"resource":"https://tools.example/mcp"}', b'{"resource":<>}', id="alone"),
        pytest.param(
            b' {\n "x" : 1e400 ,"resource" : "https:\\/\\/tools.example/mc\\u0070" ,"y":1,"\xc3\xa9":{"resource":1}}\n',
            b' {\n "x" : 1e400 ,"resource" : <> ,"y":1,"\xc3\xa9":{"resource":1}}\n',
            id="every-other-byte-stays",
        ),
        pytest.param(
            b'{"resource_name":"resource","resource":"https://tools.example/mcp"}',
            b'{"resource_name":"resource","resource":<>}',
            id="names-that-begin-so",
        ),
    ],
)
def test_only_the_resource_is_replaced(document: bytes, replaced: bytes) -> None:
    assert resource_of(document) == UPSTREAM
    assert with_resource(document, OURS) == replaced.replace(b"<>", json.dumps(OURS).encode())


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html></html>", id="html"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"x"', id="string"),
        pytest.param(b'{"resource":"a","resource":"b"}', id="twice"),
        pytest.param(b'{"resource":"a","Resource":"b"}', id="look-alike"),
        pytest.param(b'{"resource":"a"} x', id="more"),
        pytest.param(b'\xef\xbb\xbf{"resource":"a"}', id="byte-order-mark"),
        pytest.param(b'{"resource":"\xff"}', id="not-utf8"),
        pytest.param(b"[" * 4096, id="deep"),
    ],
)
def test_what_is_no_document(document: bytes) -> None:
    with pytest.raises(NoDocument):
        resource_of(document)


@pytest.mark.parametrize("document", [b"{}", b'{"resource":null}', b'{"resource":["https://tools.example"]}'])
def test_a_document_without_a_resource_names_none(document: bytes) -> None:
    assert resource_of(document) is None


@pytest.mark.parametrize(
    ("issuer", "own"),
    [
        pytest.param('"https://tools.example"', True, id="origin"),
        pytest.param('"https://tools.example/"', True, id="slash"),
        pytest.param('"https://tools.example/tenant"', False, id="path"),
        pytest.param('"https://as.example"', False, id="elsewhere"),
        pytest.param('"http://tools.example"', False, id="other-scheme"),
        pytest.param('"https://tools.example@as.example"', False, id="login"),
        pytest.param("1", False, id="number"),
    ],
)
def test_which_server_is_its_own_authorization_server(issuer: str, own: bool) -> None:  # noqa: FBT001
    said = own_issuer(f'{{"issuer":{issuer}}}'.encode(), UPSTREAM)
    assert said == (json.loads(issuer) if own else None)


def test_a_made_document_is_one() -> None:
    made = resource_document(OURS, "https://tools.example")
    assert resource_of(made) == OURS
    assert json.loads(made)["authorization_servers"] == ["https://tools.example"]
