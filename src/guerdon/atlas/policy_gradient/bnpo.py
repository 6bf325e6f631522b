"""BNPO: binary rewards divided by a Beta density that is fitted to the success rates of the batch.

World: 64 prompts with 64 answers each and a policy that is uniform; prompt i has a random set of right answers whose share p_i is drawn from Beta(a, b), which
is what the paper assumes of a batch. All sequences have the same score norm whatever they earn, as its theorem assumes. A seed is another set of prompts.
Everything is measured at success rates of 0.2, 0.5 and 0.8 on average (a + b = 2), with 8 samples a prompt.

* "theorem": the paper's variance of the estimate, E[p (1 - p) / density(p)^2] over Beta(a, b), in closed form, with the true p. BNPO takes alpha = 1 + a/3,
  beta = 1 + b/3 there.
* "variance": the sum of the variances of the gradient's entries over 300 batches, as the parts compute it, p estimated from the 8 samples and a, b from the
  batch. The scales are Beta densities, so each has the mean 1 over p in (0, 1); alpha = beta = 3/2 stands for GRPO, whose own scale is smaller by 8/pi and
  whose variance would be larger by its square.
* "noise over signal": the same over the squared norm of the mean gradient. It does not change when a method's gradient is multiplied by a number, which the
  learning rate can do; the paper does not report it.

The reductions are differences of advantages: alpha = beta = 1 from the group's mean as baseline, alpha = beta = 3/2, times 8/pi, from GRPO.

Training: 16 prompts of 32 answers with p_i from Beta(0.4, 1.6), 60 steps, 8 samples a prompt, each method with the learning rate (to 0 in a line) at which it
ends with the highest success rate. "As stable" is: a success rate that is no more than 0.02 lower, and a mean change of the gradient's norm from one step to
the next, relative to the mean norm, that is no more than 0.02 higher.

The smallest difference of interest is 1e-5 of the variance, some 5 % of it (a first confirmation said 1e-3, more than all of it, and called everything equal),
and a tenth of the noise over signal.

Source: Xiao et al. 2025, arXiv 2506.02864, the theorem on the variance, and REINFORCE and GRPO as cases; of its experiments, which are on language models, the
comparison of gradient norms.
"""

from dataclasses import replace

import torch
from scipy.special import betaln
from scipy.stats import beta as beta_distribution
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.beta_density import BetaDensity
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tabular import Tabular
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="BNPO: Beta Normalization Policy Optimization",
    link="https://arxiv.org/abs/2506.02864",
    kind="method",
    builds_on=("reinforce", "grpo", "beta-density"),
    read="abstract",
    note=(
        "The theorem's variance is lower, as it says. Estimated from 8 samples a prompt, the variance is below plain "
        "REINFORCE's everywhere and above GRPO's at a success rate of one half; the noise over the signal, which no learning "
        "rate can undo, is within a tenth of GRPO's, and training ends alike."
    ),
)
SAMPLES = 8
MEANS = (0.2, 0.5, 0.8)
_bnpo = Recipe((Term(Clip()),), AdamW(Linear(0.1), max_grad_norm=1e9), sampler=Group(SAMPLES), advantage=GroupCentred(BetaDensity()))
recipe = {
    "BNPO": _bnpo,
    "REINFORCE": replace(_bnpo, advantage=GroupCentred(scale=None)),
    "GRPO": replace(_bnpo, advantage=GroupCentred(GroupDeviation(epsilon=0.0, correction=0))),
}
AS_DENSITY = {"BNPO": BetaDensity(), "REINFORCE": BetaDensity(1.0, 1.0), "GRPO": BetaDensity(1.5, 1.5)}
OTHERS = ("REINFORCE", "GRPO")
claim = AllOf(
    *(BetterThan("BNPO", o, on="theorem", at="every", lower_is_better=True, matched="mean of the scale") for o in OTHERS),
    *(
        BetterThan("BNPO", o, on="variance", at="every", lower_is_better=True, effect=1e-5, matched="samples, mean of the scale")
        for o in OTHERS
    ),
    *(
        BetterThan("BNPO", o, on="noise over signal", at="every", lower_is_better=True, effect=0.1, matched="samples, size of the step")
        for o in OTHERS
    ),
    *(EqualTo(o, 0.0, on="difference from BNPO with its alpha and beta", tolerance=1e-9) for o in OTHERS),
    *(NoWorseThan("BNPO", o, on="success after training", margin=0.02, matched="samples, updates") for o in OTHERS),
    *(
        NoWorseThan("BNPO", o, on="jitter of the gradient norm", margin=0.02, lower_is_better=True, matched="samples, updates")
        for o in OTHERS
    ),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3)} for arm in ("GRPO", "REINFORCE", "BNPO")}
