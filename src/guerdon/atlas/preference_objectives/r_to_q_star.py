"""From r to Q*: a policy that was fitted to comparisons of whole answers is an optimal advantage at every step.

*Advantage*, exactly: a token tree of three steps and four tokens, rewards from N(0, 1), a reference with logits from N(0, 1/4), DPO's minimiser on all pairs (weighed by
how often they are labelled so) at beta 0.5. At every step, beta times the log-ratio has to be Q - V of the optimum, which is computed without it, backwards from the
leaves: V = beta log sum_a ref(a) exp(Q(a) / beta). Measured: the largest difference at any step of any prefix.

*Beam in trees*: 32 trees of five steps and four tokens (otherwise as above) a seed, and the policy that DPO's minimiser is by then known to be, the optimum of
E[reward] - beta KL. Measured: the true reward of what is given out, greedily, by a beam of 2 and of 5, and on average when sampled.

*Text*: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``), a policy of one layer fitted to 1,000
of them (SFT), DPO on 1,000 comparisons, 40 steps of 64 pairs, the learning rate falling to 0; beta and learning rate tuned by the true reward of its greedy answers, which
is the baseline of the beam. *Localisation*: 256 texts of eight letters of the better half, in each of which two neighbouring ones are
replaced by letters of the worst quarter (the planted error): the probability that an error has less implicit reward, beta log(policy / SFT), than another letter of
its text. Beside it, the same of SFT's own likelihood, which knows how texts look and cannot know what they are worth. *Beam*: true reward of the answers to 128 held-out
prompts, greedily and by a beam of 5, of the same policy.

Beams rank by mean log-probability (``length_penalty`` 1, the default of ``transformers``); the paper does not say. By the sum the beam in text gives out shorter
texts. Differences of interest: 0.05 where rewards have the deviation 1 (trees), 0.1 in text, 0.05 in localisation.

The text was that of ``GoldReward()`` before, where what letters are worth adds up, so that the likeliest next letter is the best one and there is nothing to search for,
with the settings of another system of this atlas.

Source: Rafailov et al. 2024, arXiv 2404.12358: section 4 (DPO in the token-level decision process), 5.1 (credit assignment, shown there on two examples), 5.2 (beam search; there:
summaries judged by GPT-4, a beam of 5). Chosen here: worlds, sizes.
"""

import random
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers import Sampler
from guerdon.acting.samplers.beam import Beam
from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, Knob, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.data.examples import examples
from guerdon.evaluation.metrics.error_localisation import ErrorLocalisation
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding, collate
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree
from guerdon.worlds.text.gold_reward import GoldReward, hackable

system = System(
    title="From r to Q*: Your Language Model is Secretly a Q-Function",
    link="https://arxiv.org/abs/2404.12358",
    kind="method",
    builds_on=("dpo", "log-ratio", "beam-search"),
    read="paper",
    note=(
        "In trees a beam finds more of the reward, and the implicit reward says where an answer went wrong. Whether a beam "
        "helps in text too, by 0.1 or at all, would need 173 seeds."
    ),
)
BETA = 0.5


