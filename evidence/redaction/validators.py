"""The validators that a detectors file can name."""

from collections.abc import Callable, Mapping
from typing import Final

from evidence.redaction import checksums, shapes

VALIDATORS: Final[Mapping[str, Callable[[str], bool]]] = {
    "iban": checksums.iban,
    "card": checksums.card,
    "luhn": lambda value: checksums.luhn("".join(filter(str.isdigit, value))),
    "us_ssn": checksums.us_ssn,
    "uk_nino": checksums.uk_nino,
    "de_steuer_id": checksums.de_steuer_id,
    "fr_nir": checksums.fr_nir,
    "es_dni": checksums.es_dni,
    "it_codice_fiscale": checksums.it_codice_fiscale,
    "nl_bsn": checksums.nl_bsn,
    "pl_pesel": checksums.pl_pesel,
    "email": shapes.email,
    "ipv4": shapes.ipv4,
    "ipv6": shapes.ipv6,
    "phone": shapes.phone,
    "jwt": shapes.jwt,
    "not_a_placeholder": shapes.not_a_placeholder,
    "not_a_word": shapes.not_a_word,
    "literal_secret": shapes.literal_secret,
    "high_entropy": shapes.high_entropy,
}
"""Each takes a value as it was found, and says whether it is one."""
