"""Each shaped: components are shaped by themselves, and then combined.

    component_k -> shaping_k(component_k)        where ``shaping`` names one, from the components as they came
    reward      =  combine(components)                                                                          [B]

A sum of rewards in units of their own follows the one with the largest; with ``log_sigmoid`` for each the sum is the log-probability that an answer is good enough in every one of
them. What shapes a component sees the components and nothing else of the batch; NaN stays NaN.

Source: the combination of several rewards of LSC, Wang et al. 2024, arXiv 2402.00742.
Differs from Weigh, and from ``shaping`` in a recipe: that shapes the combined reward.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining, watched_by
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.shaping import Shaping
from guerdon.feedback.shaping.log_sigmoid import LN2, LogSigmoid
from guerdon.feedback.shaping.reference_sigmoid import LN3
from guerdon.parts import needs, stateful
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class EachShaped:
    shaping: Mapping[str, Shaping]
    combine: Combining = Weigh()

    def __post_init__(self) -> None:
        for name, shaping in self.shaping.items():
            foreign = [each for each in needs(shaping) if each != "reward" and not each.startswith("component_")]
            if foreign or stateful(shaping):
                raise InputError(
                    f"each_shaped.shaping.{name}: {type(shaping).__name__} reads {' and '.join(sorted(foreign)) or 'earlier batches'}, which is "
                    "not known where components are combined; put it into the recipe's shaping"
                )

    def __call__(self, components: Mapping[str, B]) -> B:
        shaped = dict(components)
        for name, shaping in self.shaping.items():
            read = {"reward": name} | {each: each.removeprefix("component_") for each in needs(shaping) if each != "reward"}
            for component in read.values():
                if component not in components:
                    raise InputError(unknown("reward component to shape", component, list(components)))
            values = {quantity: components[component] for quantity, component in read.items()}
            there = torch.stack([~value.isnan() for value in values.values()]).all(0)
            shaped[name] = torch.full_like(components[name], torch.nan)
            shaped[name][there] = shaping(**{quantity: value[there] for quantity, value in values.items()})
        return self.combine(shaped)

    def only_watched(self, names: Iterable[str]) -> frozenset[str]:
        return watched_by(self.combine, names)


_nan = float("nan")
_components = {
    "help": torch.tensor([0.0, LN3, _nan]),
    "harm": torch.tensor([LN3, LN3, 0.0]),
    "reference": torch.tensor([0.0, 0.0, 0.0]),
}
_parts = {"help": LogSigmoid(), "harm": LogSigmoid()}
_sum = Weigh({"reference": 0.0})
witness = (
    Witness(  # log 1/2, log 3/4
        EachShaped(_parts, _sum),
        parent=_sum,
        given={"components": _components},
        returns=[LN3 - 3 * LN2, 2 * LN3 - 4 * LN2, -LN2],
    ),
    Witness(
        EachShaped({"help": LogSigmoid()}, _sum),
        parent=EachShaped(_parts, _sum),
        given={"components": _components},
        returns=[LN3 - LN2, 2 * LN3 - 2 * LN2, 0.0],
    ),
    Witness(
        EachShaped(_parts, Weigh({"reference": 0.0, "harm": 0.0})),
        parent=EachShaped(_parts, _sum),
        given={"components": {name: value[:2] for name, value in _components.items()}},
        returns=[-LN2, LN3 - 2 * LN2],
    ),
)
