"""What the experiments with judges that write a chain share: the judge, what it says and how likely, how it learns, and the scalar head that it is compared with.

A judge writes a tag (if it has any), then words, one for each look in turn, as long as it likes, and a verdict:

    tag      of two: sigmoid(about . tag), as it takes the pair's kind to be
    word     softmax(seen_k . read + word), the same skill for every look: 0 unclear, 1 for the first, -1 (the last) for the second
    length   after k words it goes on with sigmoid(go[tag, k])
    verdict  the first answer with sigmoid(sum of weigh[tag, k] word_k + lean impression)

so whether a verdict follows from the chain is a matter of ``weigh``, and of ``lean``. ``Judge.first`` sums over all chains,
exactly; ``slope`` is the gradient of what was said.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

EACH = 4  # judgements of a pair


class Said(NamedTuple):
    """Judgements [N, G], of each pair as many."""

    tag: Tensor  # [N, G]
    words: Tensor  # [N, G, K]; those behind the end count for nothing
    length: Tensor  # [N, G]
    verdict: Tensor  # [N, G], 1 where the first answer is said to be better

    def right(self, label: Tensor) -> Tensor:
        """[N, G]"""
        return self.verdict == label.unsqueeze(-1)


class Judge(NamedTuple):
    """Its parameters."""

    tag: Tensor  # [kind_width]
    read: Tensor  # [width, 3]
    word: Tensor  # [3]
    go: Tensor  # [tags, K]
    weigh: Tensor  # [tags, K]
    lean: Tensor  # []

    def readings(self, pairs: Pairs) -> Tensor:
        """[N, K, 3], log-probabilities of words."""
        return F.log_softmax(pairs.seen @ self.read + self.word, -1)

    def tags(self, pairs: Pairs) -> Tensor:
        """[N, tags], log-probabilities."""
        if len(self.go) == 1:
            return pairs.about.new_zeros(len(pairs.about), 1)
        odds = pairs.about @ self.tag
        return torch.stack([F.logsigmoid(-odds), F.logsigmoid(odds)], -1)

    def lengths(self) -> Tensor:
        """[tags, K + 1], log-probabilities."""
        on = F.pad(F.logsigmoid(self.go).cumsum(-1), (1, 0))
        return on + F.pad(F.logsigmoid(-self.go), (0, 1))

    def score(self, tag: Tensor, words: Tensor, length: Tensor, impression: Tensor) -> Tensor:
        """The log-odds that a chain ends with the first answer."""
        value = torch.where(words == 2, -1.0, words.double()) * (torch.arange(words.shape[-1]) < length.unsqueeze(-1))
        return (self.weigh[tag] * value).sum(-1) + self.lean * impression

    def logp(self, pairs: Pairs, said: Said) -> Tensor:
        """[N, G], log-probabilities of judgements with their verdicts."""
        chosen = self.readings(pairs).unsqueeze(1).expand(-1, said.words.shape[1], -1, -1).gather(-1, said.words.unsqueeze(-1)).squeeze(-1)
        written = (chosen * (torch.arange(said.words.shape[-1]) < said.length.unsqueeze(-1))).sum(-1)
        odds = self.score(said.tag, said.words, said.length, pairs.impression.unsqueeze(-1))
        verdict = F.logsigmoid(torch.where(said.verdict == 1, odds, -odds))
        return self.tags(pairs).gather(1, said.tag) + written + self.lengths()[said.tag, said.length] + verdict

    @torch.no_grad()
    def judge(self, pairs: Pairs, each: int, seed: int) -> Said:
        """As many judgements of each pair, drawn."""
        n, looks = pairs.seen.shape[:2]
        dice = generator(seed, "judged")
        draw = torch.rand(n, each, 3, dtype=torch.float64, generator=dice)
        tag = (draw[..., 0] >= self.tags(pairs)[:, :1].exp()).long()
        words = torch.multinomial(self.readings(pairs).exp().flatten(0, 1), each, True, generator=dice).view(n, looks, each).transpose(1, 2)
        length = (draw[..., 1, None] > self.lengths().exp().cumsum(-1)[tag][..., :-1]).sum(-1)
        first = torch.sigmoid(self.score(tag, words, length, pairs.impression.unsqueeze(-1)))
        return Said(tag, words, length, (draw[..., 2] < first).double())

    @torch.no_grad()
    def first(self, pairs: Pairs) -> Tensor:
        """[N], how likely it says that the first answer is better: the sum over all chains."""
        words, length = _chains(pairs.seen.shape[1])
        at, inside = words.clamp(min=0), torch.arange(words.shape[1]) < length.unsqueeze(-1)
        picked = (F.one_hot(at, 3) * inside.unsqueeze(-1)).double().flatten(1)  # [S, 3 K]
        written = self.readings(pairs).flatten(1) @ picked.T
        total = torch.zeros(len(pairs.truth), dtype=torch.float64)
        for tag in range(len(self.go)):
            chain = self.score(torch.tensor(tag), at, length, torch.zeros((), dtype=torch.float64))
            odds = chain + (self.lean * pairs.impression).unsqueeze(-1)
            likely = (written + self.lengths()[tag][length] + self.tags(pairs)[:, tag : tag + 1]).exp()
            total += (likely * torch.sigmoid(odds)).sum(-1)
        return total

    def words_written(self, pairs: Pairs) -> float:
        """How many words a judgement has on average."""
        each = (self.lengths().exp() * torch.arange(self.go.shape[1] + 1)).sum(-1)
        return float((self.tags(pairs).exp() * each).sum(-1).mean())


def _chains(looks: int) -> tuple[Tensor, Tensor]:
    """All of them, with words as indices: 0, 1, 2."""
    words, length = Deliberations(reliability=((0.5,) * looks,)).chains()
    return torch.where(words < 0, 2, words), length


def start(
    world: Deliberations,
    seed: int,
    skill: float = 2.0,
    deviation: float = 0.5,
    weigh: float = 0.5,
    lean: float = 0.2,
    go: float = 1.0,
    tags: int = 1,
) -> Judge:
    """A judge that has learned to read, roughly, from something else; it writes a few words, and its verdicts follow them in part."""
    dice = generator(seed, "start")
    read = skill * world.codes().T + deviation * torch.randn(world.width, 3, dtype=torch.float64, generator=dice)
    tag = 0.5 * torch.randn(world.kind_width, dtype=torch.float64, generator=dice)
    full = torch.full((tags, world.looks), weigh, dtype=torch.float64)
    zeros = torch.zeros(3, dtype=torch.float64)
    return Judge(tag, read, zeros, torch.full_like(full, go), full.clone(), torch.tensor(lean, dtype=torch.float64))


def slope(judge: Judge, pairs: Pairs, said: Said, weight: Tensor) -> Judge:
    """The gradient of sum(weight * logp) for weights [N, G], by hand: what every way of learning here goes up."""
    read, inside = judge.readings(pairs).exp(), (torch.arange(said.words.shape[-1]) < said.length.unsqueeze(-1)).double()
    each = (F.one_hot(said.words, 3) * (inside * weight.unsqueeze(-1)).unsqueeze(-1)).sum(1)  # [N, K, 3]
    each = each - each.sum(-1, keepdim=True) * read
    odds = judge.score(said.tag, said.words, said.length, pairs.impression.unsqueeze(-1))
    missed = weight * (said.verdict - torch.sigmoid(odds))  # [N, G]
    value = torch.where(said.words == 2, -1.0, said.words.double()) * inside
    tags = F.one_hot(said.tag, len(judge.go)).double()  # [N, G, tags]
    looks = torch.arange(said.words.shape[-1])
    reached, on = said.length.unsqueeze(-1) >= looks, said.length.unsqueeze(-1) > looks
    going = weight.unsqueeze(-1) * (on.double() - reached.double() * torch.sigmoid(judge.go)[said.tag])
    taken = said.tag.double() - torch.sigmoid(pairs.about @ judge.tag).unsqueeze(-1)
    return Judge(
        tag=((weight * taken).sum(-1, keepdim=True) * pairs.about).sum(0) if len(judge.go) > 1 else torch.zeros_like(judge.tag),
        read=torch.einsum("nkd,nkv->dv", pairs.seen, each),
        word=each.sum((0, 1)),
        go=torch.einsum("ngk,ngt->tk", going, tags),
        weigh=torch.einsum("ngk,ngt->tk", missed.unsqueeze(-1) * value, tags),
        lean=(missed * pairs.impression.unsqueeze(-1)).sum(),
    )


@torch.no_grad()
def learned(judge: Judge, up: Callable[[Judge, int], Judge], learning_rate: float, steps: int) -> Judge:
    """After so many steps of Adam up a slope, which is told the judge and the step."""
    first, second = ([torch.zeros_like(value) for value in judge] for _ in range(2))
    for step in range(steps):
        moved = []
        for place, (value, gradient) in enumerate(zip(judge, up(judge, step), strict=True)):
            first[place] = 0.9 * first[place] + 0.1 * gradient
            second[place] = 0.999 * second[place] + 0.001 * gradient**2
            size = (second[place] / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
            moved.append(value + learning_rate * first[place] / (1 - 0.9 ** (step + 1)) / size)
        judge = Judge(*moved)
    return judge


def imitated(judge: Judge, pairs: Pairs, said: Said, weight: Tensor, learning_rate: float, steps: int) -> Judge:
    """Judgements imitated with weights [N, G], by the mean of their negative log-likelihood."""
    share = weight / weight.sum().clamp(min=1e-9)
    return learned(judge, lambda now, _: slope(now, pairs, said, share), learning_rate, steps)


def contrasted(judge: Judge, pairs: Pairs, said: Said, label: Tensor, beta: float, learning_rate: float, steps: int) -> Judge:
    """DPO on what was said: of each pair every judgement with the right verdict against every one with the wrong one, pairs alike."""
    right = said.right(label)
    both = (right.unsqueeze(2) & ~right.unsqueeze(1)).double()  # [N, G, G]
    share = both / both.sum((1, 2), keepdim=True).clamp(min=1) / both.any((1, 2)).sum().clamp(min=1)
    reference = judge.logp(pairs, said)

    def up(now: Judge, _: int) -> Judge:
        score = beta * (now.logp(pairs, said) - reference)
        pull = beta * share * torch.sigmoid(score.unsqueeze(1) - score.unsqueeze(2))  # of -log sigmoid(chosen - rejected)
        return slope(now, pairs, said, pull.sum(2) - pull.sum(1))

    return learned(judge, up, learning_rate, steps)


def reinforced(
    judge: Judge, pairs: Pairs, label: Tensor, learning_rate: float, steps: int, seed: int, batch: int = 32, each: int = 2 * EACH
) -> Judge:
    """GRPO on verdicts, 1 where right and -1 where wrong: so many pairs a step, so many judgements of each, centred in their group and divided by its deviation."""
    advantage = GroupCentred()
    group, mask = torch.arange(batch).repeat_interleave(each), torch.ones(batch * each, 1, dtype=torch.bool)

    def up(now: Judge, step: int) -> Judge:
        at = torch.randperm(len(label), generator=generator(seed, "batch", step))[:batch]
        asked = pairs.those(at)
        said = now.judge(asked, each, derive(seed, "step", step))
        reward = 2 * said.right(label[at]).double() - 1
        credit = advantage(reward=reward.flatten(), group=group, mask=mask).view(batch, each)
        return slope(now, asked, said, credit / credit.numel())

    return learned(judge, up, learning_rate, steps)


def right(first: Tensor, pairs: Pairs) -> float:
    """How often single verdicts are right, for probabilities [N] of saying that the first is better."""
    return float(torch.where(pairs.truth == 1, first, 1 - first).mean())


def voted(first: Tensor, pairs: Pairs) -> float:
    """The same of what most of very many verdicts say."""
    return right((first > 0.5).double(), pairs)


def headed(judge: Judge, pairs: Pairs, label: Tensor, tuning: Pairs) -> Callable[[Pairs], Tensor]:
    """A Bradley-Terry head on what this judge sees, without a chain: log-odds [N] that the first is better. It reads the vectors themselves, or how the judge would read them,
    alone or in products with what is seen of the kind; which of these, and the ridge, is chosen by pairs that nothing else sees."""

    def seen(pairs: Pairs, read: bool, products: bool) -> Tensor:
        each = judge.readings(pairs).exp() @ torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64) if read else pairs.seen.flatten(1)
        beside = (each.unsqueeze(-1) * pairs.about.unsqueeze(1)).flatten(1) if products else each[:, :0]
        one = torch.ones(len(each), 1, dtype=torch.float64)
        return torch.cat([each, beside, pairs.impression.unsqueeze(-1), one], -1)

    def likely(score: Tensor) -> float:
        return float(F.logsigmoid(torch.where(tuning.truth == 1, score, -score)).mean())

    found = []
    for kind in ((False, False), (False, True), (True, False), (True, True)):
        x, tried = seen(pairs, *kind), seen(tuning, *kind)
        w = at_the_best(lambda ridge, x=x: logistic(x, label, ridge), lambda w, tried=tried: likely(tried @ w))
        found.append((likely(tried @ w), kind, w))
    _, kind, w = max(found, key=lambda one: one[0])
    return lambda pairs: seen(pairs, *kind) @ w


def teacher(world: Deliberations) -> Judge:
    """A judge that reads well, tells the kinds apart, looks nearly always at everything, weighs words by what they are worth, and minds no impression."""
    roads, odds = world.roads(), world.odds()
    return Judge(
        tag=6.0 * (roads[1] - roads[0]),
        read=6.0 * world.codes().T,
        word=torch.zeros(3, dtype=torch.float64),
        go=torch.full_like(odds, 3.0),
        weigh=2.0 * odds,
        lean=torch.zeros((), dtype=torch.float64),
    )
