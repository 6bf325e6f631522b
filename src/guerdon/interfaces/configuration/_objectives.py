"""What other trainers call a loss, an estimate of a KL or an average, as a single setting: what is to be set of the configuration that is there.

Sources: ``loss_type`` of TRL, ``loss_mode``, ``loss_agg_mode``, ``kl_loss_type`` and ``kl_penalty`` of verl, ``policy_loss_type``, ``loss_reduction`` and ``kl_estimator_type``
of SkyRL, ``policy_loss_type`` and ``kl_estimator`` of OpenRLHF, ``kl_loss_type`` of slime, ``reference_policy_kl_type`` of NeMo-RL, ``loss_fn`` of open-instruct.
"""

from collections.abc import Callable, Mapping
from typing import Any

from guerdon.errors import InputError

Made = Callable[[Any, Any], list[tuple[str, Any]]]

# A loss of a policy → the recipe here.
_RECIPES: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "grpo",
            "dapo",
            "dr_grpo",
            "gspo",
            "cispo",
            "sapo",
            "luspo",
            "vespo",
            "clip_cov",
            "kl_cov",
            "gpg",
            "dppo",
            "ppo",
            "dft",
        )
    },
    "bnpo": "dapo",
    "geo_mean": "gmpo",
    "gmpo": "gmpo",
    "vanilla": "ppo",
    "regular": "ppo",
    "dual_clip": "ppo",
}
_AVERAGES: Mapping[str, Any] = {
    "token_mean": "token_mean",
    "sequence_mean": "sequence_mean",
    "seq_mean_token_mean": "sequence_mean",
    "seq_mean_token_sum": {"part": "constant_length", "length": 1},
    "prompt_mean": "prompt_mean",
}
_BY_LENGTH = "seq_mean_token_sum_norm"


def kind(name: str) -> Made:
    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        found = _RECIPES.get(str(value).replace("-", "_"))
        if found is not None:
            raise InputError(f"{name}: {value!r} is a recipe: recipe={found}; guerdon show {found} prints what runs")
        raise InputError(f"{name}: a loss is a recipe: recipe=dapo, dr_grpo, sapo, ipo, robust_dpo ...; guerdon show NAME prints what runs")

    return made


def average(name: str) -> Made:
    """An average for all terms of the recipe that is there."""

    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        how = str(value).replace("-", "_")
        known = {**_AVERAGES, _BY_LENGTH: {"part": "constant_length", "length": configuration.decoding.max_completion_length}}
        if how not in known:
            raise InputError(f"{name}: {value!r} is none of {', '.join(known)}; guerdon show losses.reduce lists what there is")
        return [(f"recipe.terms.{place}.reduce", known[how]) for place in range(len(configuration.recipe.terms))]

    return made


def estimate(name: str) -> Made:
    """Another estimate for the KL that the recipe has, in its loss or its reward."""

    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        from guerdon.interfaces.configuration._overrides import kl_terms
        from guerdon.interfaces.configuration.trainers._objectives import ESTIMATES, estimate

        found = estimate(str(value))
        if found is None:
            raise InputError(f"{name}: {value!r} is none of {', '.join(ESTIMATES)}; guerdon show losses.penalties lists what there is")
        places = list(kl_terms(configuration, ""))
        if not places:
            raise InputError(
                f"{name}: the recipe has no KL; add a term to recipe.terms ({{loss: kl_exponential, weight: 0.01}}), or one of recipe.reward_penalties"
            )
        return [(f"{place}.loss", found) for place in places]

    return made
