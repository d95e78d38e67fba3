"""The number of a decision document (文书号), which the same authority writes with brackets of many styles."""

import re
import unicodedata
from typing import Final

# NFKC has already turned （） into (), ［］ into [], ﹝﹞ into 〔〕. Dashes too come in many lengths.
_ONE_STYLE: Final = str.maketrans("(){}〔〕【】〖〗〘〙〚〛〈〉《》<>‐‑‒–—―−", "[]" * 10 + "-" * 7)
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


def document_key(text: str) -> str:
    """The key of a document number: NFKC, one style of brackets, no spaces, upper case; empty where nothing is left.

    〔2019〕, [2019], 【2019】, (2019), （2019） and ﹝2019﹞ are one number. The number as sent is kept beside it.
    """
    normal = unicodedata.normalize("NFKC", text).translate(_ONE_STYLE)
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", normal).upper()).translate(_ONE_STYLE)
