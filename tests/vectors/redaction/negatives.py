"""What looks like a secret and is none: identifiers, digests, dates, output of programs, source code, log lines."""

# ruff: noqa: E501 - a row of a table stands on one line

import base64
import hashlib
import random
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.vectors.redaction.values import BASE62, digits, drawn

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))


def _sha(rng: random.Random, name: str) -> str:
    return hashlib.new(name, rng.randbytes(8), usedforsecurity=False).hexdigest()


def _ulid(rng: random.Random) -> str:
    return "01" + drawn(rng, _CROCKFORD, 24)


def _date(rng: random.Random) -> str:
    return f"{rng.randrange(1990, 2030)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"


def _time(rng: random.Random) -> str:
    return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"


def _git_log(rng: random.Random) -> str:
    sha = _sha(rng, "sha1")
    return (
        f"commit {sha}\nMerge: {sha[:9]} {_sha(rng, 'sha1')[:9]}\nDate:   {_date(rng)} {_time(rng)} +0100\n\n    Fix #{digits(rng, 4)}\n\n"
        f"diff --git a/src/main.c b/src/main.c\nindex {sha[:7]}..{_sha(rng, 'sha1')[:7]} 100644\n@@ -{digits(rng, 3)},7 +{digits(rng, 3)},9 @@ int main(void)"
    )


def _source(rng: random.Random) -> str:
    return rng.choice([
        'def login(user: str, password: str) -> Token:\n    """Checks a password."""\n    return session.open(user, password=password)',
        'const token = process.env.API_TOKEN;\nif (!token) throw new Error("token: missing");\nfetch(url, {headers: {Authorization: `Bearer ${token}`}});',
        "std::vector<std::pair<int, std::string>> items; foo::bar::baz(0x1F, 3.14159265358979);",
        'password = os.environ["DB_PASSWORD"]\napi_key = settings.api_key\nsecret_key = get_secret("app/key")',
        '@app.route("/users/<int:user_id>")\ndef show(user_id): return render_template("user_detail_with_permissions.html")',
        "use crate::db::add; let x = a::b::c(d::e); // fe::ed",
        "SELECT id, phone, ssn, iban FROM customers WHERE created_at > '2026-01-01' LIMIT 100000000;",
        "import org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration2;",
        "services:\n  db:\n    image: postgres:16.4\n    environment:\n      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}\n",
        "pip install requests==2.32.3 numpy==2.1.0 && npm i react@18.3.1 @types/node@20.14.9",
        "git clone git@git.example:team/repo.git && systemctl restart getty@tty1.service",
    ])  # fmt: skip


def _log(rng: random.Random) -> str:
    return rng.choice([
        f"{_date(rng)}T{_time(rng)}.{digits(rng, 6)}Z level=info msg=\"request done\" req_id={_uuid(rng)} dur_us={digits(rng, 7)} bytes={digits(rng, 8)}",
        f"[{_date(rng)} {_time(rng)},{digits(rng, 3)}] GC pause 0x{rng.randbytes(8).hex()} {digits(rng, 4)}K->{digits(rng, 4)}K({digits(rng, 6)}K), 0.00{digits(rng, 5)} secs",
        f"127.0.0.1 - - [26/Nov/2026:08:15:02 +0000] \"GET /items/{digits(rng, 12)} HTTP/1.1\" 200 {digits(rng, 6)} \"-\" \"Mozilla/5.0 Chrome/{rng.randrange(90, 140)}.0.{digits(rng, 4)}.{digits(rng, 2)}\"",
        f"kernel: [{digits(rng, 6)}.{digits(rng, 6)}] usb 1-1.4: new device found, idVendor={rng.randbytes(2).hex()}, MAC {':'.join(rng.randbytes(1).hex() for _ in range(6))}",
        f"pod/web-{drawn(rng, string.hexdigits[:16], 10)}-{drawn(rng, 'bcdfghjklmnpqrstvwxz2456789', 5)} Running 0 {digits(rng, 3)}m sha256:{_sha(rng, 'sha256')}",
        f"version {rng.randrange(1, 9)}.{rng.randrange(20)}.{rng.randrange(30)}.{rng.randrange(999)} of build {_date(rng).replace('-', '')}.{rng.randrange(1, 9)} took {rng.random():.16f}s",
    ])  # fmt: skip


def _numbers(rng: random.Random) -> Any:
    return {
        "order": int(digits(rng, 9)), "ids": [int(digits(rng, 10)), int(digits(rng, 12))], "unix_ns": 1_790_000_000_000_000_000 + rng.randrange(10**15),
        "unix_ms": 1_790_000_000_000 + rng.randrange(10**9), "lat": round(rng.uniform(-90, 90), 7), "lon": round(rng.uniform(-180, 180), 7),
        "ratio": rng.random(), "price": round(rng.random() * 1000, 2), "timestamp": f"{_date(rng)}T{_time(rng)}+02:00", "compact": _date(rng).replace("-", "") + _time(rng).replace(":", ""),
    }  # fmt: skip


def _ids(rng: random.Random) -> Any:
    return {
        "order": f"ORD-{digits(rng, 8)}", "invoice": f"INV/{digits(rng, 4)}/{digits(rng, 6)}", "sku": f"SKU{digits(rng, 7)}-{rng.choice('XLMS')}", "parcel": f"1Z{drawn(rng, string.ascii_uppercase + string.digits, 16)}",
        "ticket": f"ABC-{digits(rng, 5)}", "isbn": f"978-{digits(rng, 1)}-{digits(rng, 4)}-{digits(rng, 4)}-{digits(rng, 1)}", "object": rng.randbytes(12).hex(), "trace": rng.randbytes(16).hex(),
        "ulid": _ulid(rng), "uuid": _uuid(rng), "etag": f'W/"{rng.randbytes(8).hex()}"', "cursor": base64.b64encode(f"page:{digits(rng, 3)}:next".encode()).decode(),
        "arn": f"arn:aws:s3:::bucket-{digits(rng, 4)}/path/To/File{digits(rng, 2)}", "nextPageToken": f"page_{digits(rng, 2)}",
    }  # fmt: skip


