"""Cooper: a verifier that can be fooled is fooled by the policy that it trains, unless it goes on learning from pairs that a precise rule certifies.

World: answers with four qualities whose worth bends at 2.5 and a mark that is worth nothing and goes along with quality a little (0.3), 192 answers
to each of 8 questions (``worlds.finite.exploitable``). An answer is right if its worth is among the best fifth of its question under the reference. A
rule accepts six in ten of the right answers, the same ones always, and nothing else. The verifier is a linear head on 64 random features, its
probability of "right" the reward; it was fitted to 300 answers of the reference, labelled by those who like the mark as much as a deviation of
quality, and take the best fifth by that for right. The policy takes 40 exact steps of natural gradient, log policy += rate * reward, from the
reference. A seed is another world and all draws of it.

Arms: "frozen": the verifier as it is; "rule": the rule's verdict as the reward; "Cooper": after each step of the policy, 16 answers to each question
are drawn, and a step of gradient descent is made on the verifier's pairs: an accepted answer preferred to the same one made wrong, that is, with the
qualities of an answer that is not right, and its own marks (who rewrites an answer to be wrong keeps how it sounds). All policies have a rate of 1,
the verifier one of 3. (At first rates were tuned, by accuracy in the end: of a policy under a frozen verifier the best was ever larger, up to 32, and
decided nothing; what it costs to go further is compared by KL.)

Measured, exact: "accuracy", how likely the policy's answer is right, and "KL" from the reference, after every fifth step; "accuracy at the end", and
"lost": how much lower that is than the best of the run.

Source: Hong et al. 2025, arXiv 2508.05613, abstract and summaries. There Qwen2.5-1.5B and Llama-3.2-1B with GRPO, VerifyRM reading the reference
answer, an assistant model that makes answers wrong. Chosen here: the world and its sizes, and exact steps. The smallest differences of interest: 0.03
of accuracy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.randomness import generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Cooper: Co-Optimizing Policy and Reward Models in Reinforcement Learning for Large Language Models",
    link="https://arxiv.org/abs/2508.05613",
    kind="method",
    builds_on=("bradley-terry", "certified-contrast", "natural-gradient"),
    read="abstract",
    note=(
        "A frozen verifier stays at 0.95 and does not collapse here, where all answers are given; learning on from certified pairs brings it to 0.99, 0.04 more after as many "
        "steps and within 0.03 at equal KL. The rule alone is at 1.00 after ten steps: a table of answers needs no more than verdicts that are right where they accept."
    ),
    untuned="one rate for all policies, which are compared along KL; the verifier's as explored",
)
STEPS, EVERY, DRAWN, LABELLED, WIDTH = 40, 5, 16, 300, 64
RATES = {"policy": 1.0, "verifier": 3.0}
claim = AllOf(
    BetterThan("frozen", 0.0, on="lost", effect=0.03),
    BetterThan("Cooper", "frozen", on="lost", lower_is_better=True, effect=0.03, matched="steps"),
    BetterThan("Cooper", "frozen", on="accuracy at the end", effect=0.03, matched="steps"),
    BetterThan("Cooper", "rule", on="accuracy at the end", effect=0.03, matched="steps"),
    AheadAlong("Cooper", "frozen", on="accuracy", along="KL", effect=0.03),
    AheadAlong("Cooper", "rule", on="accuracy", along="KL", effect=0.03),
)
SEEDS = {"smoke": 1, "full": 20}


@dataclass(frozen=True)
class Truth:
    """What is right [C, A], what the rule accepts of it, and what those who label take for right."""

    right: Tensor
    accepted: Tensor
    believed: Tensor

    @classmethod
    def of(cls, world: Exploitable, seed: int) -> "Truth":
        right, believed = (best_fifth(worth, world.reference()) for worth in (world.rewards(), world.utility()[0]))
        sees = torch.rand(right.shape, dtype=torch.float64, generator=generator(seed, "rule")) < 0.6
        return cls(right, right & sees, believed)


def best_fifth(worth: Tensor, reference: Tensor) -> Tensor:
    """[C, A], the best answers to each question that together have a fifth of the reference's probability."""
    order = worth.argsort(-1, descending=True)
    best = reference.gather(-1, order).cumsum(-1) <= 0.2
    return torch.zeros_like(best).scatter_(-1, order, best)


