"""Surrogates, estimates of a KL, averages and bonuses of other trainers → ours."""

from collections.abc import Callable, Mapping
from typing import Any

from guerdon.interfaces.configuration.trainers import Theirs
from guerdon.interfaces.configuration.trainers._corrected import of_trl

Loss = str | dict[str, Any]
EACH_SEQUENCE = {"part": "constant_length", "length": 1}  # the mean over sequences of the sums over their steps

# How verl calls an estimate of a KL; with a plus its value, and the gradient of the square.
ESTIMATES: Mapping[str, Loss] = {
    "low_var_kl": {"part": "clamped", "loss": "kl_exponential"},
    "k3": {"part": "clamped", "loss": "kl_exponential"},
    "kl": "kl_direct",
    "k1": "kl_direct",
    "mse": "kl_square",
    "k2": "kl_square",
    "abs": "kl_absolute",
}
AVERAGES: Mapping[str, Loss] = {"token-mean": "token_mean", "seq-mean-token-mean": "sequence_mean", "seq-mean-token-sum": EACH_SEQUENCE}
TRL_AVERAGES: Mapping[str, Loss] = {"grpo": "sequence_mean", "sapo": "sequence_mean", "luspo": EACH_SEQUENCE} | dict.fromkeys(
    ("dapo", "bnpo", "cispo", "vespo"), "token_mean"
)


def estimate(name: str) -> Loss | None:
    """verl's estimate of a KL, None if it has no such one."""
    plain = ESTIMATES.get(name.removesuffix("+"))
    if plain is None or not name.endswith("+") or plain == "kl_square":
        return plain
    return {"part": "straight_through", "value_of": plain, "loss": "kl_square"}


def of_trls_policy(theirs: Theirs, at: str, length: int, beta: float) -> list[dict[str, Any]]:
    """The terms of TRL's GRPO: its loss, the KL beside it and the entropy bonus."""

    def take(name: str, default: Any = None) -> Any:
        return theirs.take(at + name, default=default)

    kind, whole = take("loss_type", "dapo"), take("importance_sampling_level", "token") == "sequence"
    reduce = {"part": "constant_length", "length": length} if kind == "dr_grpo" else TRL_AVERAGES.get(kind, "token_mean")
    if kind != "dr_grpo" and kind not in TRL_AVERAGES:
        theirs.say(f"{at}loss_type", f"{kind!r} is none of {', '.join([*TRL_AVERAGES, 'dr_grpo'])}; below it is dapo")
    loss = _surrogate(theirs, at, kind, whole)
    loss = loss if kind == "vespo" else of_trl(theirs, at, loss)  # its ratio is to whoever drew
    share = float(take("top_entropy_quantile", 1.0))
    choice = {"part": "top_entropy", "share": share}
    terms = [{"loss": {"part": "where", "choice": choice, "then": loss} if share < 1 else loss, "reduce": reduce}]
    corrected, estimated = take("use_bias_correction_kl", True), "kl_exponential"
    if beta:
        level = {"level": "geometric_mean"} if whole else {}
        weighted = {"part": "importance_weighted", "loss": estimated, **level}
        terms.append({"loss": weighted if corrected else estimated, "weight": beta, "reduce": reduce})
    if bonus := _bonus(take):
        alone = {"part": "where", "choice": choice, "then": "entropy", "alone": True}
        terms.append({"loss": alone if share < 1 else "entropy", "weight": bonus})
    return terms


