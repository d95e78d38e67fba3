"""What each code of a fault or a doubt says to the department, and what to do about it.

No sentence has a place for a value of the file: it may be a person's.
"""

from collections.abc import Mapping
from typing import Final

from hub.commands import statement

JUDGED: Final[Mapping[str, str]] = {
    "NATURAL_PERSON": "The row is about a natural person, whom the hub does not collect; leave it out.",
    "SUBJECT_WITHOUT_CODE": "The subject has no unified social credit code, and cannot be told from others without it;"
    " find its code and send the row again.",
    "BAD_USCC": "This is not a unified social credit code (18 characters, check character included); copy it from the"
    " certificate.",
    "CODE_AS_NUMBER": "A spreadsheet has cut this short by treating it as a number to calculate with; format the column"
    " as text and enter it again.",
    "REQUIRED": "The national standard requires a value here; fill it in.",
    "BAD_DATE": "This is not a day that exists in a form that is understood; write it like 2026-03-31.",
    "BAD_AMOUNT": "This is no amount in the unit of its column, 10,000 yuan unless the header says another; or its"
    " workbook shows it in another unit, such as ¥; or it has a fraction of a fen. Write 2,000 yuan as 0.2, or the unit"
    " into the header.",
    "UNKNOWN_AUTHORITY": "No department was known under this code or name on the day of the decision; check both, or"
    " have the department registered.",
    "UNKNOWN_CATEGORY": "Write 法人及非法人组织, 个体工商户 or 自然人.",
    "UNKNOWN_PENALTY_KIND": "A kind of penalty here has no name of the Administrative Penalty Law (article 9); use"
    " those names, separated by semicolons, or 其他-….",
    "UNKNOWN_LICENSE_KIND": "Write 普通, 特许, 认可, 核准, 登记 or 其他-… with the kind.",
    "UNKNOWN_STATUS": "Write 1 for valid or 2 for not valid (in the layout of 2016: 0 normal, 1 revoked, 2 disputed,"
    " 3 other).",
    "UNKNOWN_PROCEDURE": "Write 简易程序 or 普通程序, or leave it empty.",
    "UNKNOWN_DISHONESTY_CLASS": "Write 轻微, 一般 or 严重, or leave it empty.",
    "TOO_LONG": "The text is longer than the national standard allows here; shorten it.",
    "BAD_CHARACTER": "The text holds a character that cannot be stored (NUL, half of a surrogate pair, or the � that"
    " stands for a lost one); enter it again.",
    "IDENTITY_NUMBER": "A person's identity number stands where a document's own number belongs; write that number.",
    "MOBILE_NUMBER": "A mobile number stands where a document's own number belongs; write that number; if this is the"
    " document's own, write the words before it (许准字…号).",
    "BAD_VALUE": "A text, a number or a list of texts belongs here, and only one: no object, and no key given twice.",
    "FORMULA_ERROR": "The cell holds an error (such as #REF!) or a formula that was not computed when the workbook was"
    " saved; enter the value.",
    "EXTRA_CELLS": "The row has more cells than the header, so its columns are shifted; put texts with commas or line"
    " breaks in quotation marks.",
    "OTHER_TABLE": "Above this row the file has another header or unit of amounts than at its beginning, so that its"
    " columns may mean something else; put each table in a file or a sheet of its own.",
    # doubts
    "CATEGORY_DIFFERS": "The category and the code disagree on whether this is an individual business.",
    "OPERATOR_NAME": "The name is the operator's own, who is a person; it was recorded as 个体工商户, as the national"
    " standard has it for a business without a name.",
    "OWN_CODE": "This is the code of the authority or of the department that submits the file, not of a counterpart;"
    " check whether it stands in the right column.",
    "NO_AUTHORITY_CODE": "The authority has no code here and was found by its name; give its code.",
    "AUTHORITY_CODE_UNKNOWN": "No department has this code; the authority was found by its name.",
    "AUTHORITY_NAME_DIFFERS": "The authority was found by its code, and is called otherwise.",
    "AUTHORITY_OUT_OF_TERM": "The authority named was not there on the day of the decision; the department that was"
    " there for it is recorded.",
    "SOURCE_DIFFERS": "The source named here is not the department that submits the file; that one is recorded.",
    "PENALTY_KIND_UNCLEAR": "The name stands for the seizure and for the revocation of a permit; it was read as a"
    " seizure. Name one of them.",
    "STATUS_UNCLEAR": "The status says neither normal nor what else; the record is taken as effective.",
    "STATUS_NUMBER": "Penalties of this layout have no status; the number was read as in the layout of 2016 (1 revoked,"
    " 2 disputed). Write the word instead, such as 正常 or 撤销.",
    "PERSONAL_DATA_MASKED": "A person's identity or telephone number stood in the text and was masked before it was"
    " stored; leave such numbers out.",
}
"""Of the faults and doubts that an import finds in a row by itself."""

SENTENCES: Final[Mapping[str, str]] = {
    **statement.SENTENCES,
    **JUDGED,
    "DUPLICATE_IN_FILE": "The file has the same record above (authority, document number and subject); the later row"
    " counts as sent after it.",
    "UNKNOWN_COLUMN": "No national item has this header, or its unit is not understood, or a column before it has the"
    " same item; it is not read.",
    "UNIT_DIFFERS": "This line states another unit than the one in which the amounts were read; state the unit in the"
    " header of the amounts and send the file again.",
    "NOT_STORED": "The database refuses this row; send it to the operator of the hub with the name of the file.",
}
if any(code in JUDGED for code in statement.SENTENCES):
    raise LookupError("a code has one sentence")
