"""DeepSeek-GRM: a judge writes its principles and scores by them; more judgements order answers better, and a meta reward model says which of them to count.

World: answers of which six criteria hold or not, three of them asked for by each prompt, which is seen as a vector (``worlds.finite.itemised_answers``); 120 prompts with 16
answers. A seed is another world. A judgement of a prompt's answers lists principles, each criterion with a probability that is linear, in log-odds, in the prompt's vector;
reads every answer, right about 80 % of what it checks, half of its errors coming back whenever it is asked; and scores each answer by how many of its principles are met.
Scores of k judgements are added. Who writes principles at the start was shown the lists of 15 prompts. People compared 300 pairs of answers to 70 prompts, with the noise of
sigmoid(8 difference).

* "RFT": rejective fine-tuning: of eight judgements of each pair those that order it as people did are imitated, and pairs about which all eight were right are left out.
* "SPCT": after that 60 steps of REINFORCE on the lists, rewards 1 and -1 by the order, eight judgements of each pair, centred in their group.
* "SPCT, meta": a meta reward model, linear in the list, the prompt's vector, and their products, learns which of SPCT's judgements of the 300 pairs are right; the half of k
  judgements that it likes best is added (``feedback.formats.selected_vote``).
* "start": before any training. "scalar": a Bradley-Terry head on vectors, prompts and their products. Ridges and learning rates are chosen alike.

Measured: "accuracy" of pairs of unequal worth on 30 held-out prompts, by k.

Source: Liu et al. 2025, arXiv 2504.02495, its abstract and summaries: principles and critiques before scores, rejective fine-tuning without what is too easy, rule-based RL
with 1 and -1, summed scores of sampled judgements, a meta reward model that guides the vote. There models of 27 B. Smallest difference of interest: 0.01.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, TUNING, Items, items
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.feedback.formats.mean_vote import MeanVote
from guerdon.feedback.formats.scores import Scores
from guerdon.randomness import derive, generator

system = System(
    title="Inference-Time Scaling for Generalist Reward Modeling",
    link="https://arxiv.org/abs/2504.02495",
    kind="reward",
    builds_on=("genrm", "grpo", "rejection-sampling", "score-voting", "meta-rm"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "Sixteen judgements together order 0.06 more pairs right than one. A meta reward model that drops half of them costs 0.01 at "
        "equal judgements: a vote lost is worth more here than a wrong one left out. Reinforcement after rejective fine-tuning shows "
        "with one judgement and not with sixteen (undecided there), and a scalar head that saw the same pairs is 0.025 ahead of all, "
        "as checks are right in 80 % only."
    ),
)
RATES = (0.03, 0.1, 0.3)
PAIRS, SHOWN, EACH, STEPS, RIGHT, SYSTEMATIC, VOTES = 300, 15, 8, 60, 0.8, 0.5, (1, 4, 16)
recipe = {"SPCT": MeanVote(Scores(), votes=VOTES[-1])}
claim = AllOf(
    BetterThan("SPCT gain", 0.0, on="accuracy", at="last", effect=0.01),
    BetterThan("SPCT, meta", "SPCT", on="accuracy", at="last", effect=0.01, matched="judgements"),
    BetterThan("SPCT", "RFT", on="accuracy", at="last", effect=0.01, matched="pairs"),
    BetterThan("SPCT, meta", "scalar", on="accuracy", at="last", effect=0.01, matched="pairs"),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    z, compared = here.world.prompt_vectors(), here.compared(PAIRS, "people")
    z = torch.cat([z, torch.ones_like(z[:, :1])], -1)
    verdicts = here.world.verdicts(RIGHT, SYSTEMATIC, VOTES[-1], derive(seed, "judge")).double()
    start = torch.stack([logistic(z[:SHOWN], (here.weights[:SHOWN, k] > 0).double(), 0.1) for k in range(here.world.criteria)])
    rejective = fine_tuned(z, compared, verdicts, start, seed)
    trained = reinforced(here, z, compared, verdicts, rejective, seed, 2 if here.small else STEPS)
    arms = {}
    for name, writer in (("start", start), ("RFT", rejective), ("SPCT", trained)):
        lists = listed(z, writer, VOTES[-1], derive(seed, "asked", name))
        scores = (lists.unsqueeze(2) * verdicts).sum(-1)  # [votes, C, A]
        arms[name] = {"accuracy": {k: here.right(scores[:k].sum(0)) for k in VOTES}}
    worth = meta(here, z, compared, verdicts, trained, seed)(lists)
    chosen = {k: worth[:k].topk(max(1, k // 2), 0).indices.unsqueeze(-1).expand(-1, -1, here.world.answers) for k in VOTES}
    arms["SPCT, meta"] = {"accuracy": {k: here.right(scores.gather(0, at).sum(0)) for k, at in chosen.items()}}
    one = arms["SPCT"]["accuracy"][1]
    arms["SPCT gain"] = {"accuracy": {k: value - one for k, value in arms["SPCT"]["accuracy"].items()}}
    scalar = here.right(here.preferring(here.beside(here.world.prompt_vectors()), compared))
    return arms | {"scalar": {"accuracy": dict.fromkeys(VOTES, scalar)}}


def listed(z: Tensor, writer: Tensor, votes: int, seed: int) -> Tensor:
    """[votes, C, K], principles that are listed."""
    likely = torch.sigmoid(z @ writer.T)
    return (torch.rand(votes, *likely.shape, dtype=torch.float64, generator=generator(seed, "principles")) < likely).double()


def judged(lists: Tensor, verdicts: Tensor, compared: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """[votes, n], 1 where a judgement orders the pair as people did, a half for a tie."""
    prompt, better, worse = compared
    gap = (lists * (verdicts[: len(lists), prompt, better] - verdicts[: len(lists), prompt, worse])).sum(-1)
    return (gap.sign() + 1) / 2


def fine_tuned(z: Tensor, compared: tuple[Tensor, Tensor, Tensor], verdicts: Tensor, start: Tensor, seed: int) -> Tensor:
    asked = z[compared[0]]
    lists = listed(asked, start, EACH, derive(seed, "rejective"))
    right = (judged(lists, verdicts, compared) == 1).double()
    kept = (right * (right.mean(0) < 1)).flatten()
    x = asked.repeat(EACH, 1)
    return torch.stack([logistic(x, lists[..., k].flatten(), 1e-3, kept) for k in range(lists.shape[-1])])


def reinforced(
    here: Items, z: Tensor, compared: tuple[Tensor, Tensor, Tensor], verdicts: Tensor, start: Tensor, seed: int, steps: int
) -> Tensor:
    asked, found = z[compared[0]], []
    for rate in RATES:
        writer = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([writer], lr=rate)
        for step in range(steps):
            lists = listed(asked, writer.detach(), EACH, derive(seed, "step", step))
            reward = 2 * judged(lists, verdicts, compared) - 1
            logits = asked @ writer.T
            logp = (lists * logits - torch.nn.functional.softplus(logits)).sum(-1)
            optimiser.zero_grad()
            (-((reward - reward.mean(0)) * logp).mean()).backward()
            optimiser.step()
        writer = writer.detach()
        expected = (torch.sigmoid(z @ writer.T).unsqueeze(1) * verdicts[:EACH].mean(0)).sum(-1)
        found.append((here.right(expected, TUNING), writer))
    return max(found, key=lambda one: one[0])[1]


def meta(
    here: Items, z: Tensor, compared: tuple[Tensor, Tensor, Tensor], verdicts: Tensor, writer: Tensor, seed: int
) -> Callable[[Tensor], Tensor]:
    """What a model of judgements says of lists [votes, C, K]: [votes, C]."""

    def read(asked: Tensor, lists: Tensor) -> Tensor:
        return torch.cat([lists, (lists.unsqueeze(-1) * asked.unsqueeze(-2)).flatten(-2)], -1)

    asked = z[compared[0]]
    lists = listed(asked, writer, EACH, derive(seed, "meta"))
    x, label = read(asked, lists).flatten(0, 1), judged(lists, verdicts, compared).flatten()
    tried = listed(z, writer, EACH, derive(seed, "meta tuned"))
    scores = (tried.unsqueeze(2) * verdicts[:EACH]).sum(-1)

    def helps(w: Tensor) -> float:
        best = (read(z, tried) @ w).topk(EACH // 2, 0).indices.unsqueeze(-1).expand(-1, -1, here.world.answers)
        return here.right(scores.gather(0, best).sum(0), TUNING)

    w = at_the_best(lambda ridge: logistic(x, label, ridge), helps)
    return lambda lists: read(z, lists) @ w
