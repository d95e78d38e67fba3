"""The closed words that rows carry; the database checks them and the schema shows them under the same names."""

from enum import StrEnum


class SubjectKind(StrEnum):
    LEGAL_PERSON = "LEGAL_PERSON"
    UNINCORPORATED_ORGANIZATION = "UNINCORPORATED_ORGANIZATION"
    INDIVIDUAL_BUSINESS = "INDIVIDUAL_BUSINESS"
    PUBLIC_INSTITUTION = "PUBLIC_INSTITUTION"
    GOVERNMENT_BODY = "GOVERNMENT_BODY"


class SubjectStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    DEREGISTERED = "DEREGISTERED"


class RelationKind(StrEnum):
    BRANCH_OF = "BRANCH_OF"
    HAS_BRANCH = "HAS_BRANCH"
    CONTROLLED_BY = "CONTROLLED_BY"
    CONTROLS = "CONTROLS"
    SUPERVISED_BY = "SUPERVISED_BY"


class ResponsibleRole(StrEnum):
    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"
    PRINCIPAL = "PRINCIPAL"
    ACTUAL_CONTROLLER = "ACTUAL_CONTROLLER"
    DIRECTLY_RESPONSIBLE = "DIRECTLY_RESPONSIBLE"


class CommitmentType(StrEnum):
    APPROVAL_SUBSTITUTE = "APPROVAL_SUBSTITUTE"
    MISSING_MATERIAL = "MISSING_MATERIAL"
    PROOF_ITEM = "PROOF_ITEM"
    CREDIT_REPAIR = "CREDIT_REPAIR"
    INDUSTRY_SELF = "INDUSTRY_SELF"
    VOLUNTARY = "VOLUNTARY"
    OTHER = "OTHER"


class Fulfilment(StrEnum):
    PENDING = "PENDING"
    FULL = "FULL"
    PARTIAL = "PARTIAL"
    NONE = "NONE"


class RecordKind(StrEnum):
    ADMINISTRATIVE_LICENSE = "ADMINISTRATIVE_LICENSE"
    ADMINISTRATIVE_PENALTY = "ADMINISTRATIVE_PENALTY"
    ADMINISTRATIVE_ACT = "ADMINISTRATIVE_ACT"
    JUDGMENT_DEFAULT = "JUDGMENT_DEFAULT"
    FALSE_LITIGATION = "FALSE_LITIGATION"
    CONTRACT_PERFORMANCE = "CONTRACT_PERFORMANCE"
    HONOR = "HONOR"
    COMPLAINT = "COMPLAINT"
    REGULATORY_INTERVIEW = "REGULATORY_INTERVIEW"
    RECTIFICATION = "RECTIFICATION"
    TRAINING = "TRAINING"
    VOLUNTARY_DECLARATION = "VOLUNTARY_DECLARATION"


class RecordStatus(StrEnum):
    EFFECTIVE = "EFFECTIVE"
    REVOKED = "REVOKED"
    REPAIRED = "REPAIRED"
    EXPIRED = "EXPIRED"


class PenaltyKind(StrEnum):
    """Kinds of penalty, Administrative Penalty Law (2021) article 9."""

    WARNING = "WARNING"
    PUBLIC_CRITICISM = "PUBLIC_CRITICISM"
    FINE = "FINE"
    CONFISCATE_INCOME = "CONFISCATE_INCOME"
    CONFISCATE_PROPERTY = "CONFISCATE_PROPERTY"
    SUSPEND_PERMIT = "SUSPEND_PERMIT"
    DOWNGRADE_QUALIFICATION = "DOWNGRADE_QUALIFICATION"
    REVOKE_PERMIT = "REVOKE_PERMIT"
    RESTRICT_BUSINESS = "RESTRICT_BUSINESS"
    ORDER_SUSPENSION = "ORDER_SUSPENSION"
    ORDER_CLOSURE = "ORDER_CLOSURE"
    RESTRICT_PRACTICE = "RESTRICT_PRACTICE"
    DETENTION = "DETENTION"
    OTHER = "OTHER"


class ActKind(StrEnum):
    """The acts of article 15 of the State Council General Office's document 2019 No. 35 beside licence and penalty."""

    COERCION = "COERCION"
    CONFIRMATION = "CONFIRMATION"
    COLLECTION = "COLLECTION"
    PAYMENT = "PAYMENT"
    ADJUDICATION = "ADJUDICATION"
    COMPENSATION = "COMPENSATION"
    REWARD = "REWARD"
    INSPECTION = "INSPECTION"


class ProcedureKind(StrEnum):
    """How a penalty was decided: simple procedure is Administrative Penalty Law article 51."""

    SIMPLE = "SIMPLE"
    ORDINARY = "ORDINARY"


class DishonestyClass(StrEnum):
    """Classes of dishonesty, NDRC Order 36 (in force from 2026-04-01)."""

    MINOR = "MINOR"
    GENERAL = "GENERAL"
    SERIOUS = "SERIOUS"