def experiment(seed: int, scale: str) -> dict:
    return {arm: trial(arm, seed, scale) for arm in ("rule", "frozen", "Cooper")}


def trial(arm: str, seed: int, scale: str) -> dict:
    smoke = scale == "smoke"
    world = Exploitable(spurious=1, correlation=0.3, liking=1.0, bend=2.5, answers=64 if smoke else 192, seed=seed)
    truth, reference = Truth.of(world, seed), world.reference()
    curve: dict[str, dict[int, float]] = {"accuracy": {}, "KL": {}}
    for step, policy in enumerate(policies(arm, world, truth, seed, 10 if smoke else STEPS), 1):
        if step % EVERY == 0:
            curve["accuracy"][step] = float((policy * truth.right).sum(-1).mean())
            curve["KL"][step] = float((policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1).mean())
    reached = list(curve["accuracy"].values())
    return {**curve, "accuracy at the end": reached[-1], "lost": max(reached) - reached[-1]}


def policies(arm: str, world: Exploitable, truth: Truth, seed: int, steps: int) -> Iterator[Tensor]:
    """[C, A] after each step."""
    encoder = RandomFeatures(world, WIDTH, seed).build()
    table, features = encoder.table.double(), world.features()
    labelled = drawn(world.reference(), LABELLED // world.contexts, seed, "labelled")
    weight = fitted(table[labelled], truth.believed.flatten()[labelled].double())
    logits = world.reference().log()
    for step in range(steps):
        reward = torch.sigmoid(table @ weight[:-1] + weight[-1]).view_as(logits)
        logits = logits + RATES["policy"] * (truth.accepted.double() if arm == "rule" else reward)
        policy = logits.softmax(-1)
        yield policy
        if arm == "Cooper":
            own = drawn(policy, DRAWN, seed, f"step {step}")
            chosen, wrong = contrasted(own, truth, features, world.causes, seed, step)
            if len(chosen):
                weight = taught(
                    weight, table[chosen] - RandomFeatures(_Given(wrong), WIDTH, seed).build().table.double(), RATES["verifier"]
                )


@dataclass(frozen=True)
class _Given:
    vectors: Tensor

    def features(self) -> Tensor:
        return self.vectors


def drawn(policy: Tensor, each: int, seed: int, what: str) -> Tensor:
    """[C * each] items."""
    answers = torch.multinomial(policy, each, replacement=True, generator=generator(seed, what))
    return (answers + torch.arange(len(policy)).unsqueeze(-1) * policy.shape[-1]).flatten()


def fitted(x: Tensor, y: Tensor) -> Tensor:
    """Weights and a constant at the minimum of cross-entropy with a ridge of 0.01, by Newton's method."""
    x = torch.cat([x, torch.ones_like(x[:, :1])], -1)
    weight = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)

    def loss(w: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(x @ w, y) + 0.005 * w[:-1].square().sum() + 1e-6 * w[-1] ** 2

    for _ in range(10):
        p = torch.sigmoid(x @ weight.detach())
        ridge = torch.tensor([0.01] * (x.shape[1] - 1) + [2e-6], dtype=torch.float64).diag()
        curvature = x.T @ (x * (p * (1 - p)).unsqueeze(-1)) / len(x) + ridge
        (gradient,) = torch.autograd.grad(loss(weight), weight)
        weight = (weight - torch.linalg.solve(curvature, gradient)).detach().requires_grad_()
    return weight.detach()


def contrasted(own: Tensor, truth: Truth, features: Tensor, causes: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Accepted items of those drawn, and the vectors that they have once they are made wrong."""
    chosen = own[truth.accepted.flatten()[own]]
    not_right = (~truth.right.flatten()).nonzero().squeeze(-1)
    other = not_right[torch.randint(len(not_right), (len(chosen),), generator=generator(seed, "wrong", str(step)))]
    return chosen, torch.cat([features[other][:, :causes], features[chosen][:, causes:]], -1)


def taught(weight: Tensor, gaps: Tensor, rate: float) -> Tensor:
    """One step on - log sigmoid(score(right) - score(wrong)); the constant is not told."""
    leaf = weight[:-1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(-logsigmoid(gaps @ leaf).mean(), leaf)
    return torch.cat([weight[:-1] - rate * gradient, weight[-1:]])
