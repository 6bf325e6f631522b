"""POLAR: a reward model that has learned to tell policies apart needs few labels, and then says how like a reference an answer is.

World: 120 prompts with 24 answers of sixteen-dimensional vectors (``worlds.finite.rated_answers``, of which the answers are taken). What is
good depends on the prompt in a way that nothing but good answers tells: gold = 2 (0.5 u + 0.87 u_c) . x, u one direction for all prompts
and u_c one of each prompt's own, both of length 1 and in a space of four dimensions. Policies are exponential in the same four dimensions,
with 200 random tastes of length 3; in the other half of the experiment (*elsewhere*) in four that are orthogonal to them. A seed is another
world.

* pretraining: 2,000 triples of two answers of one policy and one of another, to the same of 80 prompts; the head ``reference_conditional``
  is to score the second higher than the third, given the first (the loss of ``data.curation.policy_discrimination``'s rows);
* labels: 30 or 100 times, to one of these prompts, an answer of the desired policy, the tilt by exp(gold), as the reference, and two random
  answers of which people prefer one, by Bradley-Terry;
* POLAR: the pretrained head learns that the preferred one is better, given the reference, staying near where it was; *no pretraining*: the
  same from a fresh head, kept near 0; *BT*: a linear reward, from all three pairs of each label, the reference above both; *pretrained
  only*: no labels.

Fits are minima by L-BFGS; ridges are chosen alike on 20 prompts. Measured on 20 others: *accuracy*, how often the better of two random
answers is scored higher, given an answer of the desired policy; and the *gold* of the policy that each reward asks for, its exact tilt with
one such reference for each prompt, along the KL from the reference policy, after 100 labels.

A first world had one taste for all prompts: a reference tells nothing there that labels do not, and pretraining was in the way.

Source: Dou et al. 2025, arXiv 2507.05197, sections 3.3, 3.4, 4.1 and 4.2, and the authors' page (github.com/InternLM/POLAR). There 1.8 and
7 B parameters, trained throughout, and the reference of a label is the best of three ranked answers of one policy; the desired policy's own
is the form that section 3.4 calls ideal. Here vectors that are given and a bilinear head. That policies differ in what people care about is
what the method lives on: elsewhere it is not so. Smallest differences of interest: 0.02 of accuracy, 0.05 of gold.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, Model, Told, at_the_best, drawn, fitted, minimised, pairs
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.models.heads.reference_conditional import ReferenceConditional
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Pre-Trained Policy Discriminators are General Reward Models",
    link="https://arxiv.org/abs/2507.05197",
    kind="reward",
    builds_on=("bradley-terry-rm", "policy-zoo-sampler", "reference-conditioned-rm"),
    read="paper",
    untuned=CHOSEN,
    note=(
        "Where policies differ in what is good, pretraining is worth more than a hundred labels: 0.63 without any, where the same head has 0.61 with 100. "
        "Where they do not, it does harm that a hundred labels do not mend (0.07). Its lead over plain Bradley-Terry in gold is not told from nothing."
    ),
)
HEAD = ReferenceConditional(8)
recipe = {"head": HEAD, "loss": BRADLEY_TERRY}
LABELS, BUDGETS = (30, 100), (0.25, 0.5, 1.0, 1.5)
SAME = {"matched": "labels"}
claim = AllOf(
    *(BetterThan("POLAR", "no pretraining", on="accuracy", at=n, effect=0.02, **SAME) for n in LABELS),
    BetterThan("POLAR", "BT", on="accuracy", at=100, effect=0.02, by_construction=True, **SAME),
    BetterThan("POLAR", "pretrained only", on="accuracy", at=100, effect=0.02),
    *(AheadAlong("POLAR", other, on="gold", along="KL", effect=0.05) for other in ("no pretraining", "BT")),
    NoWorseThan("POLAR", "no pretraining", on="accuracy elsewhere", margin=0.02, **SAME),
)
SEEDS = {"smoke": 1, "full": 6}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(24)
POLICIES, STYLES, TRIPLES, TESTED = 200, 4, 2000, 50
RIDGES = (3e-3, 3e-2, 3e-1)


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    lab, elsewhere = (Lab(derive(seed, "world"), where, small) for where in (False, True))
    pretrained = lab.pretrained()
    arms: dict[str, dict] = {"pretrained only": {"accuracy": dict.fromkeys(LABELS, lab.right(pretrained, HELD_OUT))}}
    for n in LABELS:
        for name, model in lab.taught(pretrained, lab.labels(n // 3 if small else n)).items():
            arms.setdefault(name, {"accuracy": {}})["accuracy"][n] = lab.right(model, HELD_OUT)
            if n == LABELS[-1]:
                arms[name] |= lab.bought(model)
    for name, model in elsewhere.taught(elsewhere.pretrained(), elsewhere.labels(LABELS[-1])).items():
        arms[name]["accuracy elsewhere"] = elsewhere.right(model, HELD_OUT)
    return arms


class Lab:
    """A world, its policies, and how heads are fitted to what is said of its answers."""

    def __init__(self, seed: int, elsewhere: bool, small: bool):
        self.world = RatedAnswers(prompts=120, answers=24, qualities=1, width=16, seed=seed)
        self.seed, self.small, self.features = seed, small, self.world.features()
        self.vectors = self.world.vectors()
        frame = torch.linalg.qr(torch.randn(16, 2 * STYLES, dtype=torch.float64, generator=generator(seed, "frame")))[0].T
        self.styles = frame[STYLES:] if elsewhere else frame[:STYLES]
        own = torch.randn(self.world.prompts, STYLES, dtype=torch.float64, generator=generator(seed, "own"))
        liked = 0.5 * frame[0] + 0.87 * (own / own.norm(dim=-1, keepdim=True)) @ frame[:STYLES]
        self.gold = 2 * torch.einsum("cad,cd->ca", self.vectors, liked)

    def pretrained(self) -> Model:
        """The head that tells policies apart."""
        n, rng = (TRIPLES // 10 if self.small else TRIPLES), generator(self.seed, "policies")
        tastes = torch.randn(POLICIES, STYLES, dtype=torch.float64, generator=rng)
        tastes = 3 * tastes / tastes.norm(dim=-1, keepdim=True) @ self.styles
        prompt = torch.randint(len(LABELLED), (n,), generator=rng)
        one = torch.randint(POLICIES, (n,), generator=rng)
        other = (one + 1 + torch.randint(POLICIES - 1, (n,), generator=rng)) % POLICIES
        said = [torch.einsum("nad,nd->na", self.vectors[prompt], tastes[who]).softmax(-1) for who in (one, other)]
        same, different = torch.multinomial(said[0], 2, generator=rng), torch.multinomial(said[1], 1, generator=rng).squeeze(-1)
        reference, again, third = (self.world.item(prompt, answer) for answer in (same[:, 0], same[:, 1], different))
        return fitted(
            self.features, [(pairs(again, third, context=reference), BRADLEY_TERRY)], 3e-3, self.seed, HEAD, steps=20 if self.small else 60
        )

    def drawn(self, n: int, prompts: range, purpose: str, sure: bool = False) -> Tensor:
        """[n, 3] items: an answer of the desired policy, and two others, the one that somebody prefers first (or the better one)."""
        rng = generator(self.seed, purpose)
        prompt = prompts.start + torch.randint(len(prompts), (n,), generator=rng)
        desired = torch.multinomial(self.gold[prompt].softmax(-1), 1, generator=rng)
        pair = torch.multinomial(torch.ones(n, len(ANSWERS)), 2, generator=rng)
        ahead = self.gold[prompt, pair[:, 0]] - self.gold[prompt, pair[:, 1]]
        wins = ahead > 0 if sure else torch.rand(n, dtype=torch.float64, generator=rng) < torch.sigmoid(ahead)
        return self.world.item(prompt.unsqueeze(-1), torch.cat([desired, torch.where(wins.unsqueeze(-1), pair, pair.flip(-1))], -1))

    def labels(self, n: int) -> Tensor:
        return self.drawn(n, LABELLED, "labels")

    def taught(self, pretrained: Model, labels: Tensor) -> dict[str, Model]:
        """What each arm makes of labels [n, 3]."""
        reference, better, worse = labels.T
        told = pairs(better, worse, context=reference)

        def tuned(start: Model, around: bool) -> Model:
            def fit(ridge: float) -> Model:
                own = Model(HEAD, copy.deepcopy(start.module), self.features)
                return minimised(own, [(told, BRADLEY_TERRY)], ridge, around=around, steps=40)

            return self.best(fit)

        plain = Told({"chosen_": torch.cat([better, reference, reference]), "rejected_": torch.cat([worse, better, worse])})
        return {
            "POLAR": tuned(pretrained, around=True),
            "no pretraining": tuned(drawn(self.features, HEAD, self.seed), around=False),
            "BT": self.best(lambda ridge: fitted(self.features, [(plain, BRADLEY_TERRY)], ridge, self.seed)),
        }

    def best(self, fit: Callable[[float], Model]) -> Model:
        return at_the_best(RIDGES, fit, lambda model: self.right(model, TUNING), self.small)

    def right(self, model: Model, prompts: range) -> float:
        """How often the better answer is scored higher, given one of the desired policy."""
        reference, better, worse = self.drawn(TESTED * len(prompts), prompts, f"tested {prompts.start}", sure=True).T
        return float((model.table(better, context=reference) > model.table(worse, context=reference)).double().mean())

    def bought(self, model: Model) -> dict[str, dict[float, float]]:
        """What the tilt of the score is worth beyond the reference policy, and its KL, prompt by prompt."""
        items, reference, gold = self.world.table(HELD_OUT, ANSWERS), self.world.reference()[HELD_OUT], self.gold[HELD_OUT]
        shown = torch.multinomial(gold.softmax(-1), 1, generator=generator(self.seed, "shown"))
        score = model.table(items, context=items.gather(1, shown).expand_as(items))
        curves: dict[str, dict[float, float]] = {"gold": {}, "KL": {}}
        for budget in BUDGETS:
            policy = ExponentialTilt(budget)(score, reference)["policy"]
            curves["gold"][budget] = float(((policy - reference) * gold).sum(-1).mean())
            curves["KL"][budget] = float((policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1).mean())
        return curves