def _phone_like(rng: random.Random) -> str:
    n = digits
    return rng.choice([
        f"part no. {n(rng, 3)}-{n(rng, 4)}-{n(rng, 3)}", f"case {n(rng, 4)}-{n(rng, 6)}", f"ticket {n(rng, 10)} of {n(rng, 3)}.{n(rng, 3)}.{n(rng, 3)} bytes",
        f"rows {n(rng, 5)} - {n(rng, 6)}", f"matrix {n(rng, 1)} {n(rng, 1)} {n(rng, 1)} {n(rng, 1)} {n(rng, 1)} {n(rng, 1)} {n(rng, 1)} {n(rng, 1)}", f"offset +{n(rng, 3)}",
        f"serial {n(rng, 3)}-{n(rng, 3)}-{n(rng, 4)}", f"score 12-{n(rng, 2)}, line 010{n(rng, 7)}", f"tel aviv is {n(rng, 4)} km away",
    ])  # fmt: skip


def _near_cards(rng: random.Random) -> str:
    body = "4" + drawn(rng, string.digits, 14)
    wrong = next(body + last for last in string.digits if not _luhn(body + last))
    return rng.choice(
        [
            f"order {wrong}",
            f"tracking {digits(rng, 20)}",
            f"0.{digits(rng, 16)}",
            f"{digits(rng, 4)}-{digits(rng, 4)}-{digits(rng, 4)}",
            f"id 9{digits(rng, 15)}",
        ]
    )


def _luhn(number: str) -> bool:
    from evidence.redaction.checksums import luhn

    return luhn(number)


def _prose(rng: random.Random) -> str:
    return rng.choice([
        "The bearer authentication scheme is described in RFC 6750, section 2.1.", "Forgot your password? Enter your e-mail address, and we will send you a link.",
        "Passwort: bitte beim Administrator erfragen", "authorization: required by the administrator", "Set API_KEY=<your-key> and PASSWORD=${PASSWORD} first.",
        "She was born on 1984-12-03 and has 2 cats, 3 dogs and 1 parrot.", "A private key begins with BEGIN and ends with END; never send it.",
        "JWTs begin with eyJ, since that is what {\" becomes in base64.", "See https://docs.example/en/latest/api-v2/index.html#section-12-4-1.",
        "La contraseña: debe tener al menos ocho letras", "Le mot de passe: au moins huit lettres", f"Chapter {rng.randrange(1, 9)}, verses {rng.randrange(10, 20)}-{rng.randrange(20, 40)}",
    ])  # fmt: skip


def _identifiers(rng: random.Random) -> str:
    words = [
        "get",
        "user",
        "account",
        "from",
        "request",
        "handler",
        "factory",
        "bean",
        "proxy",
        "context",
        "with",
        "retry",
        "policy",
        "v2",
    ]
    chosen = [rng.choice(words) for _ in range(rng.randrange(4, 8))]
    return rng.choice(
        [
            "_".join(chosen),
            chosen[0] + "".join(map(str.title, chosen[1:])),
            "/".join(chosen) + ".py",
            "-".join(chosen) + f"-{rng.randrange(99)}",
            "/".join(map(str.title, chosen)),
        ]
    )


NEGATIVES: Final[Mapping[str, Callable[[random.Random], Any]]] = {
    "git": _git_log,
    "source": _source,
    "log": _log,
    "numbers": _numbers,
    "ids": _ids,
    "phone-like": _phone_like,
    "near-cards": _near_cards,
    "prose": _prose,
    "identifiers": _identifiers,
    "uuid": lambda rng: f"deleted {_uuid(rng)} and {_uuid(rng)}",
    "digest": lambda rng: f"sha256:{_sha(rng, 'sha256')} md5 {_sha(rng, 'md5')} sha512={_sha(rng, 'sha512')}",
    "ulid": lambda rng: {"id": _ulid(rng), "parent": _ulid(rng)},
    "dates": lambda rng: f"from {_date(rng)} {_time(rng)} to {_date(rng)}T{_time(rng)}.{digits(rng, 3)}Z, {_date(rng).replace('-', '/')}",
    "versions": lambda rng: f"chrome {rng.randrange(90, 140)}.{rng.randrange(9)}.{digits(rng, 4)}, python 3.{rng.randrange(9, 15)}.{rng.randrange(20)}, v{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}",
    "coordinates": lambda rng: f"{rng.uniform(-90, 90):.6f}, {rng.uniform(-180, 180):.6f} (52°31'12.0\"N 13°24'18.0\"E)",
    "short-ids": lambda rng: {"v": drawn(rng, BASE62, 11), "slug": f"{drawn(rng, BASE62, 8)}", "code": drawn(rng, string.ascii_uppercase, 6)},
    "base64-of-text": lambda rng: base64.b64encode(f"page {digits(rng, 3)} of the report, sorted by name".encode()).decode(),
    "image": lambda rng: {"type": "image", "mimeType": "image/png", "data": base64.b64encode(b"\x89PNG\r\n" + rng.randbytes(600)).decode()},
}  # fmt: skip
"""Each makes a document, a text or a value in which nothing is secret."""
