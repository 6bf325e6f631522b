"""The implicit reward model: from what a policy's hidden states have become by learning from a reward for tokens, a linear probe tells the reward of tokens it was not fitted on.

World: a language of 96 words. Word y follows x with a probability in proportion to y^(-0.8) exp(a_y . b_x): frequencies as of Zipf, and what words mean, a_y of N(0, 1) in 8
dimensions. A lexicon gives each word a reward of N(0, 1), of whose variance a half is linear in its meaning (words of a kind are liked alike) and a half is the word's own. A tiny
language model (two words' embeddings, which also score the next word, and 32 hidden units) learns the language from 60,000 words. Then it learns from the lexicon: 120 updates by
policy gradient, each from 48 texts of 8 words after two of the language; a word is credited with the rewards from it on, less the mean at its place, and pays 1 for each nat by
which it is likelier than before. A seed is another language, lexicon and model.

Features of a word, each 32: its hidden state, the mean over 64 words that may come before. Arms: "base", of the model before; "tuned", after; "difference", after less before;
"other lexicon", the difference to a model that has learned from the same rewards given to other words at random. A ridge probe is fitted to 9 in 10 words and tells the others'
reward, for all words in turn (``linear_probe``; the ridge is chosen among the words that are fitted, for all arms alike).

Measured: "correlation" of what the probe says with the lexicon over all words; "error" of it, in absolute value, by thirds of words, from those that were seldom drawn in learning
from the lexicon to those often drawn. "model": the mean reward of a word drawn "before" and "after".

Source: Marks et al. 2023, arXiv 2310.08164, of which abstracts and a summary were read. There GPT-Neo and Pythia models, the VADER lexicon, sparse autoencoders between hidden
states and the probe, which are left out here, and layers with the largest differences, of which there is one here. The smallest difference of interest: 0.05.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, FallsWith, System
from guerdon.evaluation.metrics.linear_probe import LinearProbe
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import generator

system = System(
    title="Beyond Training Objectives: Interpreting Reward Model Divergence in Large Language Models",
    link="https://arxiv.org/abs/2310.08164",
    kind="study",
    builds_on=("linear-probe", "clip"),
    read="abstract",
    untuned="one training of each model; the probe chooses its ridge by itself",
    note=(
        "The difference of hidden states tells the reward of words unseen by the probe at a correlation of 0.86, the tuned model's states at 0.63, the base model's at 0.44 "
        "(what meaning tells) and a difference made by another lexicon at 0.09. It errs as much on words often drawn (0.41) as on those seldom drawn (0.39). One embedding "
        "serves to read and to say a word here: where these are two, as in Pythia, what is said need not be found where it is read."
    ),
)
WORDS, MEANINGS, HIDDEN, EMBEDDED, LENGTH, BEFORE = 96, 8, 32, 24, 8, 64
TEXT, LEARNING, UPDATES, TEXTS = {"smoke": 2000, "full": 60_000}, {"smoke": 20, "full": 300}, {"smoke": 5, "full": 120}, 48
PRICE, OWN = 1.0, 0.5  # of a nat; the share of the lexicon's variance that is the words' own
recipe = {"probe": LinearProbe(folds=10), "policy": Clip()}
claim = AllOf(
    BetterThan("difference", "base", on="correlation", effect=0.05, matched="features, words"),
    BetterThan("tuned", "base", on="correlation", effect=0.05, matched="features, words"),
    BetterThan("difference", "other lexicon", on="correlation", effect=0.05, matched="features, words, updates"),
    FallsWith("difference", on="error", by=0.05),
)
SEEDS = {"smoke": 1, "full": 10}
Model = dict[str, Tensor]


def experiment(seed: int, scale: str) -> dict:
    language, meaning = spoken(seed)
    lexicon = priced(meaning, seed)
    base = taught(language, seed, scale)
    other = lexicon[torch.randperm(WORDS, generator=generator(seed, "other lexicon"))]
    tuned, drawn = rewarded(base, language, lexicon, seed, scale)
    elsewhere, _ = rewarded(base, language, other, seed, scale)
    states = {name: of_words(model, language, seed) for name, model in (("base", base), ("tuned", tuned), ("other", elsewhere))}
    features = {
        "base": states["base"],
        "tuned": states["tuned"],
        "difference": states["tuned"] - states["base"],
        "other lexicon": states["other"] - states["base"],
    }
    order, thirds = torch.randperm(WORDS, generator=generator(seed, "folds")), drawn.argsort().chunk(3)
    arms: dict[str, dict] = {}
    for arm, of in features.items():
        said = torch.empty(WORDS, dtype=torch.float64)
        said[order] = torch.from_numpy(recipe["probe"](of[order].numpy(), lexicon[order].numpy()))
        error = {float(i): float((said - lexicon)[words].abs().mean()) for i, words in enumerate(thirds)}
        arms[arm] = {"correlation": float(np.corrcoef(said, lexicon)[0, 1]), "error": error}
    means = {name: float((sampled(model, language, lexicon, seed, 0)[2]).mean()) for name, model in (("before", base), ("after", tuned))}
    return arms | {"model": means}


def spoken(seed: int) -> tuple[Tensor, Tensor]:
    """How likely word y follows x, [x, y], and what words mean, [WORDS, MEANINGS]."""
    rng = generator(seed, "language")
    meaning, seeks = (torch.randn(WORDS, MEANINGS, dtype=torch.float64, generator=rng) for _ in range(2))
    often = -0.8 * torch.arange(1, WORDS + 1, dtype=torch.float64).log()
    return (often + 0.5 * seeks @ meaning.T).softmax(-1), meaning


def priced(meaning: Tensor, seed: int) -> Tensor:
    """[WORDS], the reward of each word: mean 0, variance 1."""
    liked, own = (torch.randn(n, dtype=torch.float64, generator=generator(seed, "lexicon", n)) for n in (MEANINGS, WORDS))
    shared = meaning @ liked
    lexicon = (1 - OWN) ** 0.5 * shared / shared.std() + OWN**0.5 * own / own.std()
    return (lexicon - lexicon.mean()) / lexicon.std()


def hidden(model: Mapping[str, Tensor], before: Tensor, word: Tensor) -> Tensor:
    """[..., HIDDEN], having read two words."""
    read = torch.cat([model["embedding"][before], model["embedding"][word]], -1)
    return torch.tanh(read @ model["into"] + model["bias"])


def following(model: Mapping[str, Tensor], before: Tensor, word: Tensor) -> Tensor:
    """[..., WORDS], log-probabilities of the next word."""
    return (hidden(model, before, word) @ model["out"] @ model["embedding"].T + model["often"]).log_softmax(-1)


def taught(language: Tensor, seed: int, scale: str) -> Model:
    """The model, having learned the language from a text."""
    rng = generator(seed, "text")
    text = torch.empty(TEXT[scale] // 100, 100, dtype=torch.long)  # lines, side by side
    text[:, 0] = torch.randint(WORDS, (len(text),), generator=rng)
    for i in range(1, text.shape[1]):
        text[:, i] = torch.multinomial(language[text[:, i - 1]], 1, generator=rng).squeeze(-1)
    three = text.unfold(1, 3, 1).reshape(-1, 3)
    sizes = {
        "embedding": (WORDS, EMBEDDED),
        "into": (2 * EMBEDDED, HIDDEN),
        "bias": (HIDDEN,),
        "out": (HIDDEN, EMBEDDED),
        "often": (WORDS,),
    }
    start = generator(seed, "model")
    model = {name: torch.randn(size, dtype=torch.float64, generator=start) / size[0] ** 0.5 for name, size in sizes.items()}
    model["embedding"] = model["embedding"] * (WORDS / EMBEDDED) ** 0.5

    def loss(now: Model, step: int) -> Tensor:
        some = three[torch.randint(len(three), (512,), generator=generator(seed, "reading", step))]
        return -following(now, some[:, 0], some[:, 1]).gather(1, some[:, 2:]).mean()

    return descended(model, loss, LEARNING[scale], 0.01)


def rewarded(base: Model, language: Tensor, lexicon: Tensor, seed: int, scale: str) -> tuple[Model, Tensor]:
    """The model, having learned from the lexicon, and how often each word was drawn meanwhile."""
    counts = torch.zeros(WORDS, dtype=torch.float64)

    def loss(now: Model, step: int) -> Tensor:
        read, said, reward = sampled(now, language, lexicon, seed, step + 1)
        counts.add_(torch.bincount(said.flatten(), minlength=WORDS).double())
        logp = following(now, read[..., 0], read[..., 1]).gather(-1, said.unsqueeze(-1)).squeeze(-1)
        with torch.no_grad():
            before = following(base, read[..., 0], read[..., 1]).gather(-1, said.unsqueeze(-1)).squeeze(-1)
            gained = (reward - PRICE * (logp - before)).flip(-1).cumsum(-1).flip(-1)
            advantage = gained - gained.mean(0)
        return recipe["policy"](logp, logp.detach(), advantage).mean()

    return descended(base, loss, UPDATES[scale], 0.003), counts


@torch.no_grad()
def sampled(model: Mapping[str, Tensor], language: Tensor, lexicon: Tensor, seed: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Texts: the two words read at each place [TEXTS, LENGTH, 2], the words said and their rewards [TEXTS, LENGTH]."""
    rng = generator(seed, "texts", step)
    before = torch.randint(WORDS, (TEXTS,), generator=rng)
    word = torch.multinomial(language[before], 1, generator=rng).squeeze(-1)
    read, said = [], []
    for _ in range(LENGTH):
        read.append(torch.stack([before, word], -1))
        before, word = word, torch.multinomial(following(model, before, word).exp(), 1, generator=rng).squeeze(-1)
        said.append(word)
    words = torch.stack(said, 1)
    return torch.stack(read, 1), words, lexicon[words]


def descended(model: Mapping[str, Tensor], loss, steps: int, rate: float) -> Model:
    """After so many steps of Adam, whose rate falls to 0 in a line."""
    now = {name: table.clone().requires_grad_(True) for name, table in model.items()}
    optimiser = torch.optim.Adam(now.values(), lr=rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimiser.zero_grad()
        loss(now, step).backward()
        optimiser.step()
    return {name: table.detach() for name, table in now.items()}


@torch.no_grad()
def of_words(model: Mapping[str, Tensor], language: Tensor, seed: int) -> Tensor:
    """[WORDS, HIDDEN], the mean hidden state at each word."""
    often = language.mean(0).expand(BEFORE, -1)
    before = torch.multinomial(often, 1, generator=generator(seed, "before"))
    return hidden(model, before.expand(-1, WORDS), torch.arange(WORDS).expand(BEFORE, -1)).mean(0)
