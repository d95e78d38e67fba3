"""Roots that answer with a thing for each key of the request, in order: batches, `node` and `nodes`, `_entities`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from graphql import GraphQLError, VariableNode

from hub.errors import Invalid
from hub.policy.visibility import word as literal
from hub.query import plan as p
from hub.query.budget import Budget
from hub.query.catalog import ByIds, ByKeys, Catalogue, EntityKey, Identity
from hub.query.ids import decode_id
from hub.query.items import Items
from hub.query.refusals import ManyRefusals
from hub.query.rights import Rights
from hub.query.selection import Place, Selection
from hub.query.slots import Slots
from hub.query.values import Argument, Variables, clean, step_of

FAULTS_MAX = 50

# Which branch is asked for a key, and with which values of its columns.
BranchKey = tuple[int, tuple[Any, ...]]


class Keyed:
    """Plans roots by keys; a list of keys holds at most `keys_max`."""

    def __init__(
        self,
        catalogue: Catalogue,
        selection: Selection,
        slots: Slots,
        rights: Rights,
        budget: Budget,
        items: Items,
        keys_max: int,
    ) -> None:
        self.catalogue = catalogue
        self.selection = selection
        self.slots = slots
        self.rights = rights
        self.budget = budget
        self.items = items
        self.keys_max = keys_max

    # ------------------------------------------------------------------ by one column

    def by_keys(self, key: str, source: ByKeys, place: Place) -> p.KeysRoot:
        argument = self.argument(place, source.argument)
        place = self.many(argument, place)
        keys = partial(given_keys, argument, place, self.keys_max)
        shape = self.items.shape(self.selection.type_of("Query", place.name), place)
        branch = p.Branch("key", self.rights.rows(source.table, place, by_key=True), (source.column,), shape)
        return p.KeysRoot(key, (branch,), self.slots.by(("keys", id(place.nodes[0])), keys), plain=True)

    # ------------------------------------------------------------------ by global ids

    def by_ids(self, key: str, source: ByIds, place: Place) -> p.KeysRoot:
        """A branch for each type that has global ids."""
        argument = self.argument(place, source.argument)
        if source.single:
            self.budget.spend(1, place)
        else:
            place = self.many(argument, place)
        most = self.keys_max
        numbers = {tag: number for number, tag in enumerate(self.catalogue.by_tag)}
        slot = self.slots.fresh()
        branches = self.branches(
            slot, (partial(self.id_branch, type_name, place) for type_name in self.catalogue.by_tag.values())
        )

        def key_of(text: Any) -> BranchKey | None:
            named = decode_id(text)
            return (numbers[named.tag], named.numbers) if named.tag in numbers else None

        def keys(variables: Variables) -> list[BranchKey | None]:
            if source.single:
                return all_of([argument.of(variables)], key_of, lambda _: source.argument, place)
            given = given_keys(argument, place, most, variables)
            return all_of(given, key_of, lambda index: f"{source.argument}[{index}]", place)

        return p.KeysRoot(key, branches, self.slots.fill(slot, keys), source.single)

    def id_branch(self, type_name: str, place: Place, only: str | None = None) -> p.Branch:
        """Rows of a type by the numbers of its global ids; `only` for one concrete type of an interface."""
        row = self.catalogue.rows[type_name]
        identity = self.catalogue.source(type_name, "id")
        assert isinstance(identity, Identity)
        shape = self.items.shape(self.catalogue.schema.type_map[only or type_name], place, variants_of=type_name)
        rows = self.rights.rows(row.table, place, by_key=True)
        if only is not None and row.discriminator is not None:
            name = row.discriminator.name
            word = next(word for word, concrete in row.variants.items() if concrete == only)
            rows = replace(rows, where=lambda alias: alias.c[name] == literal(word))
        return p.Branch(only or type_name, rows, identity.columns, shape)

    # ------------------------------------------------------------------ by representations

    def by_representations(self, key: str, place: Place) -> p.KeysRoot:
        """A branch for each (type, key field) that the federation keys allow; the request says which are used."""
        argument = self.argument(place, "representations")
        place = self.many(argument, place)
        asked = self.asked_types(argument)
        keyed = [
            (type_name, entity_key)
            for type_name, entity_keys in self.catalogue.entities.items()
            for entity_key in entity_keys
            if asked is None or type_name in asked
        ]
        numbers = {(type_name, entity_key.field): number for number, (type_name, entity_key) in enumerate(keyed)}
        slot = self.slots.fresh()
        branches = self.branches(
            slot, (partial(self.entity_branch, type_name, entity_key, place) for type_name, entity_key in keyed)
        )
        key_of, most = partial(representation, self.catalogue, numbers), self.keys_max

        def keys(variables: Variables) -> list[BranchKey | None]:
            given = given_keys(argument, place, most, variables)
            return all_of(given, key_of, lambda index: f"representations[{index}]", place)

        return p.KeysRoot(key, branches, self.slots.fill(slot, keys))

    def asked_types(self, argument: Argument) -> set[str] | None:
        """The type names that a request's representations hold; a plan is kept for each set of them."""
        # A variable within a literal may be any type's name, and a plan is kept for whether it is there.
        if not (argument.constant or isinstance(argument.node, VariableNode)):
            return None
        given = argument.of(self.selection.variables)
        return {str(item.get("__typename")) for item in given if isinstance(item, dict)}

    def entity_branch(self, type_name: str, entity_key: EntityKey, place: Place) -> p.Branch:
        if entity_key.column is None:
            if type_name in self.catalogue.by_tag.values():
                return self.id_branch(type_name, place)
            interface = next(
                name for name, row in self.catalogue.rows.items()
                if row.tag and type_name in row.variants.values()
            )  # fmt: skip
            return self.id_branch(interface, place, only=type_name)
        row = self.catalogue.rows[type_name]
        shape = self.items.shape(self.catalogue.schema.type_map[type_name], place)
        rows = replace(self.rights.rows(row.table, place, by_key=True), where=entity_key.where)
        return p.Branch(type_name, rows, (entity_key.column,), shape)

    # ------------------------------------------------------------------ what all of them do

    def argument(self, place: Place, name: str) -> Argument:
        return self.selection.argument("Query", place.nodes[0], name)

    def many(self, argument: Argument, place: Place) -> Place:
        """The place of the rows by a list of keys, once they are paid for."""
        value = argument.of(self.selection.variables)
        expected = step_of(min(len(value), self.keys_max)) if isinstance(value, list) else 1
        self.budget.spend(expected, place)
        return place.of_list(expected)

    def branches(self, slot: p.Slot, makers: Iterable[Callable[[], p.Branch]]) -> tuple[p.Branch, ...]:
        """What each of them makes: a key asks one of them and no other."""
        noticed = (partial(self.rights.noticed, slot, number, make) for number, make in enumerate(makers))
        return tuple(self.budget.dearest(noticed))


