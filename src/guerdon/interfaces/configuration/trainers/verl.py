"""verl's ``ppo_trainer.yaml``, whole or as far as it is changed: nested names, or dotted ones as hydra has them."""

from typing import Any

from guerdon.interfaces.configuration.trainers import Settings, Theirs, Trainer
from guerdon.interfaces.configuration.trainers._corrected import of_verl
from guerdon.interfaces.configuration.trainers._objectives import AVERAGES, ESTIMATES, estimate, of_verls_policy
from guerdon.training.trackers import TRACKERS

ACTOR, ROLLOUT, MODEL = "actor_rollout_ref.actor.", "actor_rollout_ref.rollout.", "actor_rollout_ref.model."
MADE = {"intuitor": "self_certainty"}  # an estimator that brings its reward along: what the policy says of itself
SCHEDULES = {"constant": "constant", "cosine": "cosine"}


def write(theirs: Theirs) -> Settings:
    yield from _model(theirs)
    yield from _rows(theirs)
    yield from _method(theirs)
    yield from _batch(theirs)
    yield from _optimiser(theirs)
    take = theirs.take
    length = take("data.max_response_length", f"{ROLLOUT}response_length", default=512)
    yield from (
        ("encoding.max_prompt_length", take("data.max_prompt_length", f"{ROLLOUT}prompt_length", default=512)),
        ("decoding.max_completion_length", length),
    )
    yield from (
        ("decoding.temperature", float(take(f"{ROLLOUT}temperature", default=1.0))),
        ("decoding.top_p", float(take(f"{ROLLOUT}top_p", default=1.0))),
    )
    yield "decoding.top_k", max(take(f"{ROLLOUT}top_k", default=-1), 0)  # -1 is all there
    logger = take("trainer.logger", default=[])
    yield "budget.report_to", [name for name in ([logger] if isinstance(logger, str) else logger) if name in TRACKERS]
    theirs.drop(f"{ROLLOUT}prompt_length")
    theirs.drop(f"{ROLLOUT}response_length")


def _model(theirs: Theirs) -> Settings:
    if theirs.has(f"{MODEL}path"):
        yield "model.source", theirs.take(f"{MODEL}path")
    rank = theirs.take(f"{MODEL}lora_rank", default=0)
    alpha, targets = theirs.take(f"{MODEL}lora_alpha", default=16), theirs.take(f"{MODEL}target_modules", default="all-linear")
    if rank:
        yield "model.lora", {"r": rank, "lora_alpha": float(alpha), "target_modules": targets}
    if theirs.has(f"{ROLLOUT}dtype"):
        theirs.say(f"{ROLLOUT}dtype", f"sampler and learner compute alike: model.dtype: {theirs.take(f'{ROLLOUT}dtype')}, or auto")


def _rows(theirs: Theirs) -> Settings:
    take = theirs.take
    if theirs.has("data.train_files"):
        yield "task.path", take("data.train_files")
    if theirs.has("data.val_files"):
        yield "task.test_path", take("data.val_files")
    if (key := take("data.prompt_key", default="prompt")) != "prompt":
        yield "task.columns", {"prompt": key}
    yield "task.shuffle", take("data.shuffle", default=True)
    if take("data.filter_overlong_prompts", default=False):
        yield "encoding.truncate", "drop"
        take("data.truncation")
    elif (cut := take("data.truncation", default="error")) != "error":
        theirs.say(
            "data.truncation", f"{cut!r} is encoding.truncate: prompt, which drops a prompt's oldest tokens, or one of its other values"
        )
    path, name = (
        take("custom_reward_function.path", "reward.custom_reward_function.path"),
        take("custom_reward_function.name", "reward.custom_reward_function.name", default="compute_score"),
    )
    if take("ttrl.enable", default=False):
        yield "reward", {"functions": "majority_vote", "watched": "math_equivalence"}
        theirs.say(
            "ttrl.enable",
            "the group votes: recipe.sampler.num_generations is how many, and all of them are learned from; math_equivalence is watched",
        )
        theirs.drop("ttrl.*")
    elif path:
        yield "reward", {str(name): f"{path}:{name}"}
    else:
        theirs.say(
            "reward",
            "verl judges by the rows' data_source; name the reward: reward: {score: file.py:compute_score}, or math_equivalence ...",
        )
    for place in ("reward_model", "reward.reward_model"):
        if not take(f"{place}.enable", default=False):
            theirs.drop(f"{place}.*")


