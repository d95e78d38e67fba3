"""Names and other texts as people type them, and the key by which two spellings of a name are one name."""

import re
import unicodedata
from typing import Final

# NFKC has already made full-width brackets half-width; these are the ones it leaves alone.
_BRACKETS: Final = str.maketrans("[]{}〔〕【】〖〗〘〙〚〛", "()" * 7)
# Spaces, and what no eye sees: controls, byte order marks, zero-width signs, direction marks.
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_SPACES: Final = re.compile(r"\s+")
# What a text column cannot hold or nobody can see; line breaks and tabs are spaces, hence not here.
_UNFIT: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def name_key(text: str) -> str:
    """The key of an organization's name: NFKC, one style of brackets, no spaces, case folded.

    Nothing is dropped from the name itself: a company and its branch (分公司) are two, and so are 有限公司 and
    股份有限公司.
    """
    if text.isalpha() and not text.isascii() and unicodedata.is_normalized("NFKC", text):
        folded = text.casefold()
        if folded == text:
            return text
    key = _folded(text)
    # Case folding may leave signs that NFKC would change, and removing a space may bring two signs together that
    # compose; a second pass settles both.
    return _folded(key)


def tidy_text(text: str) -> str:
    """A cell's text in one line: line breaks and runs of spaces become one space, none at the ends.

    Control characters, characters without width, those that turn the direction of what follows, and unpaired
    surrogates are left out.
    """
    return _SPACES.sub(" ", _UNFIT.sub("", text)).strip()


def _folded(text: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text).translate(_BRACKETS).casefold())
