"""What compositions of a score have in common: a part may read what a view scores (``ref_score``), which is the same score, of what the view measures."""

from collections.abc import Mapping, Set

from torch import Tensor

from guerdon.parts import Part, needs, wants
from guerdon.quantities import seen_by


def names_of(part: Part) -> frozenset[str]:
    """What a part reads, whether it needs it or does without."""
    return needs(part) | wants(part)


def as_seen(view: str, quantities: Mapping[str, Tensor], names: Set[str]) -> dict[str, Tensor]:
    """What the view measures, by the names under which the model's own would be given."""
    return {name: quantities[seen_by(view, name)] for name in names if seen_by(view, name) in quantities}
