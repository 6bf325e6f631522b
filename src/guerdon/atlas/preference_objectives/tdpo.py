"""TDPO: how far the policy has moved along the two answers is compared along with how likely it makes them.

*What is computed, exactly*: a token tree of three steps and four tokens, rewards from N(0, 1), a reference with logits from N(0, 1/4), all pairs weighed by how often
they are labelled so, beta 0.5. With the KL in the score every step's term is on average 0 under the reference, so the minimiser of TDPO1 has to be
ref exp(Q / beta) / Z at each step, where Q is what the *reference* goes on to earn (one exact step of policy improvement), and not the optimum of E[reward] - beta KL,
which is DPO's. Measured: the distance (total variation) of whole sequences from that policy, and the regret against the optimum.

*Frontiers*: short texts whose true worth is known (``worlds.text.gold_reward``), a policy of one layer that was fitted to 1,000 texts (SFT), 1,000 comparisons, 40 steps of
64 pairs at a learning rate from 0.003 to 0 in a line. DPO and TDPO1 at beta 3, 1.7 and 1, TDPO2 (alpha 0.5) at 1, 0.3 and 0.03: at these they reach the same
rewards. Measured, of 1,024 answers to held-out prompts: the true reward, the KL from SFT in nats per answer (of whole next-step distributions), the entropy per
letter; and on 250 held-out comparisons the sequential KL(SFT || policy), the mean of both sides. Each is read off at a true reward of 2, 2.5 and 3, in a line (of the root, for
the two KLs, which grow like squares) between neighbouring betas and SFT.

*Imbalance*: by how much the sequential KL of rejected and chosen answers differ, on average over the 1,000 comparisons learned from, in absolute value, at beta 0.1
(the paper's) after 20 and after 40 steps at a constant 0.003.

"TDPO" in the claim is TDPO2, which the authors recommend; TDPO1 is measured beside it. The learning rate is from 0.003, 0.01 and 0.03, the one at which the KL at a
reward of 3 is lowest on seed 100, which is not reported; it is 0.003 for all three. The betas were placed on that seed as well. An alpha
of 0.1, tried on seeds 100 and 101, comes closer to DPO's frontiers and not below them; the paper's 0.5 was kept.

Source: Zeng et al. 2024, arXiv 2404.11999, section 4 and the experiment on IMDb (figure 3: frontier of reward and KL, sequential KL of chosen and rejected answers and
their margin), and its authors' code. There: GPT-2 Large, sentiment. Chosen here: worlds, sizes, betas, at which rewards.
"""

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.atlas._text import answers
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.log_ratio_and_kl import LogRatioAndKL
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding, collate
from guerdon.training.jobs import copy_of, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="Token-level Direct Preference Optimization",
    link="https://arxiv.org/abs/2404.11999",
    kind="method",
    builds_on=("dpo", "forward-kl"),
    note=(
        "Seen: the imbalance between rejected and chosen answers all but vanishes, as claimed. At equal reward the KL from SFT is "
        "that of DPO within the noise, and the sequential KL that the loss holds down is higher, not lower: with the "
        "stop-gradient the rewards come to rest where the pull of the KL balances them, however small beta is made. Two to two "
        "and a half minutes, for three methods at three betas each."
    ),
)


def dpo(beta: float) -> Pairwise:
    return Pairwise(LogRatio(beta), Logistic())


def tdpo1(beta: float) -> Pairwise:
    return Pairwise(LogRatioAndKL(beta, alpha=1.0), Logistic())


def tdpo2(beta: float) -> Pairwise:
    return Pairwise(LogRatioAndKL(beta, through=False), Logistic(), rejected=LogRatioAndKL(beta))