def _surrogate(theirs: Theirs, at: str, kind: str, whole: bool) -> Loss:
    def take(name: str, default: Any = None) -> Any:
        return theirs.take(at + name, default=default)

    epsilon, high, bound = take("epsilon", 0.2), take("epsilon_high"), take("delta")
    positive, negative = float(take("sapo_temperature_pos", 1.0)), float(take("sapo_temperature_neg", 1.05))
    shape = {
        ours: float(take(f"vespo_{name}", default))
        for ours, name, default in (
            ("k", "k_pos", 2.0),
            ("decay", "lambda_pos", 3.0),
            ("k_negative", "k_neg", 3.0),
            ("decay_negative", "lambda_neg", 2.0),
        )
    }
    if kind == "sapo" and not whole:
        return {"part": "soft_gate", "tau": positive, "tau_negative": negative}
    if kind == "vespo":
        return {"part": "gamma_weight", **shape}
    if kind == "cispo":  # which bounds the weight by the number itself
        return {"part": "bounded_weight", "epsilon": 1.0, "epsilon_high": float(epsilon if high is None else high) - 1}
    if kind in ("sapo", "luspo") and whole is (kind == "sapo"):
        theirs.say(f"{at}importance_sampling_level", f"with loss_type {kind} it is no method that is known; below it is the clip")
    if whole:
        if bound is not None:
            theirs.say(f"{at}delta", "a ratio of whole sequences has no second bound here")
        return {"part": "sequence_ratio", "epsilon": epsilon, "epsilon_high": epsilon if high is None else high}
    return {
        "part": "clip",
        "epsilon": epsilon,
        **({} if high is None else {"epsilon_high": high}),
        **({} if bound is None else {"dual": bound}),
    }


def _bonus(take: Callable[..., Any]) -> Any:
    """The weight of TRL's entropy bonus: a number, a controller, or nothing."""
    start, adaptive = float(take("entropy_coef", 0.0)), take("use_adaptive_entropy", False)
    bounds = {
        ours: float(take(f"entropy_{name}", default))
        for ours, name, default in (
            ("target", "target", 0.2),
            ("step", "coef_delta", 0.005),
            ("low", "coef_min", 0.0),
            ("high", "coef_max", 1.0),
        )
    }
    return {"part": "entropy_floor", "initial": start, **bounds} if adaptive else start


def of_verls_policy(
    theirs: Theirs, actor: str, clip: dict[str, Any], reduce: Loss, corrected: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """The terms of verl's ``policy_loss.loss_mode``, in place of its usual clip. ``corrected``: a loss, corrected for what is off-policy."""

    def take(name: str, default: Any = None) -> Any:
        return theirs.take(f"{actor}{name}", default=default)

    at = "policy_loss."
    mode = take(f"{at}loss_mode", "vanilla")
    bounds = {"epsilon": clip["epsilon"], "epsilon_high": clip["epsilon_high"]}
    share, low, high = float(take(f"{at}clip_cov_ratio", 2e-4)), float(take(f"{at}clip_cov_lb", 1.0)), float(take(f"{at}clip_cov_ub", 5.0))
    held, weight = float(take(f"{at}kl_cov_ratio", 2e-4)), float(take(f"{at}ppo_kl_coef", 0.1))
    gate = {"part": "soft_gate", "tau": float(take("tau_pos", 1.0)), "tau_negative": float(take("tau_neg", 1.05))}
    plain = {"part": "clip", **bounds}
    band = {"part": "covariance_band", "share": share, "low": low, "high": high}
    losses: dict[str, tuple[Loss, Loss]] = {
        "vanilla": (clip, reduce),
        "gspo": ({"part": "sequence_ratio", **bounds}, "sequence_mean"),
        "sapo": (gate, "sequence_mean"),
        "gpg": ("reinforce", reduce),
        "geo_mean": ({"part": "clipped_geometric_mean", **bounds}, "sequence_mean"),
        "cispo": ({"part": "bounded_weight", **bounds}, reduce),
        "clip_cov": (plain, reduce),
        "kl_cov": ({"part": "clip", "epsilon": 1.0, "epsilon_high": float("inf")}, reduce),
    }
    if mode not in losses:
        theirs.say(f"{actor}{at}loss_mode", f"{mode!r} is none of {', '.join(losses)}; below it is vanilla")
    loss, reduce = losses.get(mode, losses["vanilla"])
    terms = [{"loss": corrected(loss), "reduce": reduce}]
    if mode == "clip_cov":
        terms[0]["loss"] = {"part": "where", "choice": band, "otherwise": terms[0]["loss"], "view": "old"}
    if mode == "kl_cov":
        choice = {"part": "top_covariance", "share": held}
        penalty = {"part": "against", "loss": "kl_absolute"}
        terms.append({"loss": {"part": "where", "choice": choice, "then": penalty, "view": "old"}, "weight": weight, "reduce": reduce})
    return terms
