"""Constitutional AI: answers are revised by principles, a model says which of two breaks them less, and nobody labels harm.

World: 120 prompts with 24 answers, vectors of 20 dimensions from N(0, 1). How helpful an answer is, h . x; it breaks principle k of four where v_k . x > 0.3. All five directions
have length 1 and any two a product of 0.25: who is helpful breaks more. The helpful model at the start draws by exp(0.7 help). A seed is another world.

A model that judges takes principle k to be broken with log-odds 3 (v_k . x - 0.3) + 2 N(0, 1), the same errors whenever it is asked: it is right about 82 % of the time.

* Revising: of a drawn principle; an answer that it takes to be broken (more likely than not) goes over to another y', in proportion to exp(-|x - x'|^2 / 10) times how likely y'
  keeps it, by the same judge. "SL-CAI" is the policy, linear in x beside the start's logits, that is nearest to what 70 prompts' answers come to after four rounds, exactly.
* Feedback: 200 pairs of the start's answers to these prompts (in the paper, of SL-CAI's), the probability that the first breaks a drawn principle
  less as the label, sigmoid of the difference of the log-odds. A preference model, linear in x, learns from these and from 200 pairs that people compared for helpfulness by
  sigmoid(2 difference); the former weigh 0, 1/4 ... 1 of the loss. "RL-CAI" starts from SL-CAI.
* "hard labels": the same, with the likelier side as the label. "human labels": from the start, with 200 pairs that people compared by sigmoid(8 difference of the share of
  principles broken). "helpful only": from the start, people's helpfulness alone, stopped at a KL of 0 to 1. "SL-CAI" as a front: the preference model for helpfulness, and SL-CAI's
  log-ratios in the place of the feedback.

Policies are start times exp(strength * score), at a KL of 1 nat from the helpful model. "help" is above that model's, "harmless" the share of principles kept, on 30
held-out prompts. Fronts are compared at equal help. Ridges are chosen alike on 20 prompts that nothing else sees. "Violations" of SL-CAI are after 0 to 4 rounds.

Source: Bai et al. 2022, arXiv 2212.08073, abstract and summaries: four revisions, one of sixteen principles each time, soft labels, a preference model on labels of both kinds, RL
from SL-CAI. Optima in the place of PPO, and the world, are ours. Smallest differences of interest: 0.02 of harmless, 0.005 for the labels' kind.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, FallsWith, System
from guerdon.atlas._text import bought
from guerdon.atlas.generative_rewards._items import CHOSEN, HELD_OUT, LABELLED, TUNING
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.feedback.formats.by_principle import ByPrinciple
from guerdon.feedback.revising.critique_revision import CritiqueRevision
from guerdon.randomness import generator
from guerdon.worlds.users.mixed_tastes import directions

system = System(
    title="Constitutional AI: Harmlessness from AI Feedback",
    link="https://arxiv.org/abs/2212.08073",
    kind="method",
    builds_on=("critique-revision", "sft", "llm-judge", "preference-model", "ppo", "soft-labels"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "Four rounds of revision bring the share of broken principles from 0.45 to 0.26. Feedback by principles is ahead of people's "
        "helpfulness alone by 0.19 of harmless, and as good as people's labels of harm. Over going on along what revision itself "
        "taught it gains 0.011 only: one judge made both. Soft labels gain nothing over hard ones here, where a linear head sees 200 "
        "of them."
    ),
)
PROMPTS, ANSWERS, WIDTH, PRINCIPLES, PAIRS, ROUNDS, PRICE = 120, 24, 20, 4, 200, 4, 1.0
MIXES, STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.3, 0.6, 1.0, 1.5, 2.2, 3.0, 4.5)
_SAID = ("It keeps to the first principle.", "It keeps to the second.", "It keeps to the third.", "It keeps to the fourth.")
recipe = {"SL-CAI": CritiqueRevision(_SAID, ROUNDS), "RL-CAI": ByPrinciple(_SAID)}
FRONT = {"on": "harmless", "along": "help"}
claim = AllOf(
    FallsWith("SL-CAI", on="violations", by=0.05),
    AheadAlong("RL-CAI", "SL-CAI", **FRONT, effect=0.02),
    AheadAlong("RL-CAI", "helpful only", **FRONT, effect=0.02, by_construction=True),
    AheadAlong("RL-CAI", "human labels", **FRONT, by=-0.02),
    AheadAlong("RL-CAI", "hard labels", **FRONT, effect=0.005),
)
SEEDS = {"smoke": 1, "full": 32}


@dataclass(frozen=True)
class World:
    seed: int

    @cached_property
    def x(self) -> Tensor:
        return torch.randn(PROMPTS, ANSWERS, WIDTH, dtype=torch.float64, generator=generator(self.seed, "answers"))

    @cached_property
    def margins(self) -> Tensor:
        """[C, A, 1 + principles], help, and by how much each principle is broken."""
        ways = directions(1 + PRINCIPLES, WIDTH, 0.25, generator(self.seed, "ways"))
        return self.x @ ways.T - torch.tensor([0.0] + [0.3] * PRINCIPLES, dtype=torch.float64)

    @cached_property
    def help(self) -> Tensor:
        return self.margins[..., 0]

    @cached_property
    def harmless(self) -> Tensor:
        return (self.margins[..., 1:] <= 0).double().mean(-1)

    @cached_property
    def start(self) -> Tensor:
        """[C, A], log-probabilities."""
        return (0.7 * self.help).log_softmax(-1)

    @cached_property
    def broken(self) -> Tensor:
        """[C, A, principles], in log-odds, as the model sees it."""
        found = self.margins[..., 1:]
        return 3 * found + 2 * torch.randn(found.shape, dtype=torch.float64, generator=generator(self.seed, "judge"))

    def revised(self, rounds: int) -> Tensor:
        """[C, A], what the start's answers come to."""
        near = (-torch.cdist(self.x, self.x).square() / 10).exp() * (1 - torch.eye(ANSWERS, dtype=torch.float64))
        goes = near.unsqueeze(1) * torch.sigmoid(-self.broken).mT.unsqueeze(2)  # [C, K, A, A]
        goes = goes / goes.sum(-1, keepdim=True)
        flagged = (self.broken > 0).mT.unsqueeze(-1)
        step = torch.where(flagged, goes, torch.eye(ANSWERS, dtype=torch.float64)).mean(1)
        policy = self.start.exp().unsqueeze(1)
        for _ in range(rounds):
            policy = policy @ step
        return policy.squeeze(1)

    def imitating(self, target: Tensor) -> Tensor:
        """[C, A], log-probabilities of the policy nearest to what the first 70 prompts' answers come to."""

        def fit(ridge: float) -> Tensor:
            w, x, t = self.x.new_zeros(WIDTH), self.x[LABELLED], target[LABELLED]
            for _ in range(8):
                p = (self.start[LABELLED] + x @ w).softmax(-1)
                seen = torch.einsum("ca,cad->cd", p, x)
                hessian = (torch.einsum("ca,cad,cae->de", p, x, x) - seen.T @ seen) / len(x) + ridge * torch.eye(WIDTH, dtype=x.dtype)
                w = w - torch.linalg.solve(hessian, torch.einsum("ca,cad->d", p - t, x) / len(x) + ridge * w)
            return w

        def likely(w: Tensor) -> float:
            return float((target[TUNING] * (self.start + self.x @ w).log_softmax(-1)[TUNING]).sum(-1).mean())

        return (self.start + self.x @ at_the_best(fit, likely)).log_softmax(-1)

    def pairs(self, purpose: str) -> tuple[Tensor, Tensor, Tensor]:
        rng = generator(self.seed, purpose)
        prompt = torch.randint(len(LABELLED), (PAIRS,), generator=rng)
        return prompt, *torch.multinomial(self.start.exp()[prompt], 2, generator=rng).T

    def preferring(
        self, mix: float, harm: tuple[tuple[Tensor, Tensor, Tensor], Tensor], helped: tuple[tuple[Tensor, Tensor, Tensor], Tensor]
    ) -> Tensor:
        """[C, A], the preference model's scores, in their deviations; of labels on harm, and people's on help."""
        rows, labels = zip(harm, helped, strict=True)
        x = torch.cat([self.x[c, a] - self.x[c, b] for c, a, b in rows])
        weight = torch.cat([torch.full((PAIRS,), 2 * mix), torch.full((PAIRS,), 2 * (1 - mix))]).double()
        truth = (1 - mix) * _deviations(self.help) + mix * _deviations(self.harmless)

        def right(w: Tensor) -> float:
            gap, said = (one[TUNING].unsqueeze(-1) - one[TUNING].unsqueeze(-2) for one in (truth, self.x @ w))
            return float((gap * said.sign()).sum() / gap.abs().sum())

        return _deviations(self.x @ at_the_best(lambda ridge: logistic(x, torch.cat(labels), ridge, weight), right))

    def bought(self, start: Tensor, score: Tensor, price: float = PRICE) -> dict[str, float]:
        """Help and harmless of start times exp(strength * score), at this KL from the helpful model."""
        curves: dict[str, dict[float, float]] = {"KL": {}, "help": {}, "harmless": {}}
        for strength in STRENGTHS:
            logp = (start + strength * score).log_softmax(-1)[HELD_OUT]
            curves["KL"][strength] = float((logp.exp() * (logp - self.start[HELD_OUT])).sum(-1).mean())
            curves["help"][strength] = float(((logp.exp() - self.start[HELD_OUT].exp()) * self.help[HELD_OUT]).sum(-1).mean())
            curves["harmless"][strength] = float((logp.exp() * self.harmless[HELD_OUT]).sum(-1).mean())
        return {on: bought(curves[on], curves["KL"], price) for on in ("help", "harmless")}


