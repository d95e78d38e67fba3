"""The unified social credit code (统一社会信用代码) of GB 32100-2015, with the organization code of GB 11714 inside it.

Eighteen characters: registration authority, category, region of the registering authority (six digits), organization
code (nine), check character. The region is that of the first registration and stays for life, so it is never compared
with a list and never read as the seat. A check that holds says that a code is well formed, not whose it is.
"""

import re
import unicodedata
from collections.abc import Mapping
from operator import mul
from typing import Final, Literal

from hub.errors import Invalid
from hub.store.labels import SubjectKind

PLACEHOLDER: Final = "0" * 17 + "X"
"""What registers write where there is no code. It fails the check and is never a key: strangers would merge in it."""

Fault = Literal["LENGTH", "ALPHABET", "AUTHORITY", "REGION", "CHECK"]

# GB 32100-2015 leaves out I, O, Z, S and V; each sign's value is its place.
ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
AUTHORITIES: Final = "123456789ANY"

_SHAPE = re.compile(rf"[{AUTHORITIES}][1-9][0-9]{{6}}[{ALPHABET}]{{10}}")
_OUTSIDE = re.compile(rf"[^{ALPHABET}]")
_REGION = re.compile(r"[0-9]{6}")
# For bytes.translate: a sign of the alphabet becomes its value. GB 11714 counts over all 26 letters instead.
_VALUES = bytes.maketrans(ALPHABET.encode(), bytes(range(31)))
_ORGANIZATION_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANIZATION_VALUES = bytes.maketrans(_ORGANIZATION_SIGNS.encode(), bytes(range(36)))
# 3 to the power of (place - 1) modulo 31. The check character has weight 1: a right code sums to 0 modulo 31.
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_WEIGHTS_WITH_CHECK = (*_WEIGHTS, 1)
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})

_SENTENCES: Mapping[Fault, str] = {
    "LENGTH": "A unified social credit code has 18 characters.",
    "ALPHABET": "A unified social credit code has only digits and capital letters other than I, O, Z, S and V.",
    "AUTHORITY": "A unified social credit code begins with a registration authority (1-9, A, N or Y) and a category "
    "(1-9).",
    "REGION": "Places 3 to 8 of a unified social credit code are six digits.",
    "CHECK": "The check character of the unified social credit code does not fit the rest of it.",
}


class BadUscc(Invalid):
    """A text is not a unified social credit code; `fault` says which part is wrong, and no value is repeated."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault: Fault = fault


def tidy_code(text: str) -> str:
    """A code as one writes it: half width (NFKC), upper case, without spaces and invisible characters.

    O for 0 and I for 1 stay: what cannot be right is reported, not repaired.
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    normal = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in normal if unicodedata.category(sign) not in _INVISIBLE).upper()


def parse_uscc(text: str) -> str:
    """The tidied code where it is one; `BadUscc` otherwise, also for the placeholder (fault CHECK).

    Regions and categories are not compared with the lists of today: codes outlive both.
    """
    if _is_right(text):
        return text
    code = tidy_code(text)
    if _is_right(code):
        return code
    raise BadUscc(_fault_of(code))


def is_placeholder(text: str) -> bool:
    """Whether the text, tidied, is the seventeen zeros and X that stand for "no code"."""
    return tidy_code(text) == PLACEHOLDER


def inner_check_holds(uscc: str) -> bool:
    """Whether places 9-17 of a parsed code are an organization code by GB 11714; if not, it was probably invented."""
    return organization_check(uscc[8:16]) == uscc[16]


def check_character(first17: str) -> str:
    """The eighteenth character for the first seventeen (GB 32100-2015). For characters of the alphabet only."""
    return ALPHABET[-sum(map(mul, first17.encode().translate(_VALUES), _WEIGHTS)) % 31]


def organization_check(first8: str) -> str:
    """The ninth character of an organization code for the first eight, digits and capital letters (GB 11714)."""
    values = first8.encode().translate(_ORGANIZATION_VALUES)
    return "0123456789X"[-sum(map(mul, values, _ORGANIZATION_WEIGHTS)) % 11]


# What the first two characters say of the holder's legal form. Whoever is not named here is a LEGAL_PERSON: mass
# organizations, social organizations, unions, cooperatives (Farmers' Cooperatives Law 5), rural collectives (Civil Code
# 99). An enterprise (91) is one too, since the code does not tell companies from partnerships and branches.
_KINDS: Mapping[str, SubjectKind] = {
    "11": SubjectKind.GOVERNMENT_BODY,
    "12": SubjectKind.PUBLIC_INSTITUTION,
    # Foreign news agencies, cultural centres and tourism offices are represented here, not incorporated.
    "21": SubjectKind.UNINCORPORATED_ORGANIZATION,
    "41": SubjectKind.UNINCORPORATED_ORGANIZATION,
    "61": SubjectKind.UNINCORPORATED_ORGANIZATION,
    "62": SubjectKind.UNINCORPORATED_ORGANIZATION,
    # Law practices and grass-roots legal services: professional bodies without legal personality (Civil Code 102).
    "31": SubjectKind.UNINCORPORATED_ORGANIZATION,
    "33": SubjectKind.UNINCORPORATED_ORGANIZATION,
    # A place of religious activity may register as a legal person, and most did not (Civil Code 92).
    "71": SubjectKind.UNINCORPORATED_ORGANIZATION,
    "92": SubjectKind.INDIVIDUAL_BUSINESS,
    "A1": SubjectKind.PUBLIC_INSTITUTION,
}


def kind_of(uscc: str) -> SubjectKind:
    """The kind of subject that a parsed code was given to, from its authority and category; a registry knows better."""
    return _KINDS.get(uscc[:2], SubjectKind.LEGAL_PERSON)


def _is_right(code: str) -> bool:
    if _SHAPE.fullmatch(code) is None:
        return False
    total: int = sum(map(mul, code.encode().translate(_VALUES), _WEIGHTS_WITH_CHECK))
    return total % 31 == 0


def _fault_of(code: str) -> Fault:
    if len(code) != 18:
        return "LENGTH"
    if _OUTSIDE.search(code):
        return "ALPHABET"
    if code == PLACEHOLDER:
        return "CHECK"
    if code[0] not in AUTHORITIES or code[1] not in "123456789":
        return "AUTHORITY"
    if _REGION.fullmatch(code, 2, 8) is None:
        return "REGION"
    return "CHECK"
