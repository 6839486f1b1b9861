"""Check digits and letters of numbers that have them. Each takes the value as it was found, with its separators."""

from typing import Final

_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Of the IBAN registry (ISO 13616)."""

_ISSUERS: Final = (
    (3400, 3499, (15,)), (3700, 3799, (15,)),
    (3000, 3059, (14,)), (3095, 3095, (14,)), (3600, 3699, (14, 16, 19)), (3800, 3999, (14, 16, 19)),
    (3528, 3589, (16, 17, 18, 19)),
    (4000, 4999, (13, 16, 19)),
    (5018, 5018, (16, 19)), (5020, 5020, (16, 19)), (5038, 5038, (16, 19)), (5893, 5893, (16, 19)),
    (5100, 5599, (16,)), (2221, 2720, (16,)),
    (6011, 6011, (16, 19)), (6440, 6599, (16, 19)),
    (6200, 6299, (16, 17, 18, 19)), (8100, 8171, (16, 19)),
    (6304, 6304, (16, 19)), (6759, 6763, (16, 19)),
    (2200, 2204, (16, 19)), (9792, 9792, (16,)),
)  # fmt: skip
"""First four digits of cards in use (ISO/IEC 7812), with the lengths that their schemes issue."""

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_OMOCODIA: Final = dict(zip("LMNPQRSTUV", "0123456789", strict=True))


def alnum(value: str) -> str:
    """Letters and digits alone, in capitals."""
    return "".join(filter(str.isalnum, value)).upper()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def card(value: str) -> bool:
    """A number of a scheme in use, of a length that this issues, with a right check digit; not one digit repeated."""
    digits = alnum(value)
    first = int(digits[:4])
    issued = any(low <= first <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)
    return issued and len(set(digits)) > 1 and luhn(digits)


def iban(value: str) -> bool:
    """ISO 13616: the country's length, and 1 modulo 97."""
    text = alnum(value)
    if not text.isascii() or _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1


def us_ssn(value: str) -> bool:
    """No area 000, 666 or 9xx, no group 00, no serial 0000 (20 CFR 422.103 has no check digit)."""
    digits = alnum(value)
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def uk_nino(value: str) -> bool:
    """Prefixes that are given out (HMRC NIM39110), and QQ, which stands for one in examples."""
    prefix = alnum(value)[:2]
    if prefix == "QQ":
        return True
    bad = {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}
    return prefix not in bad and prefix[0] not in "DFIQUV" and prefix[1] not in "DFIOQUV"


def de_steuer_id(value: str) -> bool:
    """Among ten digits one stands two or three times; ISO 7064 mod 11,10."""
    digits = alnum(value)
    if max(map(digits[:10].count, digits[:10])) not in {2, 3}:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def fr_nir(value: str) -> bool:
    """97 minus the number modulo 97; in Corsica 2A counts as 19, 2B as 18; a month that there is, or a stand-in."""
    text = alnum(value)
    month = int(text[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    number = text[:13].replace("2A", "19", 1) if text[5:7] == "2A" else text[:13]
    number = number.replace("2B", "18", 1) if text[5:7] == "2B" else number
    return 97 - int(number) % 97 == int(text[13:])


def es_dni(value: str) -> bool:
    """The letter is the number modulo 23; X, Y and Z of a NIE count as 0, 1 and 2."""
    text = alnum(value)
    return _DNI[int(text[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == text[-1]


def it_codice_fiscale(value: str) -> bool:
    """The check character (D.M. 23/12/1976), and a day that there is; letters may stand for digits."""
    text = alnum(value)
    day = int("".join(_OMOCODIA.get(each, each) for each in text[9:11]))
    if not (1 <= day <= 31 or 41 <= day <= 71):
        return False
    total = sum(_ODD[each] if place % 2 == 0 else int(each, 36) % 10 if each.isdigit() else ord(each) - 65
                for place, each in enumerate(text[:15]))  # fmt: skip
    return chr(65 + total % 26) == text[15]


def nl_bsn(value: str) -> bool:
    """Eleven-proof: weights 9 to 2, and -1 for the last digit."""
    digits = alnum(value).zfill(9)
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return int(digits) > 0 and total % 11 == 0


def pl_pesel(value: str) -> bool:
    """Weights 1, 3, 7, 9; the month says the century."""
    digits = alnum(value)
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return 1 <= month <= 12 and 1 <= day <= 31 and total % 10 == 0