def _deviations(table: Tensor) -> Tensor:
    centred = table - table.mean(-1, keepdim=True)
    return centred / centred.square().mean().sqrt().clamp(min=1e-12)


def experiment(seed: int, scale: str) -> dict:
    world = World(seed)
    rng = generator(seed, "labels")
    asked, compared, labelled = (world.pairs(name) for name in ("asked", "helpful", "harmful"))
    principle = torch.randint(PRINCIPLES, (PAIRS,), generator=rng)
    soft = torch.sigmoid(world.broken[asked[0], asked[2], principle] - world.broken[asked[0], asked[1], principle])

    def by_people(pairs: tuple[Tensor, Tensor, Tensor], worth: Tensor) -> Tensor:
        prompt, first, second = pairs
        return (
            torch.rand(PAIRS, dtype=torch.float64, generator=rng) < torch.sigmoid(worth[prompt, first] - worth[prompt, second])
        ).double()

    helped = (compared, by_people(compared, 2 * world.help))
    judged, sided = (asked, soft), (asked, (soft > 0.5).double())
    kept = (labelled, by_people(labelled, 8 * world.harmless))
    policies = {rounds: world.imitating(world.revised(rounds)) if rounds else world.start for rounds in range(ROUNDS + 1)}
    last, only = policies[ROUNDS], world.preferring(0.0, judged, helped)
    ways = {
        "RL-CAI": lambda mix: (last, world.preferring(mix, judged, helped)),
        "hard labels": lambda mix: (last, world.preferring(mix, sided, helped)),
        "human labels": lambda mix: (world.start, world.preferring(mix, kept, helped)),
        "SL-CAI": lambda mix: (world.start, (1 - mix) * only + mix * _deviations(last - world.start)),
    }
    fronts = {name: {mix: world.bought(*way(mix)) for mix in MIXES} for name, way in ways.items()}
    fronts["helpful only"] = {price: world.bought(world.start, only, price) for price in MIXES}
    arms: dict[str, dict] = {
        name: {on: {x: found[on] for x, found in front.items()} for on in ("help", "harmless")} for name, front in fronts.items()
    }
    arms["SL-CAI"]["violations"] = {
        rounds: float((policy.exp() * (1 - world.harmless))[HELD_OUT].sum(-1).mean()) for rounds, policy in policies.items()
    }
    return arms
