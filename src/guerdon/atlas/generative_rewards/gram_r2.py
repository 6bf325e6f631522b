"""GRAM-R2: few labels, many pairs without: a judge labels them, somebody who is told the label proves it, and the judge learns proofs and labels, round after round.

World: pairs of answers that can be looked at five times, some of which show late which is better, and an impression that is right about 65 %
(``worlds.finite.deliberations``). A judge (``_judging``) writes a kind, words and a verdict; at the start it reads roughly. A seed is another world and another start. 40 pairs
have labels, 160 have none.

Who proves is a judge that has learned from a teacher's chains on the 40 labelled pairs, and is told the label: of four chains that it writes the first is taken that ends in that
label (``data.curation.proved_labels``, ``sure`` 0.75).

* "proved": the judge learns proofs of the 40 labels. "self-trained": after that two rounds, in each of which it judges the 160 pairs four times; labels that are sure enough are
  proved, and the judge of the start learns all proofs anew. "unproved": as these, but of what is sure it learns its own chains that end so, and nobody proves anything.
* "discriminative": a linear head on what the judge sees (``_judging.headed``), fitted to the 40 labels. "discriminative, self-trained": fitted again to its own labels of the 160
  besides, the surer half, in two rounds. Both chosen by 40 more pairs, which judges do not need. "who proves": that judge itself, not told a label.

Measured of 400 held-out pairs, exactly: "accuracy", of what most of very many verdicts say, and "elsewhere", the same where the impression misleads (35 %).

Source: Wang et al. 2025, arXiv 2509.02492, abstract and summaries, and the authors' README. There what proves learned from rationales for labelled pairs of other people. Smallest
difference of interest: 0.02.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._judging import Judge, Said, headed, imitated, start, teacher, voted
from guerdon.data.curation.proved_labels import ProvedLabels
from guerdon.randomness import derive
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="GRAM-R^2: Self-Training Generative Foundation Reward Models for Reward Reasoning",
    link="https://arxiv.org/abs/2509.02492",
    kind="reward",
    builds_on=("generative-rm", "self-training", "sft", "pseudo-labelling"),
    read="code",
    note=(
        "Judges that learn proofs of 40 labels are 0.04 to 0.05 ahead of a head on the same labels; labels of their own for 160 more pairs "
        "add nothing here, proved or not, nor do they to the head. The judge that proves, which learned from the teacher's chains "
        "themselves, is ahead of all that learn from its proofs (0.787; 0.773 where the impression misleads, and 0.63 after self-training)."
    ),
)
LABELLED, UNLABELLED, CHOOSING, HELD_OUT, ROUNDS, STEPS, ASKED = 40, 160, 40, 400, 2, 30, 4
PROVED = ProvedLabels()
recipe = {"rows": PROVED}
claim = AllOf(
    BetterThan("self-trained", "discriminative", on="accuracy", effect=0.02, matched="labels"),
    BetterThan("self-trained", "discriminative", on="elsewhere", effect=0.02, matched="labels"),
    BetterThan("self-trained", "discriminative, self-trained", on="accuracy", effect=0.02, matched="labels, pairs"),
    BetterThan("self-trained", "proved", on="accuracy", effect=0.02, matched="labels"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
_RATES = {"learning_rate": (0.02, 0.05, 0.1, 0.2)}
GRID = {"proved": _RATES, "unproved": _RATES, "self-trained": _RATES}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world, steps = Deliberations(seed=derive(seed, "world")), STEPS if scale == "full" else 2
    begun, pairs = start(world, seed, tags=2), world.pairs(LABELLED + UNLABELLED, derive(seed, "pairs"))
    labelled = torch.arange(len(pairs.truth)) < LABELLED
    few = pairs.those(labelled)
    written = who_proves(begun, few, world, seed, steps).judge(pairs, ASKED, derive(seed, "proofs"))
    judge = imitated(begun, few, only(written, labelled), ended(only(written, labelled), few.truth), learning_rate, steps)
    for turn in range(0 if arm == "proved" else ROUNDS):
        said = judge.judge(pairs, ASKED, derive(seed, "round", turn))
        label, sure = sure_of(said, pairs.truth, labelled)
        learned_from = said if arm == "unproved" else written
        weight = ended(learned_from, label) * sure.unsqueeze(-1)
        judge = imitated(begun, pairs, learned_from, weight, learning_rate, steps)
    return measured(judge.first, world, seed)


def who_proves(begun: Judge, few: Pairs, world: Deliberations, seed: int, steps: int) -> Judge:
    shown = teacher(world).judge(few, 4, derive(seed, "teacher"))
    return imitated(begun, few, shown, torch.ones_like(shown.verdict), 0.1, steps)


def only(said: Said, which: Tensor) -> Said:
    return Said(*(column[which] for column in said))


def sure_of(said: Said, truth: Tensor, labelled: Tensor) -> tuple[Tensor, Tensor]:
    """[N] and [N], the label of each pair, and 1 where it is sure: as ``proved_labels`` has it."""
    rows = [
        {"verdicts": verdicts, "label": true if known else None}
        for verdicts, true, known in zip(said.verdict.tolist(), truth.tolist(), labelled.tolist(), strict=True)
    ]
    found = [PROVED.label(row) for row in rows]
    return torch.tensor([float(label or 0) for label in found], dtype=torch.float64), torch.tensor(
        [float(label is not None) for label in found]
    )


def ended(said: Said, label: Tensor) -> Tensor:
    """[N, G], 1 for the first judgement of each pair that ends in its label, if any does."""
    agrees = said.right(label)
    return (agrees & (agrees.long().cumsum(-1) == 1)).double()


def measured(first: Callable[[Pairs], Tensor], world: Deliberations, seed: int) -> dict[str, float]:
    here, there = (each.pairs(HELD_OUT, derive(seed, "held out")) for each in (world, replace(world, agreement=0.35)))
    return {"accuracy": voted(first(here), here), "elsewhere": voted(first(there), there)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    begun, pairs = start(world, seed, tags=2), world.pairs(LABELLED + UNLABELLED, derive(seed, "pairs"))
    few, tuning = pairs.those(torch.arange(LABELLED)), world.pairs(CHOOSING, derive(seed, "choosing"))
    head = headed(begun, few, few.truth, tuning)
    arms["start"] = measured(begun.first, world, seed)
    arms["who proves"] = measured(who_proves(begun, few, world, seed, STEPS if scale == "full" else 2).first, world, seed)
    arms["discriminative"] = measured(lambda asked: torch.sigmoid(head(asked)), world, seed)
    again = trained_again(begun, pairs, head, tuning)
    return arms | {"discriminative, self-trained": measured(lambda asked: torch.sigmoid(again(asked)), world, seed)}


def trained_again(judge: Judge, pairs: Pairs, head: Callable[[Pairs], Tensor], tuning: Pairs) -> Callable[[Pairs], Tensor]:
    for _ in range(ROUNDS):
        odds = head(pairs)
        sure = odds.abs() >= odds[LABELLED:].abs().median()
        sure[:LABELLED] = True
        label = torch.where(torch.arange(len(odds)) < LABELLED, pairs.truth, (odds > 0).double())
        head = headed(judge, pairs.those(sure), label[sure], tuning)
    return head
