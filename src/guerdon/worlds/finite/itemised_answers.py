"""Itemised answers: answers are vectors, several criteria can be checked in them, and each prompt asks for some of these with weights of its own.

    met_k(c, a) = [v_k . x_ca > threshold],   gold(c, a) = sum_k w_k(c) met_k(c, a) / sum_k w_k(c)          between 0 and 1

x_ca [width] from N(0, 1), v_k of length 1, two of them with v_k . v_l = ``agreement``. A prompt asks for ``asked`` of the K criteria, drawn alike, with weights 1, 2 and 3 in
turn; the others weigh 0. Who is told the rubric sees w(c); who is told the prompt sees z_c = tanh(w(c) R / 2), of ``prompt_width`` numbers, R from N(0, 1): what is asked for
can be found out from it, with examples.

*Verdicts* are those of a judge who is right with probability ``right`` about each criterion of each answer. Of its verdicts a share ``systematic`` is drawn once for each
answer and comes back whenever it is asked; the others are drawn anew for each of the ``votes``.

Source: ours; rubrics of weighted items for each prompt are those of Rubrics as Rewards, Gunjal et al. 2025, arXiv 2507.17746, whose explicit aggregation is the gold.
Differs from RatedAnswers: what counts is a list of things that hold or do not, each of which can be asked for. Differs from ``worlds.text.checked_answers``: vectors, for
heads that are fitted in no time.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users.mixed_tastes import directions


@dataclass(frozen=True)
class ItemisedAnswers:
    prompts: int = 120
    answers: int = 16
    criteria: int = 6
    asked: int = 3
    width: int = 12
    prompt_width: int = 8
    threshold: float = 0.3
    agreement: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.prompts < 1 or self.answers < 2 or not 1 <= self.asked <= self.criteria <= self.width or self.prompt_width < 1:
            raise InputError(f"{self!r}: there are a prompt and two answers or more, and 1 <= asked <= criteria <= width")

    @property
    def items(self) -> int:
        return self.prompts * self.answers

    def vectors(self) -> Tensor:
        """[C, A, width], of each answer."""
        return torch.randn(self.prompts, self.answers, self.width, dtype=torch.float64, generator=generator(self.seed, "itemised answers"))

    def met(self) -> Tensor:
        """[C, A, K], whether an answer meets a criterion, whoever asks for it; booleans."""
        ways = directions(self.criteria, self.width, self.agreement, generator(self.seed, "criteria"))
        return self.vectors() @ ways.T > self.threshold

    def weights(self) -> Tensor:
        """[C, K], what each prompt asks for."""
        chosen = torch.rand(self.prompts, self.criteria, generator=generator(self.seed, "asked")).argsort(-1)[:, : self.asked]
        counts = torch.tensor([1.0 + k % 3 for k in range(self.asked)], dtype=torch.float64).expand(self.prompts, -1)
        return torch.zeros(self.prompts, self.criteria, dtype=torch.float64).scatter(-1, chosen, counts)

    def prompt_vectors(self) -> Tensor:
        """[C, prompt_width], what can be seen of a prompt."""
        road = torch.randn(self.criteria, self.prompt_width, dtype=torch.float64, generator=generator(self.seed, "prompts"))
        return torch.tanh(self.weights() @ road / 2)

    def worth(self, met: Tensor) -> Tensor:
        """What answers are worth of which the criteria hold so far: [..., C, A, K] → [..., C, A]."""
        weights = self.weights().unsqueeze(1)
        return (weights * met.double()).sum(-1) / weights.sum(-1)

    def gold(self) -> Tensor:
        """[C, A]"""
        return self.worth(self.met())

    def verdicts(self, right: float, systematic: float, votes: int, seed: int) -> Tensor:
        """[votes, C, A, K], what a judge says; booleans. The first of more votes are the same."""
        met, shape = self.met(), (self.prompts, self.answers, self.criteria)
        returns = torch.rand(shape, generator=generator(seed, "systematic")) < systematic
        always = torch.rand(shape, generator=generator(seed, "always")) < right
        anew = torch.stack([torch.rand(shape, generator=generator(seed, "vote", vote)) < right for vote in range(votes)])
        return torch.where(returns, always, anew) == met
