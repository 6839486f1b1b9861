"""What stands around a value: sentences of several languages, members of arguments and results, log lines."""

# ruff: noqa: E501 - a row of a table stands on one line

from collections.abc import Mapping
from typing import Final

PLAIN: Final = (
    ("en", "Please use {v} for this, and tell me when it is done."),
    ("en", "2026-11-26T08:15:02Z INFO worker-7 took {v} in 12 ms"),
    ("de", "Bitte verwenden Sie {v}, und melden Sie sich danach."),
    ("fr", "Merci d'utiliser {v} et de confirmer."),
    ("es", "Usa {v} y avísame cuando termine."),
    ("it", "Usa {v} e fammi sapere."),
    ("pl", "Proszę użyć {v} i potwierdzić."),
    ("ja", "こちらを使ってください： {v} 。"),
)
"""For values that speak for themselves."""

BESIDE: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "azure_key": (("en", "client secret of the app: {v}"), ("en", "AZURE_CLIENT_SECRET={v}"), ("de", "Das Secret ist {v} und gilt ein Jahr.")),
    "url_password": (
        ("en", "connect to postgres://app:{v}@db.example:5432/app please"),
        ("en", "git clone https://bot:{v}@git.example/team/repo.git"),
        ("de", "Die Adresse ist amqp://dienst:{v}@queue.example/%2f"),
        ("fr", "redis://:{v}@cache.example:6379/0 ne répond pas"),
    ),
    "authorization": (
        ("en", "curl -H 'Authorization: Bearer {v}' https://api.example/v1"),
        ("en", "GET /v1 HTTP/1.1\r\nHost: api.example\r\nAuthorization: Basic {v}\r\n\r\n"),
        ("en", "the header was X-Api-Key: {v}"),
        ("de", "Es kam authorization: token {v} zurück"),
    ),
    "password": (
        ("en", "password={v}"), ("en", "DB_PASSWORD: {v}"), ("de", "Passwort: {v}"), ("es", "contraseña: {v}"), ("pl", "hasło: {v}"),
        ("en", "client_secret = '{v}'"), ("nl", "wachtwoord: {v}"),
    ),
    "de_steuer_id": (("de", "Steuer-ID: {v}"), ("de", "Ihre steuerliche Identifikationsnummer lautet {v}."), ("de", "IdNr. {v} liegt vor")),
    "uk_nino": (("en", "National Insurance number {v}"), ("en", "NINO: {v}"), ("en", "my NI number is {v}, thanks")),
    "nl_bsn": (("nl", "BSN {v}"), ("nl", "burgerservicenummer: {v}"), ("en", "citizen service number {v}")),
    "pl_pesel": (("pl", "PESEL: {v}"), ("pl", "nr PESEL {v}"), ("en", "PESEL of the client is {v}")),
    "phone_beside_a_word": (
        ("en", "mobile: {v}"), ("de", "Tel.: {v}"), ("fr", "téléphone {v}"), ("es", "Teléfono: {v}"), ("nl", "telefoon: {v}"), ("pl", "numer telefonu: {v}"),
        ("en", "call me on {v} tomorrow"),
    ),
}  # fmt: skip
"""For values that count beside a word alone, or in a form of their own."""

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "password": ("password", "db_password", "clientSecret", "api_key"),
    "us_ssn": ("ssn", "socialSecurityNumber", "id"),
    "uk_nino": ("nino", "national_insurance_number"),
    "de_steuer_id": ("steuerId", "steuer_id", "tax_id"),
    "nl_bsn": ("bsn", "burgerServiceNummer"),
    "pl_pesel": ("pesel", "numer_pesel"),
    "phone_beside_a_word": ("phone", "mobilePhone", "telefon", "fax_number"),
    "email": ("to", "cc", "customer_email"),
    "card": ("pan", "card_number", "value"),
}
"""Names of members whose value is the value alone; `value` and `data` for all others."""

ALONE: Final = frozenset({"url_password", "authorization"})
"""What never stands alone in a member."""
