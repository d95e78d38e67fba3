"""A row's texts become a statement, or faults that refuse it; what is doubtful and accepted is noted beside it.

What must always hold: a row of a natural person is refused before anything else of it is judged; identity numbers are
neither kept nor repeated; a text is stored without the persons' numbers that it held. A fault is known by its code and
its field, so that the sentence about it can never carry the value.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from hub.commands.statement import Remark, Statement, Values, doubts_of, faults_of
from hub.domain.dates import SERIAL_ZERO
from hub.domain.names import name_key
from hub.domain.persons import holds_resident_id, mask_persons_in, worth_a_look
from hub.domain.uscc import BadUscc, is_placeholder, kind_of, parse_uscc
from hub.intake.authorities import Authorities, Department
from hub.intake.cells import (
    holds_identity_number,
    is_cut_code,
    is_cut_number,
    is_mobile_number,
    may_be_a_persons,
    parsed_day,
    parsed_fen,
    tidied,
)
from hub.intake.layouts import Layout
from hub.intake.tables import Row
from hub.intake.words import (
    Category,
    Kinds,
    Status,
    category_of,
    dishonesty_class_of,
    is_status_number,
    license_kind,
    penalty_kinds,
    procedure_of,
    status_of,
)
from hub.store.labels import PenaltyKind, RecordKind, RecordStatus, SubjectKind


class Verdict(NamedTuple):
    """What a row is: a statement with its doubts, or faults and nothing else."""

    row: int
    statement: Statement | None
    faults: tuple[Remark, ...] = ()
    doubts: tuple[Remark, ...] = ()


# Of no use here, or a person's: their cells are not read.
_NOT_READ: Final = frozenset(
    {
        "registrationNo", "orgCode", "taxNo", "institutionCertNo", "socialOrgNo", "legalRepIdType", "legalRepIdNo",
        "personIdType", "personIdNo", "areaCode", "sourceTimestamp",
    }
)  # fmt: skip
_WITHOUT_LENGTH: Final = frozenset({"uscc", "authorityUscc", "sourceUscc", "status", "counterpartCategory"})
# An empty end means that there is none; the others may be missing as a column, since the import itself says the source
# and the category came to the standard later.
_MAY_BE_EMPTY: Final = frozenset({"validTo", "effectiveUntil"})
_MAY_BE_ABSENT: Final = frozenset({"counterpartCategory", "sourceName", "sourceUscc", "validTo", "effectiveUntil"})
_FREE_TEXTS: Final = (
    "counterpartName", "documentTitle", "caseName", "licenseKind", "certificateName",
    "content", "illegalActType", "facts", "legalBasis", "permitSuspendedOrRevoked", "remark", "legalRepresentative",
)  # fmt: skip

# The commands name fields as the GraphQL schema does; here they are called as in the table of national items.
_FIELD_OF: Final[Mapping[str, str]] = {
    "documentNumber": "documentNo",
    "fineAmount": "fineWanYuan",
    "confiscatedAmount": "confiscatedWanYuan",
    "permitAffected": "permitSuspendedOrRevoked",
}

NAMELESS: Final = "个体工商户"
"""What the national standard calls an individual business that has no name."""

_PERSON_NAME_MAX: Final = 4
# What people type between the parts of a name, after NFKC: · is on few keyboards.
_NAME_DOTS: Final = "·•・‧∙⋅●.。"

# Departments, kinds, laws and days repeat from row to row; these do not, and would only drive the others out.
_UNIQUE: Final = frozenset({"counterpartName", "uscc", "documentNo", "licenseNo", "facts", "content"})
_TIDIED_MAX: Final = 4096


class Judge:
    """Judges the rows of one table: its layout, who submits it, and the day on which it is read are given once."""

    def __init__(
        self,
        layout: Layout,
        authorities: Authorities,
        source: Department,
        today: date,
        *,
        width: int | None = None,
        serial_zero: date = SERIAL_ZERO,
    ) -> None:
        """`width`: the number of cells that a row may fill, or None where more do not matter."""
        self._layout = layout
        self._edition = layout.standard.edition
        self._kind = layout.standard.kind
        self._authorities = authorities
        self._source = source
        self._today = today
        self._serial_zero = serial_zero
        self._width = width
        # Only the layout of 2016 numbers the states of penalties; such a column in a later file is read by it.
        penalty = self._kind is RecordKind.ADMINISTRATIVE_PENALTY
        self._status_edition = 2016 if penalty else self._edition
        self._tidied: dict[str, tuple[str, str | None]] = {}
        self._sources: dict[tuple[str, str], bool] = {}
        items = layout.standard.items
        required = {field for field, item in items.items() if item.required}
        if self._edition == 2018:
            required.add("legalRepresentative")
        self._person_id_place = layout.columns.get("personIdNo")
        self._plan: list[tuple[str, int, int, bool]] = [
            (
                field,
                place,
                (items[field].length if field in items and field not in _WITHOUT_LENGTH else None) or 1 << 30,
                field in required and field not in _MAY_BE_EMPTY and field != "documentNo",
            )
            for field, place in layout.columns.items()
            if field not in _NOT_READ
        ]
        self._absent = {field: "" for field in (*items, *_FREE_TEXTS) if field not in layout.columns} | {
            "uscc": "", "counterpartCategory": "", "procedureKind": "", "dishonestyClass": "", "penaltyKinds2": "",
            "documentNo": "", "licenseNo": "",
        }  # fmt: skip
        self._always_missing = [
            Remark("REQUIRED", field)
            for field in items
            if field in required - _MAY_BE_ABSENT - {"documentNo"} and field not in layout.columns
        ]

    def judge(self, row: Row) -> Verdict:
        """The verdict on a row that is data."""
        if row.elsewhere:
            return Verdict(row.number, None, (Remark("OTHER_TABLE", None),))
        faults = list(self._always_missing)
        texts = self._texts(row, faults)
        if self._width is not None and any(cell.strip() for cell in row.cells[self._width :]):
            return Verdict(row.number, None, (Remark("EXTRA_CELLS", None),))
        if refusal := self._not_a_subject(row, texts):
            return Verdict(row.number, None, (refusal,))
        doubts: list[Remark] = []
        code = self._code(texts, faults, doubts)
        self._leave_out_person(code, texts, faults, doubts)
        self._numbers(texts, faults)
        self._mask(texts, doubts)
        decided_on = self._day("decidedOn", texts, faults, required=True)
        department_id = self._authority(texts, decided_on, faults, doubts)
        self._check_source(texts, doubts)
        if code and code in {self._source.uscc, self._authorities.code_of(department_id)}:
            doubts.append(Remark("OWN_CODE", "uscc"))
        if self._kind is RecordKind.ADMINISTRATIVE_LICENSE:
            values = self._license(texts, code, decided_on, faults, doubts)
        else:
            values = self._penalty(texts, code, decided_on, faults, doubts)
        if not values.document_number:
            faults.append(Remark("REQUIRED", "documentNo"))
        public_until = self._public_until(texts, doubts)
        states_status = bool(texts.get("status"))
        if faults:
            first: dict[str | None, Remark] = {}
            for fault in faults:  # what is wrong with a cell's signs says why it is no day and no amount
                first.setdefault(fault.field, fault)
            return Verdict(row.number, None, tuple(first.values()))
        try:
            statement = Statement.of(
                values,
                department_id,
                person=texts["legalRepresentative"] or None,
                public_until=public_until,
                # An empty cell is silent as a layout without the column: it does not bring back what was revoked.
                states_status=states_status,
                # Another status says that nobody objects in the layout of 2016 alone; 异议 speaks for itself in any.
                states_objection=(states_status and self._status_edition == 2016) or values.under_objection,
            )
        except ValueError:
            return Verdict(row.number, None, (Remark("REQUIRED", "documentNo"),))
        if refused := tuple(self._own(remark) for remark in faults_of(statement, self._kind, self._today)):
            return Verdict(row.number, None, refused)
        doubts.extend(
            own
            for own in self.own(doubts_of(statement, self._kind))
            # The layout of 2016 has no columns for amounts, so that none is missing.
            if own.field in self._layout.standard.items
        )
        return Verdict(row.number, statement, (), tuple(doubts))

    def own(self, remarks: Iterable[Remark]) -> tuple[Remark, ...]:
        """Remarks of the commands, with the fields called as in the table of national items."""
        return tuple(self._own(remark) for remark in remarks)

    def _own(self, remark: Remark) -> Remark:
        field = remark.field
        if field == "validUntil":
            field = "validTo" if self._kind is RecordKind.ADMINISTRATIVE_LICENSE else "effectiveUntil"
        return Remark(remark.code, _FIELD_OF.get(field, field) if field else None)

    def _texts(self, row: Row, faults: list[Remark]) -> dict[str, str]:
        """The row's texts by field, tidied, empty where a cell says nothing."""
        texts = self._absent.copy()
        cells = row.cells
        count = len(cells)
        met = self._tidied
        for field, place, length, required in self._plan:
            text = cells[place] if place < count else ""
            if text:
                if field in _UNIQUE:
                    text, fault = tidied(text)
                elif (known := met.get(text)) is not None:
                    text, fault = known
                else:
                    if len(met) >= _TIDIED_MAX:
                        met.clear()
                    known = met[text] = tidied(text)
                    text, fault = known
                if fault is not None:
                    faults.append(Remark(fault, field))
                if len(text) > length:
                    faults.append(Remark("TOO_LONG", field))
            if required and not text:
                faults.append(Remark("REQUIRED", field))
            texts[field] = text
        return texts

    def _not_a_subject(self, row: Row, texts: Mapping[str, str]) -> Remark | None:
        """Why there is no subject for this row: a natural person, or nobody who can be told from others."""
        category = category_of(texts["counterpartCategory"]) if texts["counterpartCategory"] else None
        if category is Category.NATURAL_PERSON:
            return Remark("NATURAL_PERSON", "counterpartCategory")
        if holds_resident_id(texts["counterpartName"]):
            return Remark("NATURAL_PERSON", "counterpartName")  # 李四 110101…: no organization is called so
        code = texts["uscc"]
        if code and not is_placeholder(code):
            return Remark("NATURAL_PERSON", "uscc") if may_be_a_persons(code) else None
        place = self._person_id_place
        has_person_id = place is not None and place < len(row.cells) and tidied(row.cells[place])[0] != ""
        if has_person_id and category is None:
            return Remark("NATURAL_PERSON", "personIdNo")
        return Remark("SUBJECT_WITHOUT_CODE", "uscc")

    def _code(self, texts: Mapping[str, str], faults: list[Remark], doubts: list[Remark]) -> str:
        try:
            code = parse_uscc(texts["uscc"])
        except BadUscc:
            faults.append(Remark("CODE_AS_NUMBER" if is_cut_code(texts["uscc"]) else "BAD_USCC", "uscc"))
            return ""
        if texts["counterpartCategory"]:
            category = category_of(texts["counterpartCategory"])
            if category is None:
                faults.append(Remark("UNKNOWN_CATEGORY", "counterpartCategory"))
            elif (category is Category.INDIVIDUAL_BUSINESS) != (kind_of(code) is SubjectKind.INDIVIDUAL_BUSINESS):
                doubts.append(Remark("CATEGORY_DIFFERS", "counterpartCategory"))
        return code

    def _leave_out_person(self, code: str, texts: dict[str, str], faults: list[Remark], doubts: list[Remark]) -> None:
        """A counterpart that is called as its representative is: a person's name is no organization's.

        An individual business without a name has the national one (item XDR_MC), and not its operator's.
        """
        name = name_key(texts["counterpartName"])
        if not code or name != name_key(texts["legalRepresentative"]) or not _is_like_a_persons(name):
            return
        if kind_of(code) is SubjectKind.INDIVIDUAL_BUSINESS:
            texts["counterpartName"] = NAMELESS
            doubts.append(Remark("OPERATOR_NAME", "counterpartName"))
        else:
            faults.append(Remark("NATURAL_PERSON", "counterpartName"))

    def _numbers(self, texts: Mapping[str, str], faults: list[Remark]) -> None:
        """A document's number must be no person's; one whose date cannot be an adult's birth is one like others."""
        for field in ("documentNo", "licenseNo"):
            text = texts.get(field, "")
            if holds_identity_number(text, self._today):
                faults.append(Remark("IDENTITY_NUMBER", field))
            elif is_mobile_number(text):
                faults.append(Remark("MOBILE_NUMBER", field))
            elif is_cut_number(text):
                faults.append(Remark("CODE_AS_NUMBER", field))

    def _mask(self, texts: dict[str, str], doubts: list[Remark]) -> None:
        """Take persons' numbers out of whatever is stored as text."""
        # The numbers of documents are keys: they stay as sent, and what may be a person's is a fault (see `_numbers`).
        if worth_a_look("\n".join([texts[field] for field in _FREE_TEXTS])):
            for field in _FREE_TEXTS:
                masked, count = mask_persons_in(texts[field])
                if count:
                    texts[field] = masked
                    doubts.append(Remark("PERSONAL_DATA_MASKED", field))

    def _day(
        self, field: str, texts: Mapping[str, str], faults: list[Remark], *, required: bool = False
    ) -> date | None:
        text = texts[field]
        if not text:
            return None  # a required one is missing already
        try:
            day = parsed_day(text, self._today, self._serial_zero)
        except ValueError:
            faults.append(Remark("BAD_DATE", field))
            return None
        if day is None and required:
            faults.append(Remark("REQUIRED", field))
        return day

    def _public_until(self, texts: Mapping[str, str], doubts: list[Remark]) -> date | None:
        """The sender's own end of publication, which is compared and never believed."""
        text = texts.get("publicUntil")
        if not text:
            return None
        try:
            return parsed_day(text, self._today, self._serial_zero)
        except ValueError:
            doubts.append(Remark("PUBLIC_UNTIL_DIFFERS", "publicUntil"))
            return None

    def _authority(
        self, texts: Mapping[str, str], decided_on: date | None, faults: list[Remark], doubts: list[Remark]
    ) -> int:
        """The id of the department that decided; 0 where it is not found."""
        given, name = texts.get("authorityUscc", ""), texts["authorityName"]
        code = None
        placeholder = bool(given) and is_placeholder(given)
        if given and not placeholder:
            try:
                code = parse_uscc(given)
            except BadUscc:
                faults.append(Remark("BAD_USCC", "authorityUscc"))
                return 0
        if decided_on is None or not (code or name):
            return 0
        found = self._authorities.find(code, name, decided_on)
        if found is None:
            faults.append(Remark("UNKNOWN_AUTHORITY", "authorityUscc" if code else "authorityName"))
            return 0
        if placeholder:
            doubts.append(Remark("NO_AUTHORITY_CODE", "authorityUscc"))
        elif code and found.by_name:
            doubts.append(Remark("AUTHORITY_CODE_UNKNOWN", "authorityUscc"))
        if found.name_differs:
            doubts.append(Remark("AUTHORITY_NAME_DIFFERS", "authorityName"))
        if found.renamed:
            doubts.append(Remark("AUTHORITY_OUT_OF_TERM", "authorityName"))
        return found.department.id

    def _check_source(self, texts: Mapping[str, str], doubts: list[Remark]) -> None:
        named = (texts.get("sourceUscc", ""), texts.get("sourceName", ""))
        same = self._sources.get(named)
        if same is None:
            if len(self._sources) > 1000:
                self._sources.clear()
            same = self._sources[named] = self._is_source(*named)
        if not same:
            doubts.append(Remark("SOURCE_DIFFERS", "sourceUscc" if named[0] else "sourceName"))

    def _is_source(self, uscc: str, name: str) -> bool:
        if uscc and not is_placeholder(uscc):
            try:
                return parse_uscc(uscc) == self._source.uscc
            except BadUscc:
                return False
        return not name or name_key(name) == self._source.name_key

    def _license(
        self,
        texts: Mapping[str, str],
        code: str,
        decided_on: date | None,
        faults: list[Remark],
        doubts: list[Remark],
    ) -> Values:
        kind = None
        if texts["licenseKind"]:
            kind = license_kind(texts["licenseKind"])
            if kind is None:
                faults.append(Remark("UNKNOWN_LICENSE_KIND", "licenseKind"))
        status = self._status(texts, faults, doubts)
        return Values(
            counterpart_name=texts["counterpartName"],
            counterpart_code=code,
            # Where a licence has no document, its own number stands for it (national item XK_WSH).
            document_number=texts["documentNo"] or texts["licenseNo"],
            decided_on=decided_on or self._today,
            title=texts["documentTitle"] or None,
            content=texts["content"] or None,
            valid_from=self._day("validFrom", texts, faults, required=True) if texts.get("validFrom") else None,
            valid_until=self._day("validTo", texts, faults),
            status=status.status,
            under_objection=status.under_objection,
            license_kind=kind,
            certificate_name=texts["certificateName"] or None,
            certificate_number=texts["licenseNo"] or None,
            remark=texts["remark"] or None,
        )

    def _penalty(
        self,
        texts: Mapping[str, str],
        code: str,
        decided_on: date | None,
        faults: list[Remark],
        doubts: list[Remark],
    ) -> Values:
        status = self._status(texts, faults, doubts)
        procedure = dishonesty = None
        if texts["procedureKind"] and (procedure := procedure_of(texts["procedureKind"])) is None:
            faults.append(Remark("UNKNOWN_PROCEDURE", "procedureKind"))
        if texts["dishonestyClass"] and (dishonesty := dishonesty_class_of(texts["dishonestyClass"])) is None:
            faults.append(Remark("UNKNOWN_DISHONESTY_CLASS", "dishonestyClass"))
        return Values(
            counterpart_name=texts["counterpartName"],
            counterpart_code=code,
            document_number=texts["documentNo"],
            decided_on=decided_on or self._today,
            title=texts["caseName"] or None,
            content=texts["content"] or None,
            valid_until=self._day("effectiveUntil", texts, faults) if texts.get("effectiveUntil") else None,
            status=status.status,
            under_objection=status.under_objection,
            penalty_kinds=self._penalty_kinds(texts, faults, doubts),
            violation=texts["illegalActType"] or None,
            facts=texts["facts"] or None,
            legal_basis=texts["legalBasis"] or None,
            fine_fen=self._fen("fineWanYuan", texts, faults),
            confiscated_fen=self._fen("confiscatedWanYuan", texts, faults),
            permit_affected=texts["permitSuspendedOrRevoked"] or None,
            procedure_kind=procedure,
            dishonesty_class=dishonesty,
            remark=texts["remark"] or None,
        )

    def _status(self, texts: Mapping[str, str], faults: list[Remark], doubts: list[Remark]) -> Status:
        text = texts.get("status", "")
        status = status_of(text, self._status_edition, self._kind) if text else Status(RecordStatus.EFFECTIVE)
        if status is None:
            faults.append(Remark("UNKNOWN_STATUS", "status"))
            return Status(RecordStatus.EFFECTIVE)
        if status.unclear:
            doubts.append(Remark("STATUS_UNCLEAR", "status"))
        elif text and self._status_edition < self._edition and is_status_number(text) and status.is_not_normal:
            # A column that the file's own layout does not have: whoever has put it in may mean 1 as licences do.
            doubts.append(Remark("STATUS_NUMBER", "status"))
        return status

    def _penalty_kinds(
        self, texts: Mapping[str, str], faults: list[Remark], doubts: list[Remark]
    ) -> tuple[PenaltyKind, ...]:
        if not texts["penaltyKinds"]:
            return ()
        named = penalty_kinds(texts["penaltyKinds"], self._edition)
        if texts["penaltyKinds2"]:
            more = penalty_kinds(texts["penaltyKinds2"], self._edition)
            named = Kinds(
                tuple(dict.fromkeys(named.kinds + more.kinds)),
                named.unknown or more.unknown,
                named.unclear or more.unclear,
            )
        if named.unknown or not named.kinds:
            faults.append(Remark("UNKNOWN_PENALTY_KIND", "penaltyKinds"))
        if not named.unclear:
            return named.kinds
        said = texts["content"] + texts["permitSuspendedOrRevoked"]
        if ("吊销" in said) == ("暂扣" in said):
            doubts.append(Remark("PENALTY_KIND_UNCLEAR", "penaltyKinds"))
        elif "吊销" in said:
            swapped = (PenaltyKind.REVOKE_PERMIT if k is PenaltyKind.SUSPEND_PERMIT else k for k in named.kinds)
            return tuple(dict.fromkeys(swapped))
        return named.kinds

    def _fen(self, field: str, texts: Mapping[str, str], faults: list[Remark]) -> int | None:
        text = texts.get(field)
        if not text:
            return None
        try:
            return parsed_fen(text, self._layout.units[field])
        except ValueError:
            faults.append(Remark("BAD_AMOUNT", field))
            return None


def _is_like_a_persons(name: str) -> bool:
    """Whether a name is as short as persons' are, or in parts with a dot between and no company's."""
    return 0 < len(name) <= _PERSON_NAME_MAX or (any(dot in name for dot in _NAME_DOTS) and "公司" not in name)
