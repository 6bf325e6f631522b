"""What other trainers correct off-policy rollouts with → ``losses.corrected``."""

import math
from typing import Any

from guerdon.interfaces.configuration.trainers import Theirs

LEVELS = {"token": None, "sequence": "product"}
REJECTIONS = {"token_k1": None, "seq_sum_k1": "product", "seq_mean_k1": "geometric_mean"}


def corrected(loss: Any, corrections: list[Any], **more: Any) -> Any:
    """The loss, corrected where anything corrects."""
    return {"part": "corrected", "loss": loss, "corrections": corrections, **more} if corrections else loss


def _at(part: str, level: str | None, **bounds: float) -> dict[str, Any]:
    return {"part": part, **bounds, **({"level": level} if level else {})}


def of_trl(theirs: Theirs, at: str, loss: Any) -> Any:
    """TRL's importance sampling of what vLLM drew, and its mask of bad answers of which the policy has moved away."""
    name = f"{at}vllm_importance_sampling_"
    asked = theirs.given.get(f"{at}use_vllm") and any(given.startswith(name) for given in theirs.given)  # not read without
    correction, mode = theirs.take(f"{name}correction", default=True), theirs.take(f"{name}mode", default="sequence_mask")
    unbounded = f"{name}clip_max" in theirs.given and theirs.given[f"{name}clip_max"] is None
    high = theirs.take(f"{name}cap", f"{name}clip_max", default=math.inf if unbounded else 3.0)
    low, far = theirs.take(f"{name}clip_min", default=0.0), theirs.take(f"{at}off_policy_mask_threshold")
    if asked and correction:
        level, _, how = mode.partition("_")
        bounds = {"cap": float(high), "floor": float(low)} if how == "truncate" else {"low": float(low), "high": float(high)}
        loss = corrected(loss, [_at("truncated" if how == "truncate" else "masked", LEVELS[level], **bounds)])
    return loss if far is None else corrected(loss, [{"part": "far_failures", "threshold": float(far)}], view="")


def of_verl(theirs: Theirs, clip: Any) -> Any:
    """verl's rollout correction: importance weights (``rollout_is``) and rejection (``rollout_rs``), of the policy before its steps or, bypassed, as it learns."""
    at = "algorithm.rollout_correction."
    take = theirs.take
    level, bound = take(f"{at}rollout_is"), str(take(f"{at}rollout_is_threshold", default=2.0))
    rejections, bounds = take(f"{at}rollout_rs", default=""), str(take(f"{at}rollout_rs_threshold", default=""))
    bypassed, kind = take(f"{at}bypass_mode", default=False), take(f"{at}loss_type", default="ppo_clip")
    if take(f"{at}rollout_is_batch_normalize", default=False):
        theirs.say(
            f"{at}rollout_is_batch_normalize",
            "weights are not divided by their mean; sampling/importance_sampling_ratio/mean says what it is",
        )
    if level is not None and level not in LEVELS:
        theirs.say(f"{at}rollout_is", f"{level!r} is none of {', '.join(LEVELS)}; guerdon show losses.levels lists what there is")
        level = None
    weights = [] if level is None else [_weight(LEVELS[level], bound)]
    dropping = _rejections(theirs, f"{at}rollout_rs", rejections, bounds)
    if not bypassed:
        return corrected(clip, weights + dropping)
    if kind == "reinforce":
        return corrected("reinforce", weights + dropping, view="")
    return corrected(clip, dropping, view="")  # the ratio of the clip is the weight


def _weight(level: str | None, bound: str) -> dict[str, Any]:
    low, _, high = bound.rpartition("_")
    return _at("masked", level, low=float(low), high=float(high)) if low else _at("truncated", level, cap=float(high))


def _rejections(theirs: Theirs, name: str, options: str, bounds: str) -> list[dict[str, Any]]:
    wanted, given = [o.strip() for o in options.split(",") if o.strip()], [b.strip() for b in bounds.split(",") if b.strip()]
    found = []
    for option, bound in zip(wanted, given * len(wanted) if len(given) == 1 else given, strict=False):
        if option not in REJECTIONS:
            theirs.say(name, f"{option!r} is none of {', '.join(REJECTIONS)}; guerdon show losses.corrections lists what there is")
            continue
        low, _, high = bound.rpartition("_")
        # its statistic is minus the log-ratio
        found.append(_at("rejection", REJECTIONS[option], low=1 / float(high), high=1 / float(low) if low else float(high)))
    if found:
        theirs.say(name, "what is left out is still counted by averages here, and is not in verl")
    return found
