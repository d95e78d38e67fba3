"""How large a document is, measured before it is validated: every refusal here costs less than reading it did.

Fragments count where they are spread, once at each place however often and by whichever way they are spread there, as
GraphQL itself collects them; and each is measured once. So thirty levels of fragments that spread the next one twice
are as large as they are: the fields of thirty fragments.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from hub.limits import Limits

# Numbers stop growing here: a document that reaches it is refused whatever its exact size.
CEILING = 10**9


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection holds, fragments unfolded."""

    depth: int = 0
    width: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "Size") -> "Size":
        """Two selections side by side."""
        return Size(
            max(self.depth, other.depth),
            min(self.width + other.width, CEILING),
            min(self.fields + other.fields, CEILING),
            min(self.aliases + other.aliases, CEILING),
            min(self.directives + other.directives, CEILING),
        )


EMPTY: Final = Size()


@dataclass(frozen=True, slots=True)
class Part:
    """A selection set by itself: its size without what it spreads, and the names of the fragments that it spreads."""

    size: Size
    spreads: frozenset[str]


class Measure:
    """Measures the selections of one document, each fragment once."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[str, Part] = {}
        # The most fragments that stand side by side, and how many fields are asked for once more beside themselves:
        # each is compared with each when they are merged.
        self.crowd = 0
        self.repeated = 0

    def of(self, selections: SelectionSetNode | None) -> Size:
        """The size of a selection set, with every fragment that is spread in it or in what is spread there."""
        part = self.part(selections)
        total, waiting, seen = part.size, list(part.spreads), set(part.spreads)
        while waiting:
            fragment = self.fragment(waiting.pop())
            total = total.beside(fragment.size)
            waiting.extend(fragment.spreads - seen)
            seen |= fragment.spreads
        # Those within others are merged beside each other, too.
        self.crowd = max(self.crowd, len(seen))
        return total

    def part(self, selections: SelectionSetNode | None) -> Part:
        total, spreads = EMPTY, set[str]()
        keys: set[str] = set()
        # Most of what is selected are fields with nothing below: they are counted, not added one by one.
        width = aliases = directives = crowd = 0
        for node in selections.selections if selections else ():
            directives += len(node.directives or ())
            match node:
                case FieldNode():
                    key = node.alias or node.name
                    self.repeated += key.value in keys
                    keys.add(key.value)
                    width += 1
                    aliases += node.alias is not None
                    if node.selection_set is not None:
                        below = self.of(node.selection_set)
                        total = total.beside(replace(below, depth=below.depth + 1, width=0))
                case InlineFragmentNode():
                    crowd += 1
                    inner = self.part(node.selection_set)
                    spreads |= inner.spreads
                    total = total.beside(inner.size)
                case FragmentSpreadNode():
                    crowd += 1
                    spreads.add(node.name.value)
        self.crowd = max(self.crowd, crowd)
        own = Size(1 if width else 0, width, width, aliases, directives)
        return Part(total.beside(own), frozenset(spreads))

    def fragment(self, name: str) -> Part:
        """A fragment; one that spreads itself further down counts as nothing there (validation refuses it)."""
        known = self.known.get(name)
        if known is None:
            self.known[name] = Part(EMPTY, frozenset())
            node = self.fragments.get(name)
            known = self.known[name] = self.part(node.selection_set) if node else self.known[name]
        return known

    def has_read(self, fragment: FragmentDefinitionNode) -> bool:
        """Whether a fragment is spread in what was measured; of several with one name it is the last that counts."""
        name = fragment.name.value
        return name in self.known and self.fragments[name] is fragment


def excesses(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """What of a document is too much; each names the limit and its value."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    measure = Measure(document)
    found: list[tuple[str, int, Iterable[Any]]] = []
    if len(operations) > limits.operations:
        found.append(("operations", limits.operations, operations[-1:]))
    if len(fragments) > limits.fragments:
        found.append(("fragments", limits.fragments, ()))
    sizes: list[tuple[OperationDefinitionNode | FragmentDefinitionNode, Size]] = [
        (operation, measure.of(operation.selection_set)) for operation in operations
    ]
    # What no operation spreads is refused by the rules, but not before they have looked at all of it.
    sizes += [
        (fragment, replace(measure.of(fragment.selection_set), width=0))
        for fragment in fragments
        if not measure.has_read(fragment)
    ]
    for definition, size in sizes:
        for name, value, most in (
            ("levels of nesting", size.depth, limits.depth),
            ("fields at the root", size.width, limits.root_fields),
            ("fields", size.fields, limits.fields),
            ("aliases", size.aliases, limits.aliases),
            ("directives", size.directives + len(definition.directives or ()), limits.directives),
        ):
            if value > most:
                found.append((name, most, [definition]))
    for name, value in (("fragments side by side", measure.crowd), ("fields asked for again", measure.repeated)):
        if value > limits.merged:
            found.append((name, limits.merged, ()))
    return [
        GraphQLError(
            f"The document has more than {most:,} {name}; ask in parts.",
            nodes=list(nodes),
            extensions={"code": "COST_EXCEEDED"},
        )
        for name, most, nodes in found
    ]
