"""TDPO: how far the policy has moved along the two answers is compared along with how likely it makes them.

*What is computed, exactly*: a token tree of three steps and four tokens, rewards from N(0, 1), a reference with logits from N(0, 1/4), all pairs weighed by how often
they are labelled so, beta 0.5. With the KL in the score every step's term is on average 0 under the reference, so the minimiser of TDPO1 has to be
ref exp(Q / beta) / Z at each step, where Q is what the *reference* goes on to earn (one exact step of policy improvement), and not the optimum of E[reward] - beta KL,
which is DPO's. Measured: the distance (total variation) of whole sequences from that policy, and the regret against the optimum.

*Frontiers*: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``), a policy of one layer that was
fitted to 1,000 texts (SFT), 1,000 comparisons, 40 steps of 64 pairs, the learning rate falling to 0. DPO and TDPO2 (alpha 0.5, the authors'), which they recommend,
tuned alike: beta and learning rate, by the true reward at a KL of 3 nats. Measured at SFT and after 5, 10, 20 and 40 steps, of 256 answers to held-out prompts: the
true reward, the KL from SFT in nats per answer (of whole next-step distributions), the entropy per letter; and on 250 held-out comparisons the sequential
KL(SFT || policy), the mean of both sides, and its imbalance, by how much those of rejected and chosen answers differ on average.

Claimed, all at equal KL: more true reward, by 0.1; more entropy, by 0.05 nats per letter; less sequential KL, by 0.1 nats, and less imbalance, by 0.1 nats, both of
which the loss itself holds down.

The world was ``GoldReward()`` before, where gold grows without end, at betas that were placed by hand, and the KL was read off at equal reward.

Source: Zeng et al. 2024, arXiv 2404.11999, section 4 and the experiment on IMDb (figure 3: frontier of reward and KL, sequential KL of chosen and rejected answers and
their margin), and its authors' code (alpha 0.5, beta 0.1). There: GPT-2 Large, sentiment. Chosen here: worlds, sizes, the price.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, EqualTo, Knob, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.atlas._text import Along, answers, bought
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.log_ratio_and_kl import LogRatioAndKL
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding, collate
from guerdon.training.jobs import copy_of, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree
from guerdon.worlds.text.gold_reward import hackable

system = System(
    title="Token-level Direct Preference Optimization",
    link="https://arxiv.org/abs/2404.11999",
    kind="method",
    builds_on=("dpo", "forward-kl"),
    read="paper and code",
    note=(
        "At equal KL from SFT the true reward and the entropy are DPO's. The sequential KL that its loss holds down is not "
        "lower than DPO's there: with beta tuned, TDPO2 chooses a small one and moves further."
    ),
)
STOPS, STEPS, PRICE = (5, 10, 20, 40), 40, 3.0


def dpo(beta: float) -> Pairwise:
    return Pairwise(LogRatio(beta), Logistic())


def tdpo1(beta: float) -> Pairwise:
    return Pairwise(LogRatioAndKL(beta, alpha=1.0), Logistic())


def tdpo2(beta: float) -> Pairwise:
    return Pairwise(LogRatioAndKL(beta, through=False), Logistic(), rejected=LogRatioAndKL(beta))


METHODS = {"DPO": dpo, "TDPO1": tdpo1, "TDPO2": tdpo2}
recipe = {name: method(0.1) for name, method in METHODS.items()}
SEQUENTIAL, IMBALANCE, PRICED = "sequential KL", "imbalance of the sequential KL", "gold at the price"
_KNOBS = {
    "beta": Knob((0.03, 0.1, 0.3), least=0.01),
    "learning_rate": (0.001, 0.003, 0.01),
}  # below, beta does no more than scale the gradient, which Adam undoes
GRID = {"DPO": _KNOBS, "TDPO2": _KNOBS}
TUNED_BY = PRICED
claim = AllOf(
    EqualTo("TDPO1 on all pairs", 0.0, on="distance from ref exp(Q / beta)", tolerance=0.005),
    AheadAlong("TDPO2", "DPO", on="gold", along="KL", effect=0.1),
    AheadAlong("TDPO2", "DPO", on="entropy", along="KL", effect=0.05),
    AheadAlong("TDPO2", "DPO", on=SEQUENTIAL, along="KL", effect=0.1, lower_is_better=True),
    AheadAlong("TDPO2", "DPO", on=IMBALANCE, along="KL", effect=0.1, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


def trial(arm: str, seed: int, scale: str, beta: float, learning_rate: float) -> dict[str, Any]:
    return text(seed, scale).learn(METHODS[arm](beta), learning_rate)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    exact = {f"{name} on all pairs": minimiser(METHODS[name](0.5), 2 if scale == "smoke" else 3, seed) for name in ("DPO", "TDPO1")}
    return exact | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


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


class Text:
    """A text world with a policy that has learned how its texts look, and comparisons of them."""

    def __init__(self, seed: int, scale: str):
        self.seed, small = seed, scale == "smoke"
        self.world, self.stops = hackable(seed=seed, test_size=16 if small else 128), (1, 2) if small else STOPS
        self.start = SmallLanguageModel(self.world.characters, layers=1, hidden=16 if small else 32, heads=2, context_length=24).build(seed)
        self.encoder, self.batch = encoder_for(self.start), 16 if small else 64
        sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
        warm = Budget(steps=4 if small else 120, batch_size=self.batch, seed=seed)
        fit(self.start, examples(self.world.demonstrations(64 if small else 1000), self.encoder), sft, warm)
        pairs = 64 if small else 1000
        rows = examples(self.world.comparisons(pairs + pairs // 4), self.encoder)
        self.pairs, self.held_out = rows[:pairs], rows[pairs:]

    def learn(self, loss: Pairwise, learning_rate: float) -> dict[str, Any]:
        """What the policy is like on the way."""
        policy, along = copy_of(self.start), Along(self.stops, lambda: self.measured(policy))
        budget = Budget(steps=self.stops[-1], batch_size=self.batch, seed=self.seed)
        fit(policy, self.pairs, Recipe((Term(loss),), AdamW(Linear(learning_rate))), budget, display=along)
        return along.curves | {PRICED: bought(along.curves["gold"], along.curves["KL"], PRICE)}

    @torch.no_grad()
    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=2)
        seen, ref, sides = (
            policy.measure(drawn, {"ref_kl", "entropy"}, {"ref": self.start}),
            {"ref": self.start},
            collate(self.held_out).sides,
        )
        chosen, rejected = (
            float(policy.measure(sides[side], {"ref_forward_kl"}, ref)["ref_forward_kl"].sum(-1).mean()) for side in ("chosen", "rejected")
        )
        return {
            "gold": float(rewards["gold"].mean()),
            "KL": float(seen["ref_kl"].sum(-1).mean()),
            "entropy": float(seen["entropy"].sum() / drawn.mask.sum()),
            SEQUENTIAL: (chosen + rejected) / 2,
            IMBALANCE: abs(rejected - chosen),
        }


text = lru_cache(maxsize=4)(Text)