def _method(theirs: Theirs) -> Settings:
    take = theirs.take
    estimator, low = take("algorithm.adv_estimator", default="gae"), take(f"{ACTOR}clip_ratio", default=0.2)
    high = take(f"{ACTOR}clip_ratio_high", default=low)
    clip = {
        "part": "clip",
        "epsilon": take(f"{ACTOR}clip_ratio_low", default=low),
        "epsilon_high": high,
        "dual": take(f"{ACTOR}clip_ratio_c", default=3.0),
    }
    how = take(f"{ACTOR}loss_agg_mode", default="token-mean")
    constant = take(f"{ACTOR}loss_scale_factor", default=take("data.max_response_length", f"{ROLLOUT}response_length", default=512))
    reduce = {**AVERAGES, "seq-mean-token-sum-norm": {"part": "constant_length", "length": constant}}.get(how, "token_mean")
    if how not in AVERAGES:
        theirs.say(
            f"{ACTOR}loss_agg_mode",
            "verl divides the sum of each micro-batch by the length alone, so that its size depends on their number; here the mean over sequences is taken"
            if how == "seq-mean-token-sum-norm"
            else f"{how!r} is none of {', '.join(AVERAGES)}; below it is the token mean",
        )
    terms: list[Any] = of_verls_policy(theirs, ACTOR, clip, reduce, lambda loss: of_verl(theirs, loss))
    weight, kind = take(f"{ACTOR}kl_loss_coef", default=0.001), take(f"{ACTOR}kl_loss_type", default="low_var_kl")
    if (penalty := estimate(kind)) is None:
        theirs.say(f"{ACTOR}kl_loss_type", f"{kind!r} is none of {', '.join(ESTIMATES)}; guerdon show losses.penalties lists what there is")
    if take(f"{ACTOR}use_kl_loss", default=False) and penalty:
        terms.append({"loss": penalty, "weight": float(weight), "reduce": reduce})
    if bonus := take(f"{ACTOR}entropy_coeff", default=0):
        terms.append({"loss": "entropy", "weight": float(bonus), "reduce": reduce})
    gamma, lam = float(take("algorithm.gamma", default=1.0)), float(take("algorithm.lam", default=1.0))
    by_deviation = take("algorithm.norm_adv_by_std_in_grpo", default=True)
    scale = {"part": "group_deviation", "epsilon": 1e-6} if by_deviation else None
    gae = {"part": "gae", "gamma": gamma, "lam": lam}
    means = {"part": "group_centred", "scale": None}
    advantages = {
        "grpo": {"part": "group_centred", "scale": scale},
        **{name: {"part": "group_centred", "scale": scale} for name in MADE},
        "grpo_vectorized": {"part": "group_centred", "scale": scale},
        "rloo": {"part": "leave_one_out"},
        "rloo_vectorized": {"part": "leave_one_out"},
        "opo": {"part": "length_weighted"},
        "gpg": {"part": "group_centred", "scale": "nonzero_share"},
        "grpo_passk": {"part": "max_at_k", "k": take(f"{ROLLOUT}n", default=1), "scale": scale},
        "remax": {"part": "penalties_apart", "advantage": "greedy_baseline"},
        "optimal_token_baseline": {"part": "optimal_token_baseline"},
        "tir_optimal_token_baseline": {"part": "optimal_token_baseline", "zero_tail": True},
        "reinforce_plus_plus": {"part": "batch_normalised", "advantage": {"part": "return_to_go", "gamma": gamma}},
        "reinforce_plus_plus_baseline": {"part": "batch_normalised", "advantage": means},
        "gae": {"part": "batch_normalised", "advantage": gae},
        "gigpo": {
            "part": "anchor_group",
            "gamma": gamma,
            "weight": float(take("algorithm.gigpo.step_advantage_w", default=1.0)),
            "scale": {"part": "group_deviation", "epsilon": 1e-6}
            if take("algorithm.gigpo.mode", default="mean_norm") == "mean_std_norm"
            else None,
            "each_turn": True,
        },
    }
    if estimator not in advantages:
        theirs.say(
            "algorithm.adv_estimator",
            f"{estimator!r} is none of {', '.join(advantages)}; guerdon show credit.advantages lists what there is; below it is grpo",
        )
        estimator = "grpo"
    if estimator == "grpo_passk":  # ours counts what the best answer adds once for each of the group
        terms[0]["weight"] = 1 / take(f"{ROLLOUT}n", default=1)
    yield "recipe.base", "ppo" if estimator == "gae" else "grpo"
    yield from (("recipe.terms", terms), ("recipe.advantage", advantages[estimator]))
    if estimator in MADE:
        yield "recipe.intrinsic", {MADE[estimator]: MADE[estimator]}
        yield "recipe.combine", {"part": "only", "names": [MADE[estimator]]}
    coefficient = take("algorithm.kl_ctrl.kl_coef", default=0.001)
    if take("algorithm.use_kl_in_reward", default=False):
        charged = estimate(take("algorithm.kl_penalty", default="kl")) or "kl_direct"
        yield "recipe.reward_penalties", [{"loss": charged, "weight": float(coefficient)}]
        if take("algorithm.kl_ctrl.type", default="fixed") != "fixed":
            theirs.say(
                "algorithm.kl_ctrl.type",
                "the weight below is fixed; one that moves is {part: adaptive_coefficient, initial: ..., target: ..., horizon: ...} in its place",
            )
    else:
        yield "recipe.reward_penalties", []
    theirs.drop("algorithm.kl_*")
    warmup = take("trainer.critic_warmup", default=0)
    if estimator == "gae":
        yield (
            "recipe.learners.critic.first",
            max(int(warmup) - 1, 0),
        )  # its steps are counted from 1, and the policy learns from that one on
        yield "recipe.target", {"part": "lambda_return", "advantage": gae}
        yield "recipe.learners.critic.optimiser.learning_rate", float(take("critic.optim.lr", default=1e-5))
        yield "recipe.learners.critic.terms.0.loss.epsilon", float(take("critic.cliprange_value", default=0.5))
    else:
        theirs.drop("critic.*")  # there is none
    if estimator == "gigpo":
        yield "recipe.segments", "turns"
    if estimator == "remax":
        yield from (("recipe.sampler", {"part": "beside_greedy"}), ("recipe.learned", ["drawn"]))
    yield "recipe.sampler.num_generations", take(f"{ROLLOUT}n", default=1)


