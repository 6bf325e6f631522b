"""cDPO: a wrong answer is taken back where it went wrong.

World: eight prompts, answers of six steps over three actions, of which two that differ from prompt to prompt decide (``_worlds.Decisive``). The reference is a table with
logits from N(0, 1). 200 right and 200 wrong answers of each prompt are drawn from it, in its proportions among either, and paired. The positive and the negative model are
the reference's tables, fitted to the right and to the wrong answers: counts of what follows each prefix, with the reference's probabilities counted four times besides. A
step of a wrong answer is critical if it is a decisive place and the wrong thing is said there. A seed is another world, reference and set of pairs.

Arms: DPO and cDPO (beta 0.1 both; cDPO weighs the rejected side's steps), with learning rates tuned by the success rate after 120 steps of 64 pairs.

* "reward" along "KL": the success rate and the KL from the reference, exact, after 10, 20, 40, 80 and 120 steps;
* "critical": the chance that a critical step of a wrong answer weighs more than another one of it ("contrast": the weight; "surprise": minus the reference's log-probability;
  "negative model alone": its log-probability).

The smallest differences of interest: 0.02 of a success rate, 0.05 of a chance.

Source: Lin et al. 2024, arXiv 2411.19943, of which the abstract and a summary were read (see ``losses.scores.critical_log_ratio``); there on GSM8K and MATH with models of 7
to 70 billion parameters, whose positive and negative models are fine-tuned copies.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import Along
from guerdon.atlas.credit_assignment._worlds import Decisive
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.critical_log_ratio import CriticalLogRatio, critical
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Sequences, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Critical Tokens Matter: Token-Level Contrastive Estimation Enhence LLM's Reasoning Capability",
    link="https://arxiv.org/abs/2411.19943",
    kind="method",
    builds_on=("dpo", "critical-log-ratio"),
    read="abstract",
    note=(
        "Contrast finds the critical steps far better than surprise. Along the frontier the weighted loss is ahead of DPO by "
        "0.016, less than was of interest, and in the end both are at the same place."
    ),
)
STOPS, PRIOR = (10, 20, 40, 80, 120), 4.0
LOSSES = {"DPO": Pairwise(LogRatio(), Logistic()), "cDPO": Pairwise(LogRatio(), Logistic(), rejected=CriticalLogRatio())}
recipe = {arm: Recipe((Term(loss),), AdamW(0.03)) for arm, loss in LOSSES.items()}
claim = AllOf(
    BetterThan("contrast", "surprise", on="critical", effect=0.05, matched="pairs"),
    BetterThan("contrast", "negative model alone", on="critical", effect=0.05, matched="pairs"),
    AheadAlong("cDPO", "DPO", on="reward", along="KL", effect=0.02),
    BetterThan("cDPO", "DPO", on="in the end", effect=0.02, matched="pairs, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1)} for arm in LOSSES}
TUNED_BY = "in the end"


class Start:
    """What a seed begins with."""

    def __init__(self, seed: int, scale: str):
        self.small = scale == "smoke"
        self.world = Decisive(2 if self.small else 8, 3, 3 if self.small else 6, 2, derive(seed, "world"))
        self.reference = self.world.policy(1.0, derive(seed, "policy")).build()
        good, said = self.world.rewards() > 0, self.reference.log_probabilities().detach().exp()
        self.count, rng = 20 if self.small else 200, generator(seed, "answers")
        self.right = torch.multinomial(said * good, self.count, replacement=True, generator=rng)  # [C, count]
        self.wrong = torch.multinomial(said * ~good, self.count, replacement=True, generator=rng)
        self.models = {"positive": self._fitted(self.right), "negative": self._fitted(self.wrong)}

    def _fitted(self, answers: Tensor) -> TablePolicy:
        """What follows each prefix among the answers, and ``PRIOR`` times what the reference says."""
        tree = self.world.tree
        counts = PRIOR * self.reference.logits.detach().softmax(-1)
        actions = tree.actions[answers]  # [C, count, depth]
        nodes = tree.nodes(actions.flatten(0, 1)).view(actions.shape)
        where = torch.arange(len(answers))[:, None, None].expand(actions.shape)
        counts = counts.index_put((where, nodes, actions), torch.ones((), dtype=torch.float64), accumulate=True)
        return TablePolicy(tree, counts.log())

    def pairs(self) -> list[Example]:
        tree = self.world.tree

        def side(context: int, answer: int) -> Side:
            return Side((context,), tuple(tree.actions[answer].tolist()), (True,) * tree.depth)

        return [
            Example({"chosen": side(c, good), "rejected": side(c, bad)})
            for c in range(self.world.contexts)
            for good, bad in zip(self.right[c].tolist(), self.wrong[c].tolist(), strict=True)
        ]

    def ranked(self) -> dict[str, float]:
        """How often a critical step of a wrong answer weighs more than another one of it, by each weight."""
        tree, context = self.world.tree, torch.arange(self.world.contexts).repeat_interleave(self.count)
        actions = tree.actions[self.wrong.flatten()]
        mask, length = torch.ones_like(actions, dtype=torch.bool), torch.full((len(actions),), tree.depth)
        answers = Sequences([torch.tensor([c]) for c in range(self.world.contexts)], context, actions, mask, length)
        said = {name: model.measure(answers, {"logp"})["logp"].detach() for name, model in {**self.models, "ref": self.reference}.items()}
        places, right = self.world.right()
        wrong = torch.zeros_like(mask).scatter(1, places[context], actions.gather(1, places[context]) != right[context])
        weights = {
            "contrast": critical(said["positive"], said["negative"], 1.0, mask),
            "surprise": -said["ref"],
            "negative model alone": said["negative"],
        }
        pairs = wrong.unsqueeze(-1) & ~wrong.unsqueeze(1)
        return {
            name: float(((w.unsqueeze(-1) > w.unsqueeze(1)).double() + 0.5 * (w.unsqueeze(-1) == w.unsqueeze(1)))[pairs].mean())
            for name, w in weights.items()
        }


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """One arm, trained."""
    start = Start(seed, scale)
    policy, stops = start.world.policy(1.0, derive(seed, "policy")).build(), (1, 2) if start.small else STOPS
    rewards = start.world.rewards()

    def look() -> dict[str, float]:
        kl = float(policy.kl(start.reference).detach().mean())
        return {"reward": float(policy.expect(rewards).detach().mean()), "KL": kl}

    along = Along(stops, look)
    models = start.models if arm == "cDPO" else {}
    budget = Budget(max(stops), 64, seed=derive(seed, "training"))
    fit(policy, start.pairs(), Recipe((Term(LOSSES[arm]),), AdamW(learning_rate)), budget, display=along, models=models)
    return {**along.curves, "in the end": along.curves["reward"][max(stops)]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return arms | {name: {"critical": chance} for name, chance in Start(seed, scale).ranked().items()}
