"""MiCRo: where kinds of people judge unnamed, no single reward is right; heads with weights of the prompt recover the kinds, and a few labels say which of them
somebody is.

World: 60 prompts and 140 answers with twelve-dimensional vectors from N(0, 1); three kinds of people whose tastes are orthogonal directions, and prompts that
attract them by a softmax (``worlds.users.prompted_groups``). 1,000 or 8,000 verdicts, on 40 of the prompts and 90 of the answers, say the prompt and the pair and
not who judged. A seed is another world.

* MiCRo: five heads (the kinds are not counted before) and a router with 16 units, by the likelihood of the mixture and the entropy of its weights;
* static mixture: the same with weights that no prompt moves, as in MaxMin-RLHF;
* one reward: linear in the answer's vector;
* any single reward: whatever number for each prompt and answer comes nearest, in cross-entropy, to the odds themselves, on the very prompts and answers that are
  measured on. No Bradley-Terry model of whatever size and with however many verdicts is better.

Fits are minima by L-BFGS, at most 100 steps. The weight of the entropy is chosen from 0.02, 0.1 and 0.5 (the paper's) at a ridge of 1e-3, then the ridge, as that of
one reward, from 1e-4, 1e-3 and 1e-2, all by the likelihood of 500 more verdicts on the same prompts and answers, and beyond the ends where the best lies there.

*Excess loss*: the KL divergence of the predicted from the true odds that whoever is attracted prefers one answer to another, over 20 prompts and 50 answers that
were never judged; a hundredth of a nat is what anybody would care about. *Kinds recovered*: for each kind the head that orders those answers most like it, averaged
(of one reward: the only head). *After labels*: nine people, three of each kind, label 4, 8 or 16 pairs of judged answers to judged prompts; how many pairs of the
new answers are ordered as the person would, over the new prompts:

* MiCRo: the router is trained on the labels by Hedge, 30 steps of AdamW; learning rate and then temperature are chosen, from 0.01, 0.03 and 0.1 and from 0.01, 0.1 and
  1 and beyond;
* static mixture: likewise, with its own heads;
* own reward: linear, fitted to the labels and pulled to the one reward; the ridge is chosen from 0.01, 0.1 and 1 and beyond.

These are chosen by the same accuracy for six other people with 16 labels. What is behind because it has no second reward, no prompts or no labels is marked;
that the static mixture finds the kinds as well, serves people as well, or that an own reward does, may all be. In accuracy and in kinds 0.02 is what anybody
would care about.

The paper's contexts are texts that state a purpose, for which the router is trained once; here the context is the person, and each has a router of their own.
Before the first full run, tastes were made twice as strong and prompts attracted more softly: the irreducible error was 0.008 nats, too little to be told from
noise. Later the grids went on past their ends, the static mixture got labels, and own rewards, which had been fitted from nothing, the one reward to start from.

Source: Shen et al. 2025, arXiv 2505.24846, eq. 1 to 5, theorem 3.2, algorithm 1, appendix B.1.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._comparing import minimise
from guerdon.atlas.pluralistic._people import BRADLEY_TERRY, CHOSEN, RIDGES, agreement, best, fitted, squares
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.mixture_entropy import MixtureEntropy
from guerdon.losses.several_heads.hedge import Hedge
from guerdon.losses.several_heads.mixture import Mixture
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.heads.mixture_heads import MixtureHeads
from guerdon.models.heads.scalar import Scalar
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Sequences, collate
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import gather, wanted_by
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.prompted_groups import PromptedGroups

system = System(
    title="MiCRo: Mixture Modeling and Context-aware Routing for Personalized Preference Learning",
    link="https://arxiv.org/abs/2505.24846",
    kind="reward",
    builds_on=("bradley-terry-rm", "mixture-heads", "hedge-router", "user-simulator"),
    read="paper",
    untuned=CHOSEN,
    note=(
        "The context routes well: kinds are recovered as by a static mixture, and labels from the person help. Told the labels, "
        "the static mixture with the same routing is 0.07 more accurate after sixteen of them. Excess loss varies too much "
        "between seeds for its own effect of interest."
    ),
)
PROMPTS, ANSWERS = range(40), range(60, 150)
NEW_PROMPTS, NEW_ANSWERS = range(40, 60), range(150, 200)
VERDICTS, LABELS = (1000, 8000), (4, 8, 16)
ENTROPIES, RIDGE = (0.02, 0.1, 0.5), 1e-3
RATES, TEMPERATURES, PULLS = (0.01, 0.03, 0.1), (0.01, 0.1, 1.0), (0.01, 0.1, 1.0)
HEAD = MixtureHeads(heads=5, units=16)


def mixture(entropy: float) -> tuple[Term, ...]:
    return Term(Mixture()), Term(OnSide(MixtureEntropy()), weight=entropy)


def routed(rate: float, temperature: float) -> Recipe:
    return Recipe((Term(Hedge(temperature=temperature)),), AdamW(rate))


recipe = {"mixture": Recipe(mixture(0.5)), "router": routed(0.01, 0.001)}
EXCESS, KINDS, AFTER = "excess loss", "kinds recovered", "accuracy after labels"
BY_CONSTRUCTION = {"matched": "verdicts", "by_construction": True}
claim = AllOf(
    BetterThan("any single reward", 0.0, on=EXCESS, at=8000, effect=0.01, by_construction=True),
    *(
        BetterThan("MiCRo", other, on=EXCESS, at=8000, effect=0.01, lower_is_better=True, **BY_CONSTRUCTION)
        for other in ("any single reward", "static mixture")
    ),
    BetterThan("MiCRo", "one reward", on=KINDS, at=8000, by=0.1, effect=0.02, **BY_CONSTRUCTION),
    BetterThan("MiCRo", "static mixture", on=KINDS, at=8000, effect=0.02, matched="verdicts"),
    *(BetterThan("MiCRo", other, on=AFTER, at=16, effect=0.02, **BY_CONSTRUCTION) for other in ("one reward", "MiCRo, no labels")),
    *(BetterThan("MiCRo", other, on=AFTER, at=16, effect=0.02, matched="labels") for other in ("static mixture", "own reward")),
)
SEEDS = {"smoke": 1, "full": 8}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = PromptedGroups(users=6 if small else 15, sharpness=1.0, strength=4.0, seed=derive(seed, "world"))
    unseen = asked(world.anonymous(500, PROMPTS, ANSWERS, derive(seed, "validation")))
    odds = world.odds(NEW_PROMPTS, NEW_ANSWERS)
    arms: dict[str, dict] = {name: {EXCESS: {}, KINDS: {}} for name in ("MiCRo", "static mixture", "one reward")}
    models: dict[str, EmbeddedModel] = {}
    for n in VERDICTS:
        told = asked(world.anonymous(n // 10 if small else n, PROMPTS, ANSWERS, derive(seed, "verdicts")))
        models = {
            "MiCRo": mixed(world, told, unseen, seed, small),
            "static mixture": mixed(world, blind(told), blind(unseen), seed, small),
            "one reward": likeliest(
                lambda ridge, told=told: fitted(world, Scalar(), told, ridge, seed), RIDGES, BRADLEY_TERRY, unseen, small
            ),
        }
        for name, model in models.items():
            arms[name][EXCESS][n] = excess(odds, predicted(model, world, name == "static mixture"))
            arms[name][KINDS][n] = kinds(model, world)
    arms["any single reward"] = {EXCESS: dict.fromkeys(VERDICTS, excess(odds, nearest(odds)))}
    for name, curve in after_labels(world, models, seed, small).items():
        arms.setdefault(name, {})[AFTER] = curve
    return arms


# what is fitted


def asked(verdicts: Tensor) -> list[Example]:
    """Verdicts [n, 3] of which the first column is what was asked."""
    return examples(verdicts, user=torch.zeros(len(verdicts), dtype=torch.long), context=verdicts[:, 0])


def blind(told: Sequence[Example]) -> list[Example]:
    """The same as answers to one and the same question."""
    return [replace(e, sides={name: replace(side, context=(0,)) for name, side in e.sides.items()}) for e in told]


def mixed(world: PromptedGroups, told: Sequence[Example], unseen: Sequence[Example], seed: int, small: bool) -> EmbeddedModel:
    """The mixture, with the weight of the entropy and then the ridge under which unseen verdicts are likeliest."""
    fits: dict[tuple[float, float], EmbeddedModel] = {}

    def at(entropy: float, ridge: float) -> EmbeddedModel:
        if (entropy, ridge) not in fits:
            fits[entropy, ridge] = fitted(world, HEAD, told, ridge, seed, mixture(entropy), steps=10 if small else 100)
        return fits[entropy, ridge]

    likely = (Term(Mixture()),)
    chosen = likeliest(lambda entropy: at(entropy, RIDGE), ENTROPIES, likely, unseen, small)
    entropy = next(entropy for (entropy, _), model in fits.items() if model is chosen)
    return likeliest(lambda ridge: at(entropy, ridge), RIDGES, likely, unseen, small)


def likeliest(
    fit_at: Callable[[float], EmbeddedModel], values: Sequence[float], terms: Sequence[Term], unseen: Sequence[Example], small: bool
) -> EmbeddedModel:
    """The fit at the value under which unseen verdicts are likeliest, by the first of the terms."""
    if small:
        return fit_at(values[1])
    models, batch, loss = {}, collate(unseen), terms[0].loss

    def score(value: float) -> float:
        models[value] = fit_at(value)
        with torch.no_grad():
            return -float(call(loss, gather(batch, wanted_by([loss]), models[value])).mean())

    return models[best(values, score)]


# what is measured


def said(model: EmbeddedModel, prompts: Sequence[int], answers: Sequence[int], name: str) -> Tensor:
    """[C, A, ...], what the model says of each answer to each prompt."""
    c = torch.arange(len(prompts)).repeat_interleave(len(answers))
    items = torch.tensor(list(answers)).repeat(len(prompts)).unsqueeze(-1)
    length = torch.ones(len(items), dtype=torch.long)
    sequences = Sequences([torch.tensor([p]) for p in prompts], c, items, torch.ones_like(items, dtype=torch.bool), length)
    return model.measure(sequences, {name})[name].detach().double().unflatten(0, (len(prompts), len(answers)))


def predicted(model: EmbeddedModel, world: PromptedGroups, static: bool) -> Tensor:
    """[C, A, A], the probability with which the row's answer is said to be preferred."""
    prompts = [0] * len(NEW_PROMPTS) if static else NEW_PROMPTS
    if "head_score" not in model.measures:
        score = said(model, prompts, NEW_ANSWERS, "score")
        return torch.sigmoid(score.unsqueeze(-1) - score.unsqueeze(-2))
    each, weight = (said(model, prompts, NEW_ANSWERS, name) for name in ("head_score", "mixture_logp"))
    return (torch.sigmoid(each.unsqueeze(2) - each.unsqueeze(1)) * weight.exp()[:, :1, None]).sum(-1)