def _batch(theirs: Theirs) -> Settings:
    """Prompts are counted in both; a minibatch is a size there and a number of parts here."""
    rows, part = theirs.take("data.train_batch_size", default=1024), theirs.take(f"{ACTOR}ppo_mini_batch_size", default=256)
    yield "budget.batch_size", rows
    if rows % part:
        theirs.say(
            f"{ACTOR}ppo_mini_batch_size",
            f"{rows} prompts are no whole number of minibatches of {part}; set recipe.minibatches, how many there are",
        )
    else:
        yield "recipe.minibatches", rows // part
    yield "recipe.epochs", theirs.take(f"{ACTOR}ppo_epochs", default=1)
    steps = theirs.take("trainer.total_training_steps")
    if steps and steps > 0:
        yield "budget.steps", steps
        theirs.take("trainer.total_epochs")
    else:
        count = theirs.take("trainer.total_epochs", default=30)
        theirs.say(
            "trainer.total_epochs",
            f"a run is as long as its steps; {count} times through the rows are budget.steps = {count} * rows / {rows}",
        )
    for name, ours in (("save_freq", "save_every"), ("test_freq", "evaluate_every")):
        yield f"budget.{ours}", max(theirs.take(f"trainer.{name}", default=-1), 0)  # -1 is never there


def _optimiser(theirs: Theirs) -> Settings:
    place = f"{ACTOR}optim."
    rate, kind = (
        float(theirs.take(f"{place}lr", default=1e-6)),
        theirs.take(f"{place}lr_scheduler_type", f"{place}warmup_style", default="constant"),
    )
    steps, share = theirs.take(f"{place}lr_warmup_steps", default=-1), theirs.take(f"{place}lr_warmup_steps_ratio", default=0.0)
    least = theirs.take(f"{place}min_lr_ratio", default=0.0)
    if steps > 0:
        theirs.say(
            f"{place}lr_warmup_steps", f"a warm-up is a share of the run: {steps} / budget.steps in recipe.optimiser.learning_rate.warmup"
        )
    part = SCHEDULES.get(kind, "constant")
    schedule = {"part": part, "start": rate, "warmup": float(share), **({"end": least * rate} if part != "constant" else {})}
    yield "recipe.optimiser.learning_rate", rate if part == "constant" and not share else schedule
    yield "recipe.optimiser.weight_decay", float(theirs.take(f"{place}weight_decay", default=0.01))
    yield "recipe.optimiser.max_grad_norm", float(theirs.take(f"{ACTOR}grad_clip", default=1.0))
    theirs.drop(f"{place}total_training_steps")  # it is filled in there


_NOT_ALIKE = "how work is laid out on machines changes no result; leave it out"

trainer = Trainer(
    "verl",
    lambda theirs: any(name.startswith("actor_rollout_ref.") for name in theirs.given) or theirs.has("algorithm.adv_estimator"),
    write,
    {
        "*.fsdp_config.*": _NOT_ALIKE,
        "*.megatron.*": _NOT_ALIKE,
        "actor_rollout_ref.ref.*": _NOT_ALIKE,
        "*micro_batch_size*": "how many tokens go through the model at once is budget.tokens_per_micro_batch, which changes no result; leave it out",
        "*.val_kwargs.*": "guerdon evaluate MODEL run.yaml -n 8 --temperature 1 answers the held-out rows so",
        "actor_rollout_ref.rollout.*": "how the sampler works inside is its own affair; a server is recipe.sampler.engine",
        "ray_*": "a run needs no cluster: budget.processes, or torchrun over several machines; leave it out",
        "critic.*": "a critic is a learner of the recipe: recipe.learners.critic has its terms and its optimiser",
        "data.val_batch_size": "how many tokens go through the model at once is budget.tokens_per_micro_batch; leave it out",
        "data.return_raw_*": "rows are rows, and every column is there for rewards; leave it out",
        "data.image_key": "only text is read",
        "data.reward_fn_key": "every column of a row is there for the reward; leave it out",
        "trainer.*hdfs*": "runs lie in folders: run: FOLDER",
        "trainer.del_local_ckpt_after_load": "budget.keep_checkpoints says how many are kept; leave it out",
    },
)