TUNED_BY = "success after training"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    """Training at one learning rate."""
    method = replace(recipe[arm], optimiser=replace(recipe[arm].optimiser, learning_rate=Linear(learning_rate)))
    return trained(method, prompts(16, 32, 0.4, 1.6, derive(seed, "training prompts")), 3 if scale == "smoke" else 60, seed)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    small = scale == "smoke"
    arms: dict[str, dict] = {name: {"theorem": {}, "variance": {}, "noise over signal": {}} for name in recipe}
    for mean in MEANS:
        a, b = 2 * mean, 2 * (1 - mean)
        right = prompts(64, 64, a, b, derive(seed, "prompts", round(10 * mean)))
        chosen = {"BNPO": (1 + a / 3, 1 + b / 3), "REINFORCE": (1.0, 1.0), "GRPO": (1.5, 1.5)}
        for name, row in arms.items():
            row["theorem"][mean] = theorem(a, b, *chosen[name])
            noise, signal = moments(GroupCentred(AS_DENSITY[name]), right, 20 if small else 300, derive(seed, "batches"))
            row["variance"][mean], row["noise over signal"][mean] = noise, noise / signal
    for name in OTHERS:
        arms[name]["difference from BNPO with its alpha and beta"] = reduction(name, seed)
    for name, setting in tuned.items():
        arms[name] |= trial(name, seed, scale, **setting)
    return arms


def prompts(number: int, answers: int, a: float, b: float, seed: int) -> Tensor:
    """[C, A] of 0 and 1: the right answers, whose share of each prompt is near a quantile of Beta(a, b) drawn at random."""
    random = generator(seed, "right answers")
    share = torch.from_numpy(beta_distribution(a, b).ppf(torch.rand(number, dtype=torch.float64, generator=random).numpy()))
    rank = torch.rand(number, answers, generator=random).argsort(-1).argsort(-1)
    return (rank < (share * answers).round().unsqueeze(-1)).double()


def theorem(a: float, b: float, alpha: float, beta: float) -> float:
    """E[p (1 - p) / BetaPDF(p; alpha, beta)^2] for p from Beta(a, b)."""
    return float(torch.exp(torch.tensor(2 * betaln(alpha, beta) + betaln(a + 3 - 2 * alpha, b + 3 - 2 * beta) - betaln(a, b))))


def moments(advantage: GroupCentred, right: Tensor, batches: int, seed: int) -> tuple[float, float]:
    """Over batches of the policy's gradient at the uniform policy: the sum of the variances of its entries, the squared norm of its mean."""
    contexts, answers = right.shape
    policy = Tabular(contexts, answers).build()
    context = torch.arange(contexts).repeat_interleave(SAMPLES)
    total, square = torch.zeros(contexts, answers, dtype=torch.float64), 0.0
    for batch in range(batches):
        action = torch.randint(answers, (len(context),), generator=generator(seed, batch))
        given = {"reward": right[context, action], "group": context, "mask": torch.ones(len(context), 1, dtype=torch.bool)}
        logp = policy.log_probabilities()[context, action].unsqueeze(-1)
        loss = call(_bnpo.terms[0].loss, {"logp": logp, "old_logp": logp.detach(), "advantage": call(advantage, given)}).mean()
        (gradient,) = torch.autograd.grad(loss, policy.logits)
        total, square = total + gradient[:, 0], square + float(gradient.square().sum())
    squared_mean = float((total / batches).square().sum())
    noise = (square / batches - squared_mean) * batches / (batches - 1)
    return noise, max(squared_mean - noise / batches, 1e-12)


def reduction(name: str, seed: int) -> float:
    """Largest difference of the method's advantages from those of the Beta density that stands for it, on random binary rewards."""
    reward = (torch.rand(64 * SAMPLES, generator=generator(seed, "binary rewards")) < 0.4).double()
    given = {"reward": reward, "group": torch.arange(64).repeat_interleave(SAMPLES), "mask": torch.ones(len(reward), 1, dtype=torch.bool)}
    factor = 8 / torch.pi if name == "GRPO" else 1.0
    return float((call(recipe[name].advantage, given) - factor * call(GroupCentred(AS_DENSITY[name]), given)).abs().max())


def trained(method: Recipe, right: Tensor, steps: int, seed: int) -> dict[str, float]:
    world = ContextualBandit(*right.shape, means=tuple(map(tuple, right.tolist())))
    policy = world.policy().build()
    budget = Budget(steps=steps, batch_size=len(right), seed=seed)
    history = improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(1)).history
    norm = torch.tensor([row["grad_norm"] for row in history if "grad_norm" in row])
    jitter = float(norm.diff().abs().mean() / norm.mean())
    return {"success after training": float(policy.expect(right).mean().detach()), "jitter of the gradient norm": jitter}
