"""Draws values that are valid for a detector: with their check digits, in the spellings that people use."""

# ruff: noqa: E501 - a row of a table stands on one line

import base64
import hashlib
import json
import random
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from evidence.redaction import checksums

Maker = Callable[[random.Random], str]

BASE62: Final = string.ascii_letters + string.digits
URL_SAFE: Final = BASE62 + "-_"
BASE32: Final = string.ascii_uppercase + "234567"


def drawn(rng: random.Random, letters: str, count: int) -> str:
    """So many letters."""
    return "".join(rng.choice(letters) for _ in range(count))


def digits(rng: random.Random, count: int) -> str:
    """So many digits, of which the first is no zero."""
    return rng.choice("123456789") + drawn(rng, string.digits, count - 1)


def until(make: Maker, fits: Callable[[str], bool]) -> Maker:
    """Draws until a value fits."""

    def draw(rng: random.Random) -> str:
        while not fits(value := make(rng)):
            pass
        return value

    return draw


def _grouped(text: str, size: int, joint: str) -> str:
    return joint.join(text[at : at + size] for at in range(0, len(text), size))


def _email(rng: random.Random) -> str:
    local = rng.choice(
        ["ann.lee", "j.smith", "info", "maría.lopez", "o'brien", "k_nowak", "sales+eu", "r2d2", "Jürgen.Groß", "a"]
    )
    domain = rng.choice(
        ["mail.example", "corp.example.com", "büro.example", "post.example.co.uk", "x1.example.org", "例え.example"]
    )
    return f"{local}{rng.choice(['', str(rng.randrange(1, 99))])}@{domain}"


def _phone(rng: random.Random) -> str:
    n = partial(drawn, rng, string.digits)
    return rng.choice([
        f"+44 20 7946 0{n(3)}", f"+1 ({rng.randrange(201, 989)}) 555-01{n(2)}", f"+49 30 {digits(rng, 4)}{n(4)}", f"+33 6 {n(2)} {n(2)} {n(2)} {n(2)}",
        f"+34{digits(rng, 9)}", f"+48 {digits(rng, 3)} {n(3)} {n(3)}", f"+31-6-{digits(rng, 8)}", f"+39 3{n(2)} {n(3)} {n(4)}", f"+81-90-{digits(rng, 4)}-{n(4)}",
        f"({rng.randrange(201, 989)}) 555-01{n(2)}", f"{rng.randrange(212, 989)}-555-01{n(2)}", f"06 {n(2)} {n(2)} {n(2)} {n(2)}",
    ])  # fmt: skip


def _national_phone(rng: random.Random) -> str:
    n = partial(drawn, rng, string.digits)
    return rng.choice(
        [
            f"07700 900{n(3)}",
            f"030 {digits(rng, 7)}",
            f"0{digits(rng, 9)}",
            f"6{n(8)}",
            f"06-{digits(rng, 8)}",
            f"{digits(rng, 3)} {n(3)} {n(3)}",
        ]
    )


def _iban(rng: random.Random) -> str:
    country, length, letters = rng.choice(
        [
            ("DE", 22, 0),
            ("GB", 22, 4),
            ("FR", 27, 0),
            ("ES", 24, 0),
            ("IT", 27, 1),
            ("NL", 18, 4),
            ("PL", 28, 0),
            ("CH", 21, 0),
        ]
    )
    body = drawn(rng, string.ascii_uppercase, letters) + drawn(rng, string.digits, length - 4 - letters)
    number = int("".join(str(int(each, 36)) for each in f"{body}{country}00"))
    text = f"{country}{98 - number % 97:02d}{body}"
    return rng.choice([text, _grouped(text, 4, " "), text.lower()])