# What reads the keys of a request is kept with the plan, and so knows nothing of the planner, which is not.


def given_keys(argument: Argument, place: Place, most: int, variables: Variables) -> list[Any]:
    """The values of a list of keys, not longer than a request may hold."""
    given = argument.of(variables)
    if len(given) > most:
        raise place.refusal(f"Argument {argument.name} holds more than {most} values; ask in parts.")
    return list(given)


def representation(catalogue: Catalogue, numbers: Mapping[tuple[str, str], int], given: Any) -> BranchKey | None:
    """Which branch a representation asks, and with which key.

    Raises Invalid for a representation that no gateway sends.
    """
    if not isinstance(given, dict) or not isinstance(given.get("__typename"), str):
        raise Invalid("is not an object with a __typename")
    type_name = given["__typename"]
    if type_name not in catalogue.entities:
        raise Invalid("names a type that is no entity of this hub")
    for entity_key in catalogue.entities[type_name]:
        value = given.get(entity_key.field)
        if value is None:
            continue
        number = numbers[type_name, entity_key.field]
        if not isinstance(value, str):
            raise Invalid(f"has a key {entity_key.field} that is not a string")
        if not clean(value):
            raise Invalid(f"has a key {entity_key.field} that holds NUL or an unpaired surrogate")
        if entity_key.column is None:
            named = decode_id(value)
            row = catalogue.rows[type_name]
            tag = row.tag or "R"
            return (number, named.numbers) if named.tag == tag else None
        if entity_key.field == "uscc":
            kind: Any = catalogue.schema.type_map["USCC"]
            try:
                value = kind.coerce_input_value(value)
            except GraphQLError as bad:
                why = bad.message.rstrip(".")
                raise Invalid(f"has a key uscc that is no unified social credit code: {why}") from None
        return number, (value,)
    needed = " or ".join(entity_key.field for entity_key in catalogue.entities[type_name])
    raise Invalid(f"needs a key {needed}")


def all_of(
    given: Sequence[Any], key_of: Callable[[Any], BranchKey | None], named: Callable[[int], str], place: Place
) -> list[BranchKey | None]:
    """The keys that were given; those that are none are refused all at once, each as it is `named` by its index."""
    try:
        return list(map(key_of, given))
    except Invalid:
        # Only a list that has a fault pays for finding all of them.
        raise ManyRefusals(list(islice(faults_of(given, key_of, named, place), FAULTS_MAX))) from None


def faults_of(
    given: Sequence[Any], key_of: Callable[[Any], BranchKey | None], named: Callable[[int], str], place: Place
) -> Iterator[GraphQLError]:
    for index, value in enumerate(given):
        try:
            key_of(value)
        except Invalid as bad:
            yield place.refusal(f"Argument {named(index)} {bad}.")