def excess(odds: Tensor, guess: Tensor) -> float:
    """The mean over pairs of the KL divergence of what is guessed from the odds, in nats."""
    off = ~torch.eye(odds.shape[-1], dtype=torch.bool)
    p, q = odds[:, off], guess[:, off].clamp(1e-12, 1 - 1e-12)
    return float((p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean())


def nearest(odds: Tensor) -> Tensor:
    """[C, A, A], the Bradley-Terry model that is nearest to the odds in cross-entropy, with a score for each prompt and answer."""
    score = torch.zeros(odds.shape[:2], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([score], max_iter=200, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = -(odds * F.logsigmoid(score.unsqueeze(-1) - score.unsqueeze(-2))).mean()
        value.backward()
        return value

    optimiser.step(loss)
    return torch.sigmoid(score.unsqueeze(-1) - score.unsqueeze(-2)).detach()


def kinds(model: EmbeddedModel, world: PromptedGroups) -> float:
    """How well the best head for each kind orders the answers as that kind does, averaged."""
    name = "head_score" if "head_score" in model.measures else "score"
    heads = said(model, [0], NEW_ANSWERS, name)[0].view(len(NEW_ANSWERS), -1).T
    truth = world.utility()[: world.groups, NEW_ANSWERS]
    return sum(max(agreement(head.unsqueeze(0), kind.unsqueeze(0)) for head in heads) for kind in truth) / len(truth)


def after_labels(world: PromptedGroups, models: Mapping[str, EmbeddedModel], seed: int, small: bool) -> dict[str, dict[int, float]]:
    """For people who have labelled so many pairs, how well what is theirs orders answers that they have not seen, over prompts that they have not seen."""
    utility, most = world.utility()[:, NEW_ANSWERS], max(LABELS)
    validation = range(world.groups if small else 2 * world.groups)
    people = range(len(validation), world.users)

    def labelled(user: int, n: int) -> list[Example]:
        verdicts = world.verdicts([user], n, ANSWERS, derive(seed, "labels"))
        prompts = torch.randint(len(PROMPTS), (n,), generator=generator(seed, "labelled prompts", user))
        return examples(verdicts, user=torch.zeros(n, dtype=torch.long), context=prompts)

    def followed(name: str, user: int, n: int, rate: float, temperature: float) -> EmbeddedModel:
        model, told = copied(models[name]), labelled(user, n)
        told = blind(told) if name == "static mixture" else told
        return fit(model, told, routed(rate, temperature), Budget(steps=3 if small else 30, batch_size=n, seed=seed)).model

    def own(user: int, n: int, pull: float) -> EmbeddedModel:
        model = copied(models["one reward"])
        minimise(model, BRADLEY_TERRY, labelled(user, n), steps=50, penalty=squares(model, pull, around=True))
        return model

    def mean(users: range, model_of: Callable[[int], EmbeddedModel], static: bool = False) -> float:
        return sum(right(model_of(user), utility[user], static) for user in users) / len(users)

    def chosen(values: Sequence[float], score: Callable[[float], float]) -> float:
        return values[1] if small else best(values, score)

    curves: dict[str, dict[int, float]] = {}
    for name in ("MiCRo", "static mixture"):
        static = name == "static mixture"

        def after(users: range, n: int, rate: float, temperature: float, name: str = name, static: bool = static) -> float:
            return mean(users, lambda user: followed(name, user, n, rate, temperature), static)

        rate = chosen(RATES, lambda rate, after=after: after(validation, most, rate, TEMPERATURES[1]))
        temperature = chosen(TEMPERATURES, lambda temperature, after=after, rate=rate: after(validation, most, rate, temperature))
        curves[name] = {n: after(people, n, rate, temperature) for n in LABELS}
    pull = chosen(PULLS, lambda pull: mean(validation, lambda user: own(user, most, pull)))
    curves["own reward"] = {n: mean(people, lambda user, n=n: own(user, n, pull)) for n in LABELS}
    unmoved = {name: mean(people, lambda user, name=name: models[name]) for name in ("MiCRo", "one reward")}
    return curves | {
        "one reward": dict.fromkeys(LABELS, unmoved["one reward"]),
        "MiCRo, no labels": dict.fromkeys(LABELS, unmoved["MiCRo"]),
    }


def copied(model: EmbeddedModel) -> EmbeddedModel:
    """Another, which may be trained."""
    other = copy.copy(model)
    other.module = copy.deepcopy(model.module)
    return other


def right(model: EmbeddedModel, utility: Tensor, static: bool) -> float:
    """How many pairs of new answers are ordered as the utility does, over the new prompts."""
    score = said(model, [0] if static else NEW_PROMPTS, NEW_ANSWERS, "score")
    return agreement(score, utility.expand_as(score))
