"""DNS rebinding: a page in a browser that reached this address by a name of its own, on every leg."""

from collections.abc import Iterator

from tests.attacks.documents import CALL
from tests.attacks.exchanges import HttpRow

_LEGS = [
    ("post", "POST", "/files", CALL),
    ("get", "GET", "/files", b""),
    ("delete", "DELETE", "/files", b""),
    ("options", "OPTIONS", "/files", b""),
    ("legacy-message", "POST", "/files/-/0123456789abcdef0123456789abcdef", CALL),
    ("nowhere", "GET", "/elsewhere", b""),
]
_STRANGERS = [
    ("foreign-host", ["Host: evil.example"], 403, "host_not_allowed"),
    ("host-that-begins-well", ["Host: 127.0.0.1.evil.example"], 403, "host_not_allowed"),
    ("another-port", ["Host: 127.0.0.1:1"], 403, "host_not_allowed"),
    ("decimal-address", ["Host: 2130706433"], 403, "host_not_allowed"),
    ("any-address", ["Host: 0.0.0.0"], 403, "host_not_allowed"),
    ("trailing-dot", ["Host: localhost."], 403, "host_not_allowed"),
    ("mapped-address", ["Host: [::ffff:127.0.0.1]"], 403, "host_not_allowed"),
    ("foreign-origin", ["Origin: http://evil.example"], 403, "origin_not_allowed"),
    ("null-origin", ["Origin: null"], 403, "origin_not_allowed"),
    ("empty-origin", ["Origin:"], 403, "origin_not_allowed"),
    ("origin-that-begins-well", ["Origin: http://localhost.evil.example"], 403, "origin_not_allowed"),
    ("origin-with-a-user", ["Origin: http://localhost@evil.example"], 403, "origin_not_allowed"),
    ("origin-of-another-scheme", ["Origin: file://127.0.0.1"], 403, "origin_not_allowed"),
    ("extension-origin", ["Origin: chrome-extension://abcdef"], 403, "origin_not_allowed"),
    ("two-origins", ["Origin: http://localhost", "Origin: http://evil.example"], 403, "origin_not_allowed"),
]
_HOSTLESS = [
    ("no-host", ["-Host"], None),
    ("two-hosts", ["Host: 127.0.0.1:%PORT%", "Host: evil.example"], None),
    ("two-hosts-in-one", ["Host: 127.0.0.1, evil.example"], "host_missing"),
    ("host-with-a-user", ["Host: x@127.0.0.1"], "host_missing"),
    ("empty-host", ["Host:"], "host_missing"),
]
"""The HTTP parser refuses the first two by itself."""
_ADMIN = ("/livez", "/readyz", "/metrics")
_ADMIN_STRANGERS = [
    ("foreign-host", ["Host: evil.example"], 403),
    ("host-that-begins-well", ["Host: 127.0.0.1.evil.example"], 403),
    ("no-host", ["-Host"], 400),
    ("two-hosts", ["Host: 127.0.0.1:%PORT%", "Host: evil.example"], 400),
    ("empty-host", ["Host:"], 403),
    ("any-origin", ["Origin: http://localhost"], 403),
    ("foreign-origin", ["Origin: http://evil.example"], 403),
    ("null-origin", ["Origin: null"], 403),
]


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for leg, method, path, body in _LEGS:
        for name, headers, status, code in _STRANGERS:
            yield HttpRow(f"rebinding/{leg}-{name}", status, code, body=body, headers=headers, method=method, path=path)
        for name, headers, shown in _HOSTLESS:
            yield HttpRow(f"rebinding/{leg}-{name}", 400, shown, body=body, headers=headers, method=method, path=path)
    for path in _ADMIN:
        for name, headers, status in _ADMIN_STRANGERS:
            yield HttpRow(f"rebinding/admin{path}-{name}", status, headers=headers, method="GET", path=path, admin=True)
    for name, headers in (
        ("without-an-origin", []),
        ("a-loopback-origin", ["Origin: http://localhost:5173"]),
        ("localhost", ["Host: localhost:%PORT%"]),
    ):
        yield HttpRow(f"rebinding/passes-{name}", 200, body=CALL, headers=headers, arrives=[CALL], passes=True)
