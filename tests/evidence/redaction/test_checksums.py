"""Check digits: published examples hold, and every change of one digit that the scheme promises to find is found."""

from collections.abc import Callable

import pytest

from evidence.redaction import checksums, shapes

HOLDS = [
    pytest.param(checksums.card, "378282246310005", id="card"),
    pytest.param(checksums.iban, "DE89370400440532013000", id="iban"),
    pytest.param(checksums.de_steuer_id, "86095742719", id="steuer-id"),
    pytest.param(checksums.fr_nir, "255081416802538", id="nir"),
    pytest.param(checksums.es_dni, "12345678Z", id="dni"),
    pytest.param(checksums.it_codice_fiscale, "RSSMRA85T10A562S", id="codice-fiscale"),
    pytest.param(checksums.nl_bsn, "111222333", id="bsn"),
    pytest.param(checksums.pl_pesel, "44051401359", id="pesel"),
]


@pytest.mark.parametrize(("check", "value"), HOLDS)
def test_a_changed_digit_is_noticed(check: Callable[[str], bool], value: str) -> None:
    assert check(value)
    changed = [
        value[:at] + digit + value[at + 1 :]
        for at, letter in enumerate(value)
        if letter.isdigit()
        for digit in "0123456789"
        if digit != letter
    ]
    assert [one for one in changed if check(one)] == []


ROWS = [
    pytest.param(checksums.card, "0000000000000000", False, id="zeros"),
    pytest.param(checksums.card, "4000000000000000002", False, id="a-length-of-visa-with-a-wrong-digit"),
    pytest.param(checksums.iban, "XX89370400440532013000", False, id="no-country"),
    pytest.param(checksums.us_ssn, "900-12-3456", False, id="taxpayer-number"),
    pytest.param(checksums.uk_nino, "QQ123456C", True, id="nino-of-examples"),
    pytest.param(checksums.es_dni, "X1234567L", True, id="nie"),
    pytest.param(shapes.ipv4, "010.1.1.1", False, id="octal"),
    pytest.param(shapes.ipv6, "db::add", False, id="a-name-in-source-code"),
    pytest.param(shapes.ipv6, "fe80::1", True, id="link-local"),
    pytest.param(shapes.phone, "+999 123 456 789", False, id="a-calling-code-that-nobody-has"),
    pytest.param(shapes.phone, "2026-11-26 0815", False, id="a-date"),
    pytest.param(shapes.jwt, "bm8gSlNPTg.e30.x", False, id="a-header-that-is-none"),
    pytest.param(shapes.literal_secret, "settings.api_key", False, id="a-reference"),
    pytest.param(shapes.not_a_placeholder, "$ecret99", True, id="a-dollar-in-a-password"),
    pytest.param(shapes.not_a_placeholder, "${SECRET}", False, id="a-variable"),
    pytest.param(shapes.high_entropy, "aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxkIQ==", False, id="base64-of-words"),
]


@pytest.mark.parametrize(("check", "value", "expected"), ROWS)
def test_validators(check: Callable[[str], bool], value: str, expected: bool) -> None:  # noqa: FBT001
    assert check(value) is expected
