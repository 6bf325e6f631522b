"""Sparrow: asked about one rule at a time, people teach a classifier of broken rules that stands beside the preference reward.

World: 120 prompts with 24 answers of sixteen-dimensional vectors, one taste (``worlds.finite.rated_answers``), and six rules. A rule is
broken with the probability sigmoid(4 (v . x - 1.7)), v of length 1 and leaning by 0.4 to what people like: about one answer in sixteen
breaks it, and three in ten some rule. Half of the 20 held-out prompts are *probed*: the reference policy's answers lie by exp(0.25 sum of v
. x) where rules are broken. A seed is another world.

500 comparisons of answers to 80 prompts, by what people like alone, teach a linear preference reward. Then raters lead the policy towards
one of the rules, drawn at random, and give 150 or 600 verdicts on what comes, an answer drawn by exp(2 v . x); both arms see the same
answers:

* by rule: whether that rule is broken, to the head ``rule_conditional``; whether any is broken is then 1 - prod (1 - p_r);
* in general: whether anything is wrong with the answer, to the same head with one rule.

*Found*: how likely an answer to a held-out prompt that breaks a rule is scored above one that breaks none, in the world's own
probabilities. Policies are the exact tilts of preference only, of preference - w sum_r p_r (by rule) and of preference - w p (in general),
within budgets of KL from the reference, with 600 verdicts. *Broken*: how likely some rule is, on probed prompts; *gold*: by how much people
like it more than the reference's, on the others; *worth*: gold - 3 broken, over all held-out prompts. The weight w is chosen alike by the
worth at 1 nat on 20 more prompts, from 1, 3 and 9 and beyond, as are ridges by what is found there.

Source: Glaese et al. 2022, arXiv 2209.14375, its abstract and summaries: preference and rule reward models, their sum as the reward.
Evidence from a search engine, the rewards of length and format, and the agents that probe are not here; probing is a reference policy that
was led astray. Smallest differences of interest: 0.02 of what is found, 0.03 of what is broken, 0.1 of worth.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, Told, at_the_best, fitted, ordered, pairs
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.head import Head
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.heads.rule_conditional import RuleConditional
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Improving alignment of dialogue agents via targeted human judgements",
    link="https://arxiv.org/abs/2209.14375",
    kind="method",
    builds_on=("preference-rm", "rule-conditional-rm", "best-of-n-reranking", "red-teaming"),
    read="abstract",
    untuned=CHOSEN,
    note=(
        "Rules beside preferences are worth having, 0.14 at equal KL; asking rule by rule is not what brings it: of the same answers one verdict on all rules "
        "at once tells more with 150 verdicts, and about as much with 600. People's reasons, which rules name, are not in this world."
    ),
)
RULES, VERDICTS, BUDGETS = 6, (150, 600), (0.25, 0.5, 1.0, 1.5)
VERDICT = Pointwise(Head(), CrossEntropy())
recipe = {"preference": BRADLEY_TERRY, "rules": VERDICT, "head": RuleConditional(RULES)}
claim = AllOf(
    *(BetterThan("by rule", "in general", on="found", at=n, effect=0.02, matched="verdicts") for n in VERDICTS),
    BetterThan("by rule", "preference only", on="broken", at=1.0, effect=0.03, lower_is_better=True, matched="KL", by_construction=True),
    NoWorseThan("by rule", "preference only", on="gold", at=1.0, margin=0.3, matched="KL"),
    *(AheadAlong("by rule", other, on="worth", along="KL", effect=0.1) for other in ("preference only", "in general")),
)
SEEDS = {"smoke": 1, "full": 6}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(24)
COMPARED = 500


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    lab = Lab(derive(seed, "world"), small)
    preference = lab.preference()
    arms: dict[str, dict] = {"by rule": {"found": {}}, "in general": {"found": {}}, "preference only": {}}
    broken = {}
    for n in VERDICTS:
        for name, rules in (("by rule", RULES), ("in general", 1)):
            model = lab.judge(n // 5 if small else n, rules)
            arms[name]["found"][n] = lab.found(lab.broken(model, rules, HELD_OUT), HELD_OUT)
            broken[name] = (model, rules)  # the last, of most verdicts, is used
    arms["preference only"] |= lab.bought(preference, None, 0.0, HELD_OUT, BUDGETS)
    for name, (model, rules) in broken.items():

        def trial(weight: float, model: Model = model, rules: int = rules) -> tuple[float, float]:
            return weight, lab.bought(preference, (model, rules), weight, TUNING, (1.0,))["worth"][1.0]

        weight, _ = at_the_best((1.0, 3.0, 9.0), trial, lambda found: found[1], small)
        arms[name] |= lab.bought(preference, (model, rules), weight, HELD_OUT, BUDGETS)
    return arms


class Lab:
    """A world and its rules."""

    def __init__(self, seed: int, small: bool):
        self.world = RatedAnswers(prompts=120, answers=24, qualities=1, width=16, strength=1.5, seed=seed)
        self.seed, self.small, self.features, self.reward = seed, small, self.world.features(), self.world.rewards()
        vectors = self.world.vectors()
        taste = torch.linalg.lstsq(vectors.flatten(0, 1), self.reward.flatten()).solution
        drawn = torch.randn(RULES, 16, dtype=torch.float64, generator=generator(seed, "rules"))
        own = drawn - (drawn @ taste / taste.square().sum()).unsqueeze(-1) * taste
        ways = 0.4 * taste / taste.norm() + (1 - 0.4**2) ** 0.5 * own / own.norm(dim=-1, keepdim=True)
        self.leaning = vectors @ ways.T
        self.each = torch.sigmoid(4 * (self.leaning - 1.7))  # [C, A, R]
        self.any = 1 - (1 - self.each).prod(-1)
        self.probed = torch.arange(self.world.prompts) % 2 == 1
        self.reference = torch.where(self.probed.unsqueeze(-1), 0.25 * self.leaning.sum(-1), torch.zeros_like(self.reward)).softmax(-1)

    def preference(self) -> Model:
        prompt, better, worse = self.world.comparisons(COMPARED, derive(self.seed, "pairs"), LABELLED, ANSWERS).T
        told = [(pairs(self.world.item(prompt, better), self.world.item(prompt, worse)), BRADLEY_TERRY)]

        def right(model: Model) -> float:
            return ordered(model.table(self.world.table(TUNING, ANSWERS)), self.reward[TUNING])

        return at_the_best(RIDGES, lambda ridge: fitted(self.features, told, ridge, self.seed), right, self.small)

    def judge(self, n: int, rules: int) -> Model:
        """A classifier that has seen n verdicts, on one rule each, or on all at once."""
        rng = generator(self.seed, "verdicts")
        prompt, rule = torch.randint(len(LABELLED), (n,), generator=rng), torch.randint(RULES, (n,), generator=rng)
        answer = torch.multinomial((2 * self.leaning[prompt, :, rule]).softmax(-1), 1, generator=rng).squeeze(-1)
        likely = self.each[prompt, answer, rule] if rules > 1 else self.any[prompt, answer]
        rule = rule % rules
        label = (torch.rand(n, dtype=torch.float64, generator=rng) < likely).double()
        told = [(Told({"": self.world.item(prompt, answer)}, {"label": label}, {"rule": rule}), VERDICT)]
        return at_the_best(
            RIDGES,
            lambda ridge: fitted(self.features, told, ridge, self.seed, RuleConditional(rules)),
            lambda model: self.found(self.broken(model, rules, TUNING), TUNING),
            self.small,
        )

    def each_broken(self, model: Model, rules: int, prompts: range) -> Tensor:
        """[C, A, R], how likely the model takes each rule to be broken."""
        items = self.world.table(prompts, ANSWERS)
        return torch.stack([torch.sigmoid(model.table(items, rule=torch.full_like(items, r))) for r in range(rules)], -1)

    def broken(self, model: Model, rules: int, prompts: range) -> Tensor:
        return 1 - (1 - self.each_broken(model, rules, prompts)).prod(-1)

    def found(self, score: Tensor, prompts: range) -> float:
        """The probability that of one answer that breaks a rule and one that breaks none the first is scored higher."""
        truth, score = self.any[prompts].flatten(), score.flatten()
        weight = truth.unsqueeze(-1) * (1 - truth)
        return float((((score.unsqueeze(-1) - score).sign() + 1) / 2 * weight).sum() / weight.sum())

    def bought(
        self, preference: Model, rules: tuple[Model, int] | None, weight: float, prompts: range, budgets: tuple[float, ...]
    ) -> dict[str, dict[float, float]]:
        """What the tilts of preference less the weighted broken rules are worth, at each budget of KL."""
        score = preference.table(self.world.table(prompts, ANSWERS))
        if rules is not None:
            score = score - weight * self.each_broken(*rules, prompts).sum(-1)
        reference, probed = self.reference[prompts], self.probed[prompts]
        curves: dict[str, dict[float, float]] = {"KL": {}, "gold": {}, "broken": {}, "worth": {}}
        for budget in budgets:
            policy = ExponentialTilt(budget)(score, reference)["policy"]
            gold, broken = ((policy - reference) * self.reward[prompts]).sum(-1), (policy * self.any[prompts]).sum(-1)
            curves["KL"][budget] = float((policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1).mean())
            curves["gold"][budget], curves["broken"][budget] = float(gold[~probed].mean()), float(broken[probed].mean())
            curves["worth"][budget] = float((gold - 3 * broken).mean())
        return curves
