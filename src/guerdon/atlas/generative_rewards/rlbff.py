"""RLBFF: what people wrote becomes a principle with yes or no, kept where they agree, and a reward model is asked one principle at a time.

World: answers of which six criteria hold or not, three of them asked for by each prompt with weights 1 to 3 (``worlds.finite.itemised_answers``); 120 prompts with 16 answers.
A seed is another world. Three people look at each of 600 answers to 70 prompts; each names one principle of those that the prompt asks for, and says whether it holds, which
is so in 80 % of the cases.

* "agreed": the verdicts on principles of which two or more spoke, who agree (``data.curation.agreed_labels``); "every verdict": all 1,800 of them. Heads, one for each
  criterion, learn from either; the reward is the log-odds of yes.
* "Bradley-Terry": the same 600 answers as 300 pairs, of which three people each say which they prefer, on what they see of all that is asked for, as often wrong in each
  verdict; in vectors, the list, and their products. (As many looks at as many answers.)

A held-out comparison is judged by the principle that weighs most for its prompt, or by the weighted mean of all that it asks for: "by one" and "by all", the share of pairs on
30 held-out prompts that is ordered right by worth. "Switched" is the same, by all, for another list of the same prompts than the one in its rows: for people who want
something else. The Bradley-Terry head is told that list as well.

Source: Wang et al. 2025, arXiv 2509.21319, its abstract and summaries of its method: principles from the free text of several annotators, consensus, log p(yes) - log p(no).
GRPO with the chosen principle is not here. Smallest difference of interest: 0.01.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, TUNING, Items, items
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.data.curation.agreed_labels import AgreedLabels
from guerdon.randomness import derive, generator

system = System(
    title="RLBFF: Binary Flexible Feedback to bridge between Human Feedback & Verifiable Rewards",
    link="https://arxiv.org/abs/2509.21319",
    kind="reward",
    builds_on=("entailment-rm", "bradley-terry-rm", "grpo"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "Asked about all that a prompt asks for, heads with yes and no are ahead of Bradley-Terry on as many looks by 0.07, for the "
        "list of the rows and for another. One principle alone orders less well than Bradley-Terry (0.03), and dropping what is not "
        "agreed costs 0.01: errors here are drawn anew for everybody, so that more verdicts beat surer ones."
    ),
)
ANSWERS, PEOPLE, RIGHT = 600, 3, 0.8
recipe = {"agreed": AgreedLabels()}
claim = AllOf(
    BetterThan("agreed", "Bradley-Terry", on="by all", effect=0.01, matched="answers, looks"),
    BetterThan("agreed", "Bradley-Terry", on="switched", effect=0.01, matched="answers, looks"),
    BetterThan("agreed", "Bradley-Terry", on="by one", effect=0.01, matched="answers, looks"),
    BetterThan("agreed", "every verdict", on="by all", effect=0.01, matched="answers, looks"),
)
SEEDS = {"smoke": 1, "full": 24}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    said = here.world.verdicts(RIGHT, 0.0, PEOPLE, derive(seed, "people"))  # [people, C, A, K]
    prompt, answer = here.drawn(ANSWERS, "looked at")
    asked = torch.rand(PEOPLE, ANSWERS, here.world.criteria, generator=generator(seed, "named"))
    named = torch.where(here.weights[prompt] > 0, asked, -1.0).argmax(-1)  # [people, n]
    verdict = said[:, prompt, answer].gather(-1, named.unsqueeze(-1)).squeeze(-1)
    rows = [
        {"place": i, "criterion": k, "said": [int(verdict[who, i]) if named[who, i] == k else None for who in range(PEOPLE)]}
        for i in range(ANSWERS)
        for k in set(named[:, i].tolist())
    ]
    every = [{"place": i, "criterion": int(named[who, i]), "label": int(verdict[who, i])} for i in range(ANSWERS) for who in range(PEOPLE)]
    other = replaced(here, seed)
    arms = {}
    for name, labels in (("agreed", AgreedLabels()(rows)), ("every verdict", every)):
        odds = checked(here, prompt, answer, labels)
        arms[name] = measured(here, odds, other)
    arms["Bradley-Terry"] = preferred(here, said, prompt, answer, other)
    return arms


def replaced(here: Items, seed: int) -> Tensor:
    """[C, K], another list for every prompt."""
    return here.weights[torch.randperm(len(here.weights), generator=generator(seed, "switched"))]


def worth(here: Items, weights: Tensor, met: Tensor) -> Tensor:
    return (weights.unsqueeze(1) * met).sum(-1) / weights.sum(-1, keepdim=True)


def checked(here: Items, prompt: Tensor, answer: Tensor, labels: list[dict]) -> Tensor:
    """[C, A, K], log-odds that each criterion holds."""
    found = []
    for k in range(here.world.criteria):
        place = torch.tensor([row["place"] for row in labels if row["criterion"] == k])
        label = torch.tensor([float(row["label"]) for row in labels if row["criterion"] == k], dtype=torch.float64)
        x = here.one[prompt[place], answer[place]]

        def right(w: Tensor, k: int = k) -> float:
            odds, met = here.one[TUNING] @ w, here.met[TUNING][..., k]
            return float(torch.sigmoid(torch.where(met, odds, -odds)).clamp(min=1e-6).log().mean())

        found.append(here.one @ at_the_best(lambda ridge, x=x, label=label: logistic(x, label, ridge), right))
    return torch.stack(found, -1)


def measured(here: Items, odds: Tensor, other: Tensor) -> dict[str, float]:
    heaviest = torch.nn.functional.one_hot(here.weights.argmax(-1), here.world.criteria).double()
    met = here.met.double()
    return {
        "by one": here.right(worth(here, heaviest, odds)),
        "by all": here.right(worth(here, here.weights, torch.sigmoid(odds))),
        "switched": here.right(worth(here, other, torch.sigmoid(odds)), gold=worth(here, other, met)),
    }


def preferred(here: Items, said: Tensor, prompt: Tensor, answer: Tensor, other: Tensor) -> dict[str, float]:
    first, half = prompt[: ANSWERS // 2], ANSWERS // 2
    one, two = answer[:half], (answer[half:] + (answer[half:] == answer[:half]).long()) % here.world.answers
    seen = here.listed(said)  # [people, C, A]
    gap = seen[:, first, one] - seen[:, first, two]
    likely = torch.where(gap > 0, 1.0, torch.where(gap < 0, 0.0, 0.5)).double().mean(0)
    features = here.beside(here.weights)
    x = features[first, one] - features[first, two]
    w = at_the_best(lambda ridge: logistic(x, likely, ridge), lambda w: here.right(features @ w, TUNING))
    alone = features @ w
    switched = here.beside(other) @ w
    right = here.right(alone)
    return {"by one": right, "by all": right, "switched": here.right(switched, gold=worth(here, other, here.met.double()))}