def _card(rng: random.Random) -> str:
    prefix, length = rng.choice(
        [
            ("4", 16),
            ("51", 16),
            ("2221", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3528", 16),
            ("36", 14),
            ("62", 16),
        ]
    )
    body = prefix + drawn(rng, string.digits, length - len(prefix) - 1)
    number = next(body + last for last in string.digits if checksums.luhn(body + last))
    if length == 16:
        return rng.choice([number, _grouped(number, 4, " "), _grouped(number, 4, "-")])
    return number if length == 14 else rng.choice([number, f"{number[:4]} {number[4:10]} {number[10:]}"])


def _ssn(rng: random.Random) -> str:
    return f"{rng.choice([rng.randrange(1, 665), rng.randrange(667, 899)]):03d}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}"


def _nino(rng: random.Random) -> str:
    text = (
        drawn(rng, "ABCEGHJKLMNOPRSTWXYZ", 1)
        + drawn(rng, "ABCEGHJKLMNPRSTWXYZ", 1)
        + drawn(rng, string.digits, 6)
        + rng.choice("ABCD")
    )
    return rng.choice([text, f"{text[:2]} {_grouped(text[2:8], 2, ' ')} {text[8]}"])


def _steuer_id(rng: random.Random) -> str:
    text = until(lambda rng: digits(rng, 11), checksums.de_steuer_id)(rng)
    return rng.choice([text, f"{text[:2]} {_grouped(text[2:], 3, ' ')}"])


def _nir(rng: random.Random) -> str:
    place = rng.choice([f"{rng.randrange(1, 95):02d}", "2A", "2B"])
    text = f"{rng.choice('12')}{rng.randrange(99):02d}{rng.randrange(1, 13):02d}{place}{rng.randrange(1, 990):03d}{rng.randrange(1, 999):03d}"
    text += f"{97 - int(text.replace('2A', '19').replace('2B', '18')) % 97:02d}"
    return rng.choice([text, f"{text[0]} {text[1:3]} {text[3:5]} {text[5:7]} {text[7:10]} {text[10:13]} {text[13:]}"])


def _dni(rng: random.Random) -> str:
    number = rng.randrange(1_000_000, 99_999_999)
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    foreign = rng.randrange(3)
    seven = number % 10_000_000
    return rng.choice([
        f"{number:08d}{letters[number % 23]}", f"{number:08d}-{letters[number % 23]}",
        f"{'XYZ'[foreign]}{seven:07d}{letters[int(f'{foreign}{seven:07d}') % 23]}",
    ])  # fmt: skip


def _codice_fiscale(rng: random.Random) -> str:
    body = (
        drawn(rng, "BCDFGLMNPRSTV", 6)
        + f"{rng.randrange(40, 99)}{rng.choice('ABCDEHLMPRST')}{rng.choice([0, 40]) + rng.randrange(1, 29):02d}{rng.choice('ABFHL')}{digits(rng, 3)}"
    )
    return next(body + last for last in string.ascii_uppercase if checksums.it_codice_fiscale(body + last))


def _pem(rng: random.Random) -> str:
    what = rng.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    body = _grouped(base64.b64encode(rng.randbytes(rng.choice([48, 118, 600]))).decode(), 64, "\n")
    return f"-----BEGIN {what}PRIVATE KEY-----\n{body}\n-----END {what}PRIVATE KEY-----"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _jwt(rng: random.Random) -> str:
    header = {"alg": rng.choice(["HS256", "RS256", "EdDSA"]), "typ": "JWT", "kid": drawn(rng, BASE62, 6)}
    claims = {"sub": digits(rng, 6), "iss": "https://id.example", "exp": 1_790_000_000 + rng.randrange(10**6)}
    return f"{_part(header)}.{_part(claims)}.{drawn(rng, URL_SAFE, 43)}"


def _service(rng: random.Random) -> str:
    return rng.choice([
        f"sk-proj-{drawn(rng, BASE62, 48)}", f"sk-ant-api03-{drawn(rng, URL_SAFE, 60)}", f"hf_{drawn(rng, string.ascii_letters, 34)}",
        f"SG.{drawn(rng, URL_SAFE, 22)}.{drawn(rng, URL_SAFE, 43)}", f"dop_v1_{rng.randbytes(32).hex()}", f"hvs.{drawn(rng, BASE62, 24)}",
        f"dckr_pat_{drawn(rng, URL_SAFE, 27)}", f"shpat_{rng.randbytes(16).hex()}",
    ])  # fmt: skip


def _password(rng: random.Random) -> str:
    return rng.choice([
        f"Tr0ub4dor&{rng.randrange(10, 99)}", f"correct-h0rse-{rng.randrange(10, 99)}", drawn(rng, BASE62, 11) + "7!", f"S0mmer{rng.randrange(2001, 2026)}#",
        f"{drawn(rng, string.ascii_lowercase, 6)}_{drawn(rng, string.digits, 4)}", f"P@ss{digits(rng, 5)}",
    ])  # fmt: skip


def _slack(rng: random.Random) -> str:
    return f"xox{rng.choice('bp')}-{digits(rng, 12)}-{digits(rng, 13)}-{drawn(rng, BASE62, 24)}"


def _ipv4(rng: random.Random) -> str:
    return f"{rng.choice([10, 172, 192, 198, 203, 51, 8])}.{rng.randrange(1, 255)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _ipv6(rng: random.Random) -> str:
    def h() -> str:
        return f"{rng.randrange(1, 65536):x}"

    full = ":".join(["2001", "db8", *(h() for _ in range(5)), "1" + drawn(rng, "0123456789abcdef", 3)])
    return rng.choice([full, f"2001:db8::{h()}:{h()}:1", f"fe80::{h()}:{h()}:{h()}:2", full.upper()])


def _random_text(rng: random.Random) -> str:
    raw = rng.randbytes(rng.choice([18, 24, 32]))
    return rng.choice(
        [
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode().strip("-_="),
            drawn(rng, BASE62, rng.choice([24, 32, 40])),
        ]
    )


VALUES: Final[Mapping[str, Maker]] = {
    "private_key": _pem,
    "jwt": _jwt,
    "aws_key": lambda rng: rng.choice(["AKIA", "ASIA"]) + drawn(rng, BASE32, 16),
    "gcp_key": lambda rng: rng.choice([f"AIza{drawn(rng, URL_SAFE, 34)}x", f"GOCSPX-{drawn(rng, URL_SAFE, 27)}x", f"ya29.{drawn(rng, URL_SAFE, 60)}x"]),
    "azure_key": lambda rng: f"{drawn(rng, BASE62, 3)}8Q~{drawn(rng, BASE62, 34)}",
    "github_token": lambda rng: rng.choice([f"gh{rng.choice('pousr')}_{drawn(rng, BASE62, 36)}", f"github_pat_{drawn(rng, BASE62, 22)}_{drawn(rng, BASE62, 59)}"]),
    "gitlab_token": lambda rng: f"gl{rng.choice(['pat', 'rt', 'dt'])}-{drawn(rng, BASE62 + '_', 20)}",
    "slack_token": _slack,
    "stripe_key": lambda rng: rng.choice([f"{rng.choice(['sk', 'rk'])}_{rng.choice(['live', 'test'])}_{drawn(rng, BASE62, 24)}", f"whsec_{drawn(rng, BASE62, 32)}"]),
    "npm_token": lambda rng: f"npm_{drawn(rng, BASE62, 36)}",
    "pypi_token": lambda rng: f"pypi-AgEIcHlwaS5vcmc{drawn(rng, URL_SAFE, 119)}x",
    "service_token": _service,
    "url_password": _password,
    "authorization": lambda rng: rng.choice([drawn(rng, BASE62, 20) + "9", base64.b64encode(rng.randbytes(18)).decode(), hashlib.sha1(rng.randbytes(8), usedforsecurity=False).hexdigest()]),
    "password": _password,
    "iban": _iban,
    "card": _card,
    "us_ssn": _ssn,
    "uk_nino": until(_nino, checksums.uk_nino),
    "de_steuer_id": _steuer_id,
    "fr_nir": _nir,
    "es_dni": _dni,
    "it_codice_fiscale": _codice_fiscale,
    "nl_bsn": until(lambda rng: digits(rng, 9), checksums.nl_bsn),
    "pl_pesel": until(lambda rng: f"{rng.randrange(40, 99)}{rng.randrange(1, 12):02d}{rng.randrange(1, 28):02d}{digits(rng, 5)}", checksums.pl_pesel),
    "email": _email,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "phone": _phone,
    "phone_beside_a_word": _national_phone,
    "high_entropy": _random_text,
}  # fmt: skip
"""For each detector; some have a second row of what counts beside a word alone."""
