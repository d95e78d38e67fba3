"""Who decided: a row names its authority by code and name, and the department of that day has to be found.

Departments end and others go on in their place. A decision belongs to the one that was there on its day: one that names
a body after its end is its successor's, one that names a body before its beginning is its predecessor's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from hub.domain.names import name_key


@dataclass(frozen=True, slots=True)
class Department:
    """A department as far as a row can name it. `term_from` and `term_until` are inclusive, null is open."""

    id: int
    code: str
    uscc: str | None
    name: str
    name_key: str
    term_from: date | None = None
    term_until: date | None = None
    successor_id: int | None = None

    def is_in_office(self, day: date) -> bool:
        """Whether the day lies in its term."""
        return (self.term_from is None or self.term_from <= day) and (self.term_until is None or day <= self.term_until)


class Found(NamedTuple):
    """The department that decided.

    `by_name`: the code was none, so the name decided. `renamed`: another one than that named, by its term.
    `name_differs`: the code decided, and the name is not that department's.
    """

    department: Department
    by_name: bool = False
    renamed: bool = False
    name_differs: bool = False


class Authorities:
    """All departments, by code and by the key of their name."""

    def __init__(self, departments: Iterable[Department]) -> None:
        self._by_id: Mapping[int, Department] = {department.id: department for department in departments}
        self._by_uscc: dict[str, Department] = {}
        self._by_name: dict[str, list[Department]] = {}
        self._before: dict[int, list[Department]] = {}
        for department in self._by_id.values():
            if department.uscc is not None:
                self._by_uscc[department.uscc] = department
            self._by_name.setdefault(department.name_key, []).append(department)
            if department.successor_id is not None:
                self._before.setdefault(department.successor_id, []).append(department)

    def code_of(self, department_id: int) -> str | None:
        """The credit code of a department; None where it has none, or there is no such department."""
        department = self._by_id.get(department_id)
        return None if department is None else department.uscc

    def find(self, uscc: str | None, name: str, day: date) -> Found | None:
        """The department by its code, else by exactly its name, as it was on the day; None where there is none.

        A code that no department has is not believed over a name that one has.
        """
        named = self._by_uscc.get(uscc) if uscc is not None else None
        if named is not None:
            found = self._in_office(named, day)
            differs = bool(name) and name != named.name and name_key(name) not in self._names_of(named)
            return None if found is None else Found(found, renamed=found is not named, name_differs=differs)
        candidates = self._by_name.get(name_key(name), []) if name else []
        on_the_day = [department for department in candidates if department.is_in_office(day)]
        if len(on_the_day) == 1:
            return Found(on_the_day[0], by_name=True)
        if len(candidates) != 1:
            return None
        found = self._in_office(candidates[0], day)
        return None if found is None else Found(found, by_name=True, renamed=found is not candidates[0])

    def _in_office(self, named: Department, day: date) -> Department | None:
        """The department itself, or who went before or came after it, on the day."""
        department: Department | None = named
        seen: set[int] = set()
        while department is not None and department.id not in seen:
            if department.is_in_office(day):
                return department
            seen.add(department.id)
            if department.term_until is not None and day > department.term_until:
                department = self._by_id.get(department.successor_id) if department.successor_id is not None else None
            else:
                earlier = [one for one in self._before.get(department.id, []) if one.is_in_office(day)]
                department = earlier[0] if len(earlier) == 1 else None
        return None

    def _names_of(self, department: Department) -> set[str]:
        """Its name and those of its neighbours in time: files go on using the old name, or use the new one at once."""
        near = [department, *self._before.get(department.id, [])]
        if department.successor_id is not None and (successor := self._by_id.get(department.successor_id)):
            near.append(successor)
        return {one.name_key for one in near}
