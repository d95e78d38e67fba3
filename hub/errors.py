"""The families of errors, known by a stable code; this module knows neither HTTP nor GraphQL.

An error's text is an English sentence for the caller and never repeats a value that the caller sent: a value may be an
identity number, a token or somebody's name.
"""

from typing import ClassVar


class HubError(Exception):
    """Whatever the hub refuses on purpose."""

    code: ClassVar[str] = "INTERNAL"


class Invalid(HubError):
    """The request is wrong, and saying so helps the caller to mend it."""

    code = "BAD_USER_INPUT"


class Overloaded(HubError):
    """No connection became free in time; the same request may work in a moment."""

    code = "OVERLOADED"


class Unusable(HubError):
    """A command cannot do its work here: a port in use, a directory of another version, an unreadable file.

    The text is one sentence for the person at the terminal.
    """

    code = "UNUSABLE"