class Publicity(StrEnum):
    PUBLIC = "PUBLIC"
    ON_REQUEST = "ON_REQUEST"
    NOT_PUBLIC = "NOT_PUBLIC"


class Sharing(StrEnum):
    UNCONDITIONAL = "UNCONDITIONAL"
    CONDITIONAL = "CONDITIONAL"
    NOT_SHARED = "NOT_SHARED"


class PeriodRule(StrEnum):
    """Which rule ends the publication of an item's records.

    OPEN_END: none does. DISHONESTY: the versioned rules of `publicity_rules.csv`. VALIDITY: the record's own end.
    FIXED: the item's `max_months`, from the decision.
    """

    OPEN_END = "OPEN_END"
    DISHONESTY = "DISHONESTY"
    VALIDITY = "VALIDITY"
    FIXED = "FIXED"


class DepartmentLevel(StrEnum):
    NATIONAL = "NATIONAL"
    PROVINCE = "PROVINCE"
    PREFECTURE = "PREFECTURE"
    COUNTY = "COUNTY"


class SanctionsListKind(StrEnum):
    JOINT_SANCTION = "JOINT_SANCTION"
    WATCH = "WATCH"
    MARKET_BAN = "MARKET_BAN"
    ABNORMAL_OPERATION = "ABNORMAL_OPERATION"
    INCENTIVE = "INCENTIVE"


class ListingStatus(StrEnum):
    PROPOSED = "PROPOSED"
    NOTIFIED = "NOTIFIED"
    LISTED = "LISTED"
    REMOVED = "REMOVED"
    DISMISSED = "DISMISSED"
    ANNULLED = "ANNULLED"


class MeasureCategory(StrEnum):
    ADMINISTRATIVE = "ADMINISTRATIVE"
    MARKET = "MARKET"
    INDUSTRY = "INDUSTRY"


class DisclosureKind(StrEnum):
    PUBLISHED = "PUBLISHED"
    CORRECTED = "CORRECTED"
    MARKED = "MARKED"
    WITHDRAWN = "WITHDRAWN"


class DisclosureReason(StrEnum):
    PERIOD_ENDED = "PERIOD_ENDED"
    REPAIRED = "REPAIRED"
    REVOKED = "REVOKED"
    ANNULLED = "ANNULLED"
    OBJECTION = "OBJECTION"
    OBJECTION_UPHELD = "OBJECTION_UPHELD"
    OBJECTION_REJECTED = "OBJECTION_REJECTED"
    CORRECTION = "CORRECTION"
    REMOVED = "REMOVED"
    REVIVED = "REVIVED"


class DisclosureStatus(StrEnum):
    NOT_PUBLIC = "NOT_PUBLIC"
    SCHEDULED = "SCHEDULED"
    PUBLIC = "PUBLIC"
    ENDED = "ENDED"
    WITHDRAWN = "WITHDRAWN"


class ItemKind(StrEnum):
    """What a line of the disclosure log is about."""

    RECORD = "RECORD"
    ENTRY = "ENTRY"


class FeedState(StrEnum):
    """What the disclosure feed has said of an item, for the sweeps; not part of the item's history.

    NONE: nothing to say. DUE: to be announced once `public_from` comes. OPEN: announced as public. CLOSED: announced
    as withdrawn.
    """

    NONE = "NONE"
    DUE = "DUE"
    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Cut(StrEnum):
    """What a recomputation did to a publication.

    SHORTENED: it ends earlier, and not yet. ENDED: it was public and is not any more. NOT_BEGUN: it was to begin and
    never does.
    """

    SHORTENED = "SHORTENED"
    ENDED = "ENDED"
    NOT_BEGUN = "NOT_BEGUN"


class ClientKind(StrEnum):
    """What a client of the hub is; an AGENCY belongs to a department, a SUPPLIER acts for one by delegation."""

    AGENCY = "AGENCY"
    SUPPLIER = "SUPPLIER"
    ASSOCIATION = "ASSOCIATION"
    CREDIT_SERVICE = "CREDIT_SERVICE"
    PUBLIC_SITE = "PUBLIC_SITE"
    DEVELOPER = "DEVELOPER"
    REPRESENTATIVE = "REPRESENTATIVE"
    AUDITOR = "AUDITOR"


class ClientAuthentication(StrEnum):
    """How a client proves itself at the token endpoint; NONE is a public client, which needs PKCE."""

    PRIVATE_KEY_JWT = "PRIVATE_KEY_JWT"
    SECRET = "SECRET"  # noqa: S105 - a word, not a secret
    NONE = "NONE"


class ReadingMeasure(StrEnum):
    """What an alert of unusual reading counts: answers, or different subjects, of a client's day."""

    VOLUME = "VOLUME"
    BREADTH = "BREADTH"


class Sensitivity(StrEnum):
    """What a column holds of persons; `Column.info["sensitivity"]` names it, and policy decides how it is shown."""

    REGISTERED_NAME = "REGISTERED_NAME"
    PERSON_NAME = "PERSON_NAME"
    STAFF_NAME = "STAFF_NAME"
    CASE_REFERENCE = "CASE_REFERENCE"
