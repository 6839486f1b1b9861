"""Tables for the builtins that few policies call: what is called, on what texts and numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Family:
    """Expressions over `s`, `t`, `n` and `m`, each asked for every combination of their values."""

    expressions: Sequence[str]
    s: Sequence[str] = ("",)
    t: Sequence[str] = ("",)
    n: Sequence[Any] = (0,)
    m: Sequence[Any] = (0,)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The inputs."""
        for s, t, n, m in product(self.s, self.t, self.n, self.m):
            yield {"s": s, "t": t, "n": n, "m": m}


_PATTERNS: Final = [
    "", "a", "a*", "a+?", "(a)(b)?", "(?P<x>a)|b", "(?<y>b)", "^a", "a$", r"\bab\b", r"\B", r"\d+", "[^a]", "(?i)AB",
    "(?s)a.b", "(?m)^b$", "a{2}", "a{,2}", "a{1001}", "a**", "(", ")", "[a", r"\C", r"\pL", r"\p{Lu}", r"\p{Nope}",
    r"\x{e9}", "é", "(|a)*", "(|a)+", "a|ab", "(?U)a+", r"\Qa.b\E", r"\z", r"\Z", r"(?=a)", r"\1", "[[:alpha:]]+",
    "[[:nope:]]", r"\s", r"^/srv/[a-z0-9_-]+(/[^/]+)*$", "x*", "(a|b)*c|d", ".", "(?-s).", "\\", "[b-a]", r"[\d-z]",
    r"\07", "a||b", "$", "^",
]  # fmt: skip
_SEARCHED: Final = [
    "", "a", "ab", "aab", "xaaby", "A", "b\nab", "é", "aéb", "/srv/a_1/b", "12 ab 3", "a.b", "\u212a", "ba",
]  # fmt: skip
_GLOBS: Final = [
    "", "*", "**", "?", "a*", "*a", "a?c", "a*b*c", "a**c", "*.example.com", "**.com", "[abc]", "[!abc]", "[a-c]x",
    "[!a-c]", "[]", "[!]", "[a", "[a-]", r"[\-a]", r"[\]a]", "[!!a]", "[c-a]", "{a,b}", "{a,b}*", "{a*,b?}c", "{,a}b",
    "{a,{b,c}}", "{a", "a}", "a,b", "{}", r"\*", r"a\{b", "\\", "a\\", "/srv/*/x", "/srv/**", "é?", "[é-ü]", "a.b",
    "*{*c,}", "***", "{**,x}a", "$a+(b)", "a\nb", "[\n]",
]  # fmt: skip
_GLOBBED: Final = [
    "", "a", "b", "c", "abc", "a.c", "a/b/c", "aXbYc", "foo.example.com", "a.b.example.com", "/srv/a/x", "/srv/a/b/x",
    "/srv/", "*", "a{b", "é!", "ö", "a\nb", "\n", "]", "-", "!", "ax", "bc", "a,b", "a}", "$a+(b)",
]  # fmt: skip
_JSON: Final = [
    "", " ", "null", "true", "1", "-0", "01", "1.5", "1e2", "1e400", "123456789012345678901234567890", '"a"',
    '"\\ud800"', '"\\u00e9"', '"a', "'a'", "[1, 2,]", "[1, [2, {}]]", '{"a": 1, "a": 2}', "{'a': 1}", "{a: 1}", "NaN",
    "Infinity", "1 null", "1 2", "nul", "\ufeff1", '"\t"', "[" * 40 + "]" * 40, '{"b": [null, {"c": "d"}], "a": {}}',
    "//", "\u00a01",
]  # fmt: skip
_PATHS: Final = [
    '["a"]', '["a/b"]', '["/a/b/c"]', '["a", "a/b"]', '["x"]', '[""]', '["a~1b"]', '["l/0"]', '["l/1/k"]', '["l/9"]',
    '[["a", "b"]]', '[["l", 0]]', '[["l", "0"]]', "[]", "[1]", '[["a", 1]]', '["s"]', '["a/b/c/d"]', '["/"]', '["l"]',
    '["n"]',
]  # fmt: skip
_WHOLE: Final = (
    '{"a": {"b": {"c": 1, "d": 2}, "e": [1]}, "a/b": 3, "l": [{"k": 1, "j": 2}, {"k": 3}], "n": null, "": 4}'
)
_TIMES: Final = [
    "1970-01-01T00:00:00Z", "2026-02-28T23:59:59.5Z", "2026-02-29T00:00:00Z",
    "2024-02-29T12:00:00.123456789123+02:00", "2026-01-01T00:00:00-00:00", "2026-13-01T00:00:00Z",
    "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z", "1677-09-21T00:12:43Z",
    "1677-09-21T00:12:44Z", "2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775808Z",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z",
    "2026-01-01T0:00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+25:00",
    "2026-01-01T00:00:00+23:60", "2026-01-01", "", "today", "02026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
    "2026-06-31T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
]  # fmt: skip
_DURATIONS: Final = [
    "", "0", "+0", "-0", "1", "1s", "-1.5h", "1h15m30.918s", "1us", "1µs", "1μs", "1ms", "3000000h",
    "2562047h47m16.854775807s", "2562047h47m16.854775808s", "-2562047h47m16.854775808s", ".5s", "5.s", ".s",
    "1.0000000000000000001s", "s", "1x", "+1m", "--1m", "1d", "1.5d", "2w", "1y", "1d12h", "-1d", "0.1d", "1.2.3d",
    ".d", "1D", "1d ", "1e3s", "1h 2m", "300y", "1dd", "1month", "0.3333333333333333333h", "99999999999999999999s",
    "0d", "1d1", "1w2d3h4m5s6ms7us8ns", "9223372036854775807ns",
]  # fmt: skip
_ZONES: Final = [
    "", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "No/Such",
]  # fmt: skip
_MOMENTS: Final = [
    0, -1, 999_999_999, 1_000_000_000, 1_767_225_600_000_000_001, 1_711_846_799_999_999_999,
    1_711_846_800_000_000_000, 1_729_990_800_000_000_000, 1_730_613_600_000_000_000, -2_000_000_000_000_000_000,
    4_000_000_000_000_000_000, -9_223_372_036_854_775_808, 9_223_372_036_854_775_807, 9_223_372_036_854_775_808,
    1_325_239_200_000_000_000,
]  # fmt: skip
_NETWORKS: Final = [
    "10.0.0.0/8", "10.1.2.3/16", "10.0.0.0/0", "192.168.1.1/32", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
    "10.0.0.0/08", "010.0.0.0/8", "10.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.1", "2001:db8::/32", "2001:DB8:0::1/128",
    "fe80::1%eth0/64", "::/0", "::ffff:10.0.0.1/120", "2001:db8::/129", "2001:db8::1.2.3.4/64", "1:2:3:4:5:6:7::/120",
    "", "/", "a/8", "::1", "10.0.0.0/8 ", "10.0.0.256/8", "2001:db8:1::", "10.255.255.255", "2001:db8:::/32",
    "12345::/16",
]  # fmt: skip
_VERSIONS: Final = [
    "1.0.0", "v1.0.0", "vv1.0.0", "1.0", "1.0.0.0", "01.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
    "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0+build", "1.0.0-01", "1.0.0-0", "1.0.0-1a",
    "1.0.0-", "1.0.0+", "1.0.0+a..b", "1.0.0-a.b+c.d", "9223372036854775807.0.0", "9223372036854775808.0.0",
    "1.0.0-99999999999999999999", "2.0.0", "1.10.0", "1.9.0", "", "x", "-1.0.0", "1.0.0 ", "1.0.0-é", "1.0.0--",
    "1.+0.0",
]  # fmt: skip
_ENCODED: Final = [
    "", "a", "YQ==", "YQ", "YQ=", "YWI=", "YWJj", "Y-_j", "Y+/j", "YQ==\n", "Y\nQ==", "YWJj====", "YQ==YQ==", "////",
    "gICA", "w6k=", "6", "61", "6G", "C3A9", "c3a9", "ff", "%41", "%4", "%zz", "a+b", "a=b&c=d&a=e", "a;b", "&&",
    "=x", "a=%C3%A9&b", "a=%", "é", "a b/c?d=~._-*()'", "\x00\x7f", "😀", "YR==", " YQ==", "%ff", "a&a=1",
    "q=1+2&&q=3",
]  # fmt: skip
_AMOUNTS: Final = [
    "0", "10", "10K", "10k", "10Ki", "10ki", "10KI", "1.5M", "1m", "100m", "0.5m", "1Mi", "1.1Gi", "1e3", "1E3", "1E",
    "1e", "1E+2k", "1e3Ki", "-5k", "+5k", ".5G", "5.G", ".", "", "K", "10 K", '"10K"', "10KB", "10kib", "1.1kb",
    "0.1mib", "1eb", "1.000001gib", "99eib", "1e1234567", "1.2.3k", "1-2", "1e5e5", "0x10", "1_0", "e5",
    "1000000000000000000001", "0.0000000001", "0.00000000015m", "1.15kb", "2.675kb", "1pi", "1TiB", "3.3tb", "0.7kib",
    "1e-3k", "1ee", "9007199254740993b", "1é",
]  # fmt: skip