METHODS = {"DPO": dpo, "TDPO1": tdpo1, "TDPO2": tdpo2}
BETAS = {"DPO": (3.0, 1.7, 1.0), "TDPO1": (3.0, 1.7, 1.0), "TDPO2": (1.0, 0.3, 0.03)}
RATE, REWARDS = 0.003, (2.0, 2.5, 3.0)
recipe = {name: method(0.1) for name, method in METHODS.items()}
KL, SEQUENTIAL, ENTROPY, IMBALANCE = "KL at reward", "sequential KL at reward", "entropy at reward", "imbalance over steps"
claim = AllOf(
    EqualTo("TDPO1 on all pairs", 0.0, on="distance from ref exp(Q / beta)", tolerance=0.005),
    BetterThan("TDPO2", "DPO", on=KL, at="every", lower_is_better=True),
    BetterThan("TDPO2", "DPO", on=SEQUENTIAL, at="every", lower_is_better=True),
    BetterThan("TDPO2", "DPO", on=ENTROPY, at="every"),
    BetterThan("TDPO2", "DPO", on=IMBALANCE, at="every", lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 5}


def experiment(seed: int, scale: str) -> dict:
    text = Text(seed, scale == "smoke")
    numbers = {f"{name} on all pairs": minimiser(METHODS[name](0.5), 2 if text.small else 3, seed) for name in ("DPO", "TDPO1")}
    for name, method in METHODS.items():
        betas = BETAS[name][::2] if text.small else BETAS[name]
        curve = [text.measured(text.start), *(text.measured(text.learn(method(beta), text.steps, Linear(RATE))) for beta in betas)]
        numbers[name] = {measure: at_rewards(curve, measure) for measure in (KL, SEQUENTIAL, ENTROPY)}
        numbers[name]["highest reward"] = max(policy["reward"] for policy in curve)
        numbers[name][IMBALANCE] = {n: text.imbalance(text.learn(method(0.1), n // 10 if text.small else n, RATE)) for n in (20, 40)}
    return numbers


def minimiser(loss: Pairwise, depth: int, seed: int) -> dict[str, float]:
    """Where the loss on all pairs of a tree ends."""
    tree = RandomTree(vocabulary=4, depth=depth, seed=derive(seed, "tree"))
    world = ComparisonWorld(tree.rewards()[0], tree.policy(deviation=0.5, seed=derive(seed, "reference")).build, beta=0.5)
    policy = world.start()
    minimise(policy, [Term(loss)], world.all_pairs())
    distance = (policy.probabilities(0).detach() - improved(world)).abs().sum() / 2
    return {"distance from ref exp(Q / beta)": float(distance), "regret": world.measured(policy)["regret"]}


def improved(world: ComparisonWorld) -> Tensor:
    """[S], one step of policy improvement from the reference: ref exp(Q / beta) / Z at every step, Q what the reference goes on to earn."""
    tree, reference = world.reference.tree, world.reference
    cells = (tree.nodes(tree.actions) * tree.vocabulary + tree.actions).flatten()  # of each step, the cell of the table that it takes
    mass, worth = (x.repeat_interleave(tree.depth) for x in (world.reference_probabilities, world.reference_probabilities * world.reward))
    mass, worth = (torch.zeros(reference.logits[0].numel(), dtype=x.dtype).index_add(0, cells, x) for x in (mass, worth))
    steps = (reference.logits[0].log_softmax(-1) + (worth / mass).view_as(reference.logits[0]) / world.beta).log_softmax(-1)
    return steps.flatten()[cells].view_as(tree.actions).sum(-1).exp().detach()


def at_rewards(curve: list[dict[str, float]], measure: str) -> dict[float, float]:
    """The measure at each of ``REWARDS``, between the policies of a curve."""
    bent = measure != ENTROPY
    points = sorted((policy["reward"], policy[measure] ** 0.5 if bent else policy[measure]) for policy in curve)
    read = {reward: float(np.interp(reward, *zip(*points, strict=True))) for reward in REWARDS}
    return {reward: value**2 if bent else value for reward, value in read.items()}


class Text:
    """A text world with a policy that has learned how its texts look, and comparisons of them."""

    def __init__(self, seed: int, small: bool):
        self.seed, self.small, self.world = seed, small, GoldReward(seed=seed, test_size=64 if small else 256)
        self.steps = 2 if small else 40
        self.start = SmallLanguageModel(self.world.characters, layers=1, hidden=16 if small else 32, heads=2, context_length=24).build(seed)
        self.encoder, self.batch = encoder_for(self.start), 16 if small else 64
        sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
        warm = Budget(steps=4 if small else 120, batch_size=self.batch, seed=seed)
        fit(self.start, examples(self.world.demonstrations(64 if small else 1000), self.encoder), sft, warm)
        pairs = 64 if small else 1000
        rows = examples(self.world.comparisons(pairs + pairs // 4), self.encoder)
        self.pairs, self.held_out = rows[:pairs], rows[pairs:]

    def learn(self, loss: Pairwise, steps: int, rate: float | Linear):
        policy = copy_of(self.start)
        fit(policy, self.pairs, Recipe((Term(loss),), AdamW(rate)), Budget(steps=steps, batch_size=self.batch, seed=self.seed))
        return policy

    @torch.no_grad()
    def measured(self, policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=1 if self.small else 4)
        seen = policy.measure(drawn, {"ref_kl", "entropy"}, {"ref": self.start})
        return {
            "reward": float(rewards["gold"].mean()),
            KL: float(seen["ref_kl"].sum(-1).mean()),
            ENTROPY: float(seen["entropy"].sum() / drawn.mask.sum()),
            SEQUENTIAL: sum(self.sequential(policy, self.held_out)) / 2,
        }

    @torch.no_grad()
    def sequential(self, policy, pairs) -> tuple[float, float]:
        """The sequential KL(SFT || policy) of the chosen and of the rejected answers, in nats per answer."""
        sides = collate(pairs).sides
        found = [policy.measure(sides[side], {"ref_forward_kl"}, {"ref": self.start}) for side in ("chosen", "rejected")]
        return tuple(float(each["ref_forward_kl"].sum(-1).mean()) for each in found)

    def imbalance(self, policy) -> float:
        chosen, rejected = self.sequential(policy, self.pairs)
        return abs(rejected - chosen)
