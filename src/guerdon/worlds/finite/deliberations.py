"""Deliberations: pairs of answers that a judge may look at several times, one look after another, before it says which is better.

    truth       1 where the first answer is the better one, 0 where the second is; as often one as the other
    evidence    of look k, a word: 1 supports the first, -1 supports the second, 0 unclear, with probability ``unclear``; else it is for the truth with
                probability reliability[kind][k]
    impression  1 or -1, what strikes one at once: for the truth with probability ``agreement``

Given the truth all of these are independent. Looks come in their order, and what a kind of pair shows early another shows late: of the second kind of pairs the first look
misleads, and the last ones settle it. So a longer chain of words reveals more, and how much is known: ``best`` is how often the best possible verdict is right after so many
looks, by enumeration of all that can be seen.

A judge does not see the words. It sees of look k a vector x_k = code[word] + blur * noise [width], codes of length 1 that are the same for all looks and pairs, and of the kind
another, about = road[kind] + blur * noise [kind_width]. To read a vector as a word is a skill that can be learned; to sum words up is another. ``chains`` lists the chains of
words that a judge can write: of any length up to the number of looks.

Source: ours; judges that write a chain before their verdict, GenRM, arXiv 2410.12832, and that are better for longer ones, Think-RM, arXiv 2505.16265; pairs that are settled
by what is hard to see, RM-Bench, arXiv 2410.16184.
Differs from ItemisedAnswers: what a verdict follows from is written down word by word, and may be written wrong. Defaults: ours; the best verdict after 0 to 5 looks is right
in 0.50, 0.76, 0.81, 0.82, 0.82 and 0.83 of the first kind, and in 0.50, 0.61, 0.61, 0.68, 0.81 and 0.92 of the second.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.worlds.users.mixed_tastes import directions


class Pairs(NamedTuple):
    """Pairs of answers, and what is true of them."""

    seen: Tensor  # [N, K, width], what is seen in each look
    about: Tensor  # [N, kind_width], what is seen of the kind
    impression: Tensor  # [N], 1 or -1
    truth: Tensor  # [N], 1 or 0
    evidence: Tensor  # [N, K], 1, -1 or 0: what each look says, to somebody who reads without errors
    kind: Tensor  # [N]

    def those(self, which: Tensor) -> "Pairs":
        """Some of them: indices, or booleans [N]."""
        return Pairs(*(column[which] for column in self))


@dataclass(frozen=True)
class Deliberations:
    reliability: tuple[tuple[float, ...], ...] = ((0.85, 0.75, 0.65, 0.6, 0.6), (0.35, 0.5, 0.7, 0.85, 0.95))
    unclear: float = 0.25
    agreement: float = 0.65
    blur: float = 0.5
    width: int = 6
    kind_width: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        looks = {len(row) for row in self.reliability}
        if len(looks) != 1 or looks == {0} or not all(0 < p < 1 for row in self.reliability for p in row):
            raise InputError(f"{self!r}: every kind has as many looks, one or more, with reliabilities between 0 and 1")
        if not 0 <= self.unclear < 1 or not 0 < self.agreement < 1 or self.width < 3 or self.kind_width < len(self.reliability):
            raise InputError(
                f"{self!r}: unclear lies in [0, 1), agreement in (0, 1); vectors have room for three words, and for every kind of pair"
            )

    @property
    def looks(self) -> int:
        return len(self.reliability[0])

    def codes(self) -> Tensor:
        """[3, width], what words look like: 0, 1 and -1, in this order (so that a word is its own index)."""
        return directions(3, self.width, 0.0, generator(self.seed, "codes"))

    def roads(self) -> Tensor:
        """[kinds, kind_width], what kinds of pairs look like."""
        return directions(len(self.reliability), self.kind_width, 0.0, generator(self.seed, "kinds"))

    def pairs(self, n: int, seed: int, purpose: str = "pairs", kind: int | None = None) -> Pairs:
        """n pairs, of every kind alike or of one; the first of more are the same."""
        draw = torch.rand(n, 3 + 2 * self.looks, dtype=torch.float64, generator=generator(seed, "deliberations", purpose))
        blurred = torch.randn(
            n, self.looks * self.width + self.kind_width, dtype=torch.float64, generator=generator(seed, "blurred", purpose)
        )
        kinds = len(self.reliability)
        kind_of = (draw[:, 0] * kinds).long() if kind is None else torch.full((n,), kind)
        truth = (draw[:, 1] < 0.5).double()
        sign = 2 * truth - 1
        reliable = torch.tensor(self.reliability, dtype=torch.float64)[kind_of]
        clear, for_truth = draw[:, 3 : 3 + self.looks] >= self.unclear, draw[:, 3 + self.looks :] < reliable
        evidence = torch.where(clear, torch.where(for_truth, 1.0, -1.0).double() * sign.unsqueeze(-1), 0.0).long()
        impression = torch.where(draw[:, 2] < self.agreement, sign, -sign)
        seen = self.codes()[evidence] + self.blur * blurred[:, : -self.kind_width].unflatten(-1, (self.looks, self.width))
        return Pairs(seen, self.roads()[kind_of] + self.blur * blurred[:, -self.kind_width :], impression, truth, evidence, kind_of)

    def odds(self) -> Tensor:
        """[kinds, K], the log-odds that a word of each look is worth."""
        reliable = torch.tensor(self.reliability, dtype=torch.float64)
        return torch.log(reliable) - torch.log1p(-reliable)

    def posterior(self, pairs: Pairs, looks: int, impression: bool = False) -> Tensor:
        """[N], how likely the first answer is the better one, for somebody who knows the kind, reads the first looks without errors, and maybe minds the impression."""
        odds = (self.odds()[pairs.kind] * pairs.evidence)[:, :looks].sum(-1)
        if impression:
            agreement = torch.tensor(self.agreement, dtype=torch.float64)
            odds = odds + pairs.impression * torch.logit(agreement)
        return torch.sigmoid(odds)

    def best(self, looks: int) -> Tensor:
        """[kinds], how often the best verdict is right after so many looks, without the impression: a sum over all that can be seen."""
        words = torch.tensor(list(product((0, 1, -1), repeat=looks)), dtype=torch.float64).view(3**looks, looks)
        reliable = torch.tensor(self.reliability, dtype=torch.float64)[:, None, :looks]
        clear = 1 - self.unclear
        given_first = torch.where(words == 0, self.unclear, torch.where(words > 0, clear * reliable, clear * (1 - reliable))).prod(-1)
        given_second = torch.where(words == 0, self.unclear, torch.where(words < 0, clear * reliable, clear * (1 - reliable))).prod(-1)
        return torch.maximum(given_first, given_second).sum(-1) / 2

    def chains(self) -> tuple[Tensor, Tensor]:
        """Every chain of words of 0 to K looks, the short ones first: [S, K] words, 0 behind the end, and [S] lengths."""
        rows = [(words, length) for length in range(self.looks + 1) for words in product((0, 1, -1), repeat=length)]
        padded = [list(words) + [0] * (self.looks - length) for words, length in rows]
        return torch.tensor(padded), torch.tensor([length for _, length in rows])