def dpo(beta: float, learning_rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(learning_rate)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {
    "SFT": sft,
    "DPO": dpo(0.1, 0.003),
    "greedy": Group(1),
    "beam 2": Beam(2, length_penalty=1.0),
    "beam 5": Beam(5, length_penalty=1.0),
}
TREES, TEXT = "reward in trees", "reward in text"
GRID = {
    "DPO": {"beta": Knob((0.03, 0.1, 0.3), least=0.01), "learning_rate": (0.001, 0.003, 0.01)}
}  # smaller betas only scale the gradient, which Adam undoes
TUNED_BY = TEXT
claim = AllOf(
    EqualTo("implicit reward", 0.0, on="largest difference from the advantage", tolerance=0.01),
    BetterThan("implicit reward", 0.9, on="localisation of errors", effect=0.05),
    BetterThan("implicit reward", "SFT", on="localisation of errors", effect=0.05, by_construction=True),
    BetterThan("beam 5", "greedy", on=TREES, effect=0.05, matched="policy"),
    BetterThan("beam 5", "greedy", on=TEXT, effect=0.1, matched="policy"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}


@lru_cache(maxsize=4)
def start(seed: int, scale: str) -> tuple[GoldReward, Policy]:
    """The text world, and a policy that has learned how its texts look."""
    world, small = hackable(seed=seed), scale == "smoke"
    policy = SmallLanguageModel(world.characters, layers=1, hidden=16 if small else 32, heads=2, context_length=24).build(seed)
    rows = world.demonstrations(64 if small else 1000)
    fit(policy, examples(rows, encoder_for(policy)), sft, Budget(steps=4 if small else 120, batch_size=64, seed=seed))
    return world, policy


def learned(seed: int, scale: str, beta: float, learning_rate: float) -> Policy:
    world, first = start(seed, scale)
    policy, small = copy_of(first), scale == "smoke"
    rows = world.comparisons(64 if small else 1000)
    budget = Budget(steps=2 if small else 40, batch_size=64, seed=seed)
    fit(policy, examples(rows, encoder_for(policy)), dpo(beta, learning_rate), budget)
    return policy


def trial(arm: str, seed: int, scale: str, beta: float, learning_rate: float) -> dict[str, float]:
    policy = learned(seed, scale, beta, learning_rate)
    return {TEXT: gold(policy, start(seed, scale)[0], recipe["greedy"], 8 if scale == "smoke" else 128)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    small, (world, first) = scale == "smoke", start(seed, scale)
    found = [searched(derive(seed, "tree", i), 3 if small else 5) for i in range(4 if small else 32)]
    numbers: dict[str, dict] = {arm: {TREES: sum(each[arm] for each in found) / len(found)} for arm in found[0]}
    policy = learned(seed, scale, **tuned["DPO"])
    for arm in ("greedy", "beam 5"):
        numbers[arm][TEXT] = gold(policy, world, recipe[arm], 8 if small else 128)
    implicit, of_first = localisation(policy, first, world, seed)
    numbers["implicit reward"] = {
        "largest difference from the advantage": difference(seed, 2 if small else 3),
        "localisation of errors": implicit,
    }
    return numbers | {"SFT": {"localisation of errors": of_first}, "DPO": {TEXT: numbers["greedy"][TEXT]}}


# trees


def tree_world(depth: int, seed: int) -> ComparisonWorld:
    tree = RandomTree(vocabulary=4, depth=depth, seed=seed)
    return ComparisonWorld(tree.rewards()[0], tree.policy(deviation=0.5, seed=derive(seed, "reference")).build, BETA)


def difference(seed: int, depth: int) -> float:
    """Of beta times the log-ratio from the advantage, at worst, over the steps of all prefixes."""
    world = tree_world(depth, derive(seed, "exact"))
    policy = world.start()
    minimise(policy, [Term(Pairwise(LogRatio(BETA), Logistic()))], world.all_pairs())
    implicit = BETA * (policy.logits.log_softmax(-1) - world.reference.logits.log_softmax(-1))[0].detach()
    return float((implicit - advantage(world)).abs().max())


def advantage(world: ComparisonWorld) -> Tensor:
    """[P, V], Q - V of the policy that maximises E[reward] - beta KL, from the leaves of the tree to its root."""
    tree, value = world.reference.tree, world.reward
    reference = world.reference.logits[0].log_softmax(-1).detach()
    steps, last = [], tree.prefixes
    for level in reversed(range(tree.depth)):  # the prefixes of one length lie together, in the order of the sequences
        first = last - tree.vocabulary**level
        q = value.view(-1, tree.vocabulary)
        value, last = BETA * torch.logsumexp(reference[first:last] + q / BETA, -1), first
        steps.insert(0, q - value.unsqueeze(-1))
    return torch.cat(steps)


def searched(seed: int, depth: int) -> dict[str, float]:
    """The true reward of what the optimum gives out, by each way to act."""
    world = tree_world(depth, seed)
    policy = world.reference.distribute(world.optimum.log().unsqueeze(0))
    rewards = {"sampled": float((world.optimum * world.reward).sum())}
    for arm in ("greedy", "beam 2", "beam 5"):
        taken = recipe[arm](policy, [torch.tensor([0])], Decoding(depth, temperature=0.0), seed)
        rewards[arm] = float(world.reward[policy.tree.index(taken.actions, taken.length)])
    return rewards


# text


def gold(policy: Policy, world: GoldReward, sampler: Sampler, prompts: int) -> float:
    scene, rows = scene_for(policy, world, {"gold": world.reward}, {}), list(world.test())[:prompts]
    try:
        drawn = sampler(policy, scene.contexts(rows), Decoding(14, temperature=0.0), 0)
        return float(scene.judge(drawn, rows, 0).scored.components["gold"].mean())
    finally:
        scene.close()


@torch.no_grad()
def localisation(policy: Policy, start: Policy, world: GoldReward, seed: int, length: int = 8) -> tuple[float, float]:
    """How surely the implicit reward, and SFT's likelihood, tell the planted errors from the other letters."""
    draw, best_first = random.Random(derive(seed, "errors")), sorted(world.letters, key=world.worth.get, reverse=True)
    rows, places = [], []
    for row in world.test():
        letters, place = draw.choices(best_first[: len(best_first) // 2], k=length), draw.randrange(length - 1)
        letters[place : place + 2] = draw.choices(best_first[-len(best_first) // 4 :], k=2)
        rows.append({"prompt": row["prompt"], "completion": "".join(letters)})
        places.append(place)
    texts = collate(examples(rows, encoder_for(policy))).sides[""]
    position, place = torch.arange(texts.mask.shape[1]), torch.tensor(places).unsqueeze(-1)
    error, mask = (position >= place) & (position < place + 2), texts.mask & (position < length)  # the end of the text is no letter
    logp, start_logp = (model.measure(texts, {"logp"})["logp"] for model in (policy, start))
    return tuple(float(ErrorLocalisation()(reward, error, mask).mean()) for reward in (logp - start_logp, start_logp))