FAMILIES: Final = {
    "patterns": Family(
        [
            "regex.match(s, t)", "regex.is_valid(s)", "regex.is_valid(n)", "regex.split(s, t)",
            "regex.find_n(s, t, -1)", "regex.find_n(s, t, 2)", "regex.find_n(s, t, 0)",
            "regex.find_all_string_submatch_n(s, t, -1)", "regex.find_all_string_submatch_n(s, t, 1)",
            'regex.replace(t, s, "<>")', 'regex.replace(t, s, "$0-${1}$x$$1$y")',
            'regex.replace(t, s, "$1x ${1}x $ ${ $- $01 $9")',
        ],
        _PATTERNS,
        _SEARCHED,
    ),
    "globs": Family(
        [
            "glob.match(s, [], t)", "glob.match(s, null, t)", 'glob.match(s, ["/"], t)',
            'glob.match(s, ["/", "é", "]"], t)', 'glob.match(s, ["ab"], t)', "glob.quote_meta(s)",
        ],
        _GLOBS,
        _GLOBBED,
    ),
    "documents": Family(
        [
            "json.unmarshal(s)", "json.is_valid(s)", "json.is_valid(n)", "json.marshal(s)",
            "json.marshal(json.unmarshal(s))", "json.marshal({s: [s, 1, null, true]})",
            'json.marshal({s, "<&>\u2028\x7f"})',
        ],
        [*_JSON, "<script>&", "\x1d\x7f", "q\"\\/"],
    ),
    "paths": Family(
        [
            "json.filter(json.unmarshal(s), json.unmarshal(t))", "json.remove(json.unmarshal(s), json.unmarshal(t))",
            "json.filter(json.unmarshal(s), {p | some p in json.unmarshal(t)})",
            'json.remove({"a": {1, "b"}}, json.unmarshal(t))', 'json.filter({"a": {1, "b"}}, json.unmarshal(t))',
        ],
        [_WHOLE, "[1]"],
        _PATHS,
    ),
    "moments": Family(
        [
            "time.date(n)", "time.clock(n)", "time.weekday(n)", "time.add_date(n, 0, 1, 0)",
            "time.add_date(n, m, 0, -m)", "time.add_date(n, m, m, m)", "time.add_date(n, 0, -25, 31)",
        ],
        n=[
            *_MOMENTS, *map(list, product(_MOMENTS, _ZONES)), [], ["0"], [0, 1], [0, "UTC", "x"], [0, "UTC", 1], "0",
            None, True, 1.5,
        ],
        m=[0, 1, -3, 200, 4_000_000],
    ),
    "times": Family(
        ["time.parse_rfc3339_ns(s)"],
        _TIMES,
    ),
    "durations": Family(
        ["time.parse_duration_ns(s)"],
        _DURATIONS,
    ),
    "networks": Family(
        ["net.cidr_contains(s, t)", "net.cidr_intersects(s, t)", "net.cidr_is_valid(s)", "net.cidr_is_valid(n)"],
        _NETWORKS,
        _NETWORKS,
    ),
    "versions": Family(
        ["semver.compare(s, t)", "semver.is_valid(s)", "semver.is_valid(n)"],
        _VERSIONS,
        _VERSIONS,
    ),
    "encodings": Family(
        [
            "base64.encode(s)", "base64.decode(s)", "base64.is_valid(s)", "base64url.encode(s)",
            "base64url.encode_no_pad(s)", "base64url.decode(s)", "hex.encode(s)", "hex.decode(s)",
            "urlquery.encode(s)", "urlquery.decode(s)", "urlquery.decode_object(s)",
            'urlquery.encode_object({s: [s, "b"], "a": s, "z": {s, "y"}})', "base64.is_valid(n)",
            "urlquery.encode_object({s: n})", "urlquery.encode_object({s: [], t: [s, n]})",
        ],
        _ENCODED,
    ),
    "digests": Family(
        [
            "crypto.md5(s)", "crypto.sha1(s)", "crypto.sha256(s)", "crypto.hmac.md5(s, t)", "crypto.hmac.sha1(s, t)",
            "crypto.hmac.sha256(s, t)", "crypto.hmac.sha512(s, t)", "crypto.hmac.equal(s, t)",
        ],
        _ENCODED,
        ["", "k", "é" * 100],
    ),
    "texts": Family(
        [
            "indexof_n(s, t)", "strings.replace_n({s: t}, t)", 'strings.replace_n({t: "<>", "a": "b", "ab": s}, s)',
            'strings.replace_n({"a": n}, s)', "strings.replace_n({}, s)", 'trim(s, "abéx ")',
            "array.flatten([s, [t, [s]], []])", "array.flatten([])",
        ],
        _GLOBBED,
        ["", "a", "aa", "é", "b", "\n", "abab"],
    ),
    "amounts": Family(
        ["units.parse(s)", "units.parse_bytes(s)"],
        _AMOUNTS,
    ),
    "bits": Family(
        ["bits.and(n, m)", "bits.or(n, m)", "bits.xor(n, m)", "bits.negate(n)", "bits.lsh(n, m)", "bits.rsh(n, m)"],
        n=[0, 1, -1, 5, -8, 255, 1 << 62, -(1 << 63), 12345678901234567890, 1.5],
        m=[0, 1, -1, 3, 64, 100, -(1 << 63)],
    ),
    "graphs": Family(
        [
            "graph.reachable_paths(json.unmarshal(s), json.unmarshal(t))",
            "graph.reachable(json.unmarshal(s), json.unmarshal(t))",
            "graph.reachable_paths(json.unmarshal(s), {p | some p in json.unmarshal(t)})",
        ],
        [
            "{}", '{"a": []}', '{"a": ["b"], "b": ["a"]}', '{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}',
            '{"a": ["a"]}', '{"a": ["x", "b"], "b": ["y"]}', '{"a": ["b", "c", "a"], "b": ["c"], "c": ["a", "b"]}',
            '{"a": "b"}', '{"a": null}', "[]", '{"a": ["b"], "b": []}',
        ],
        ["[]", '["a"]', '["a", "b"]', '["z"]', '"a"', '["d", "a"]'],
    ),
}  # fmt: skip
