"""As verl: a reward of ours, or any that can be adapted, with the signature that verl calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.adapters import adapt
from guerdon.feedback.helpers import Failure
from guerdon.feedback.number import as_number


@dataclass(frozen=True)
class AsVerl:
    """A reward as verl's ``compute_score``, one completion at a time: the file that verl is pointed to says
    ``compute_score = as_verl(NumberMatch())``.

    The ground truth arrives as the column ``answer``, the entries of ``extra_info`` as columns of their own. verl has no "does not
    apply": the score is then 0, and ``applies``, which verl logs, is 0 too.
    """

    reward: Callable[..., Any]

    def __call__(
        self, data_source: str, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None
    ) -> dict[str, float]:
        reward = adapt(self.reward)
        if reward.asynchronous:
            raise InputError(f"the reward {reward.name} is async, so verl cannot call it as compute_score: wrap it in a sync function")
        more = dict(extra_info or {})
        prompt = more.pop("prompt", "")
        columns = more | {"answer": ground_truth, "data_source": data_source}
        (value,) = reward(
            [prompt], [solution_str], **{name: [one] for name, one in columns.items() if name not in ("prompts", "completions")}
        )
        number = as_number(value)
        if isinstance(number, Failure):
            raise InputError(f"the reward {reward.name} {number.text}")
        return {"score": 0.0 if number is None else number, "applies": 0.0 if number is None else 1.0}


def as_verl(reward: Callable[..., Any]) -> AsVerl:
    """The reward as verl's ``compute_score``."""
    return AsVerl(reward)
