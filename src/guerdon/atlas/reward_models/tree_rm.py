"""Tree-structured preferences: pairs of answers that share beginnings against pairs of independent ones, label for label.

World: 4,096 answers of six tokens of four, drawn uniformly; gold is a sum over places of what a token is worth there, N(0, 0.6^2), and of
what two neighbours are worth together there, N(0, 0.4^2). Reward models are linear in just these 24 and 80 indicators, so all that can
differ is what the labels tell. 96 or 384 comparisons by Bradley-Terry, eight to each prompt (prompts differ in nothing else). A seed is
another world.

* tree: to each prompt eight leaves of a tree that branches in two at the start, after two and after four tokens, and eight of their 28
  pairs, drawn at random;
* siblings: such pairs that share at least two tokens (``data.curation.tree_pairs`` with ``least`` 1);
* chain: eight independent answers to each prompt, and eight of their pairs; *apart*: a fresh pair for every comparison, as preferences are
  mostly collected.

Fits are minima; ridges are chosen alike by the order of 400 random pairs. Exact over all answers, or over 4,000 random pairs: *accuracy* of
independent pairs; *fine accuracy*, of pairs that share their first four tokens; *uncertainty*, the mean variance of what the reward model
says of the difference of independent answers, by Laplace's approximation at the ridge 0.01 for all; *gold of the best* of 64 by the reward
model. *Read* is how many tokens a judge has to read for each comparison, what is shared once.

Source: Qiu et al. 2024, arXiv 2402.10184, in its abstract and a reader's notes: a win rate of 65 % over chains after PPO on three tasks,
theory of induced Bayesian networks, in which bodies share what they have learned between like answers. Here inductive bias is the additive
features; nothing else is shared. Smallest differences of interest: 0.01 of accuracy, a tenth of uncertainty (0.1 in its logarithm), 0.1 of
gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, at_the_best, fitted, pairs
from guerdon.data.curation.tree_pairs import TreePairs
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.randomness import generator

system = System(
    title="Reward Generalization in RLHF: A Topological Perspective",
    link="https://arxiv.org/abs/2402.10184",
    kind="theory",
    builds_on=("bradley-terry-rm", "tree-sampling", "best-of-n"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "For a reward that is the sum of known features, pairs from a tree tell less than independent ones: fewer beginnings are seen, so accuracy is 0.03 "
        "lower and the uncertainty of independent answers a fifth to a half higher, for a tenth less to read. What the paper gains must come from what a "
        "pretrained body shares between like answers. The evidence was measured on a busy machine; one core takes about ten seconds."
    ),
)
recipe = {"tree": TreePairs(), "siblings": TreePairs(least=1), "reward model": BRADLEY_TERRY}
LABELS = (96, 384)
SAME = {"matched": "comparisons"}
claim = AllOf(
    *(BetterThan("tree", other, on="accuracy", at=n, effect=0.01, **SAME) for n in LABELS for other in ("chain", "apart")),
    *(BetterThan("tree", other, on="uncertainty", at=96, effect=0.1, lower_is_better=True, **SAME) for other in ("chain", "apart")),
    *(BetterThan("tree", other, on="gold of the best", at=96, effect=0.1, **SAME) for other in ("chain", "apart")),
    BetterThan("tree", "chain", on="fine accuracy", at=96, effect=0.01, **SAME),
)
SEEDS = {"smoke": 1, "full": 10}
TOKENS, LENGTH, EACH, MANY, TESTED = 4, 6, 8, 64, 4000


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    answers = torch.cartesian_prod(*[torch.arange(TOKENS)] * LENGTH)  # [S, T]
    one = torch.nn.functional.one_hot(answers, TOKENS).flatten(1)
    two = torch.nn.functional.one_hot(answers[:, :-1] * TOKENS + answers[:, 1:], TOKENS**2).flatten(1)
    features = torch.cat([one, two], -1).double()
    rng = generator(seed, "world")
    worth = torch.cat([0.6 * torch.randn(one.shape[1], generator=rng), 0.4 * torch.randn(two.shape[1], generator=rng)]).double()
    gold = features @ worth
    tested = torch.randint(len(answers), (TESTED, 2), generator=rng)
    tuning = torch.randint(len(answers), (400, 2), generator=rng)
    first = torch.randint(TOKENS ** (LENGTH - 2), (TESTED, 1), generator=rng)
    fine = first * TOKENS**2 + torch.randint(TOKENS**2, (TESTED, 2), generator=rng)

    def right(model: Model, asked: Tensor) -> float:
        said, true = (x[asked[:, 0]] - x[asked[:, 1]] for x in (model.table(torch.arange(len(answers))), gold))
        return float(((said.sign() * true.sign() + 1) / 2)[true != 0].mean())

    arms: dict[str, dict] = {}
    for n in LABELS:
        for arm in ("tree", "siblings", "chain", "apart"):
            drawn = compared(arm, n // EACH, seed)
            ahead = torch.sigmoid(gold[drawn[:, 0]] - gold[drawn[:, 1]])
            wins = torch.rand(len(drawn), dtype=torch.float64, generator=generator(seed, "verdicts", arm, n)) < ahead
            told = [(pairs(*torch.where(wins.unsqueeze(-1), drawn, drawn.flip(-1)).T), BRADLEY_TERRY)]
            model = at_the_best(RIDGES, lambda ridge, told=told: fitted(features, told, ridge, seed), lambda m: right(m, tuning), small)
            score = model.table(torch.arange(len(answers)))
            best = BestOfNDistribution(MANY)(score, torch.full_like(gold, 1 / len(gold)))["policy"]
            same = (answers[drawn[:, 0]] == answers[drawn[:, 1]]).cumprod(-1).sum(-1)
            measured = {
                "accuracy": right(model, tested),
                "fine accuracy": right(model, fine),
                "uncertainty": uncertainty(features, drawn, gold, tested),
                "gold of the best": float(best @ gold - gold.mean()),
                "read": float((2 * LENGTH - same).double().mean()),
            }
            for name, value in measured.items():
                arms.setdefault(arm, {}).setdefault(name, {})[n] = value
    return arms


def compared(arm: str, prompts: int, seed: int) -> Tensor:
    """[prompts * EACH, 2], indices of answers."""
    rng = generator(seed, "compared", arm)
    if arm == "apart":
        return torch.randint(TOKENS**LENGTH, (prompts * EACH, 2), generator=rng)
    found = []
    for _ in range(prompts):
        if arm == "chain":
            leaves = torch.randint(TOKENS**LENGTH, (8,), generator=rng)
            rows = torch.combinations(leaves)
        else:  # pieces of two tokens: two at the start, two after each, two after each of these
            pieces = [torch.randint(TOKENS**2, (2**level,), generator=rng) for level in (1, 2, 3)]
            paths = [[int(pieces[level][leaf >> (2 - level)]) for level in range(3)] for leaf in range(8)]
            named = [[(leaf >> (2 - level), paths[leaf][level]) for level in range(3)] for leaf in range(8)]
            said = [sum(piece * TOKENS ** (4 - 2 * level) for level, piece in enumerate(path)) for path in paths]
            tree = {"prompt": "", "completions": said, "paths": named, "scores": [float(leaf) for leaf in range(8)]}
            rows = torch.tensor([[pair["chosen"], pair["rejected"]] for pair in recipe[arm]([tree])])
        found.append(rows[torch.randperm(len(rows), generator=rng)[:EACH]])
    return torch.cat(found)


def uncertainty(features: Tensor, drawn: Tensor, gold: Tensor, tested: Tensor) -> float:
    """The logarithm of the mean variance of the difference of independent answers, by the curvature of the comparisons at the truth, beside a ridge."""
    difference = features[drawn[:, 0]] - features[drawn[:, 1]]
    sure = torch.sigmoid(gold[drawn[:, 0]] - gold[drawn[:, 1]])
    information = (difference * (sure * (1 - sure)).unsqueeze(-1)).T @ difference + 0.01 * len(drawn) * torch.eye(
        len(features.T), dtype=torch.float64
    )
    asked = features[tested[:, 0]] - features[tested[:, 1]]
    return float((asked * torch.linalg.solve(information, asked.T).T).sum(-1).mean().log())
