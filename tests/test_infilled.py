"""Infilled answers: drawn at all blanks from one pass, measured behind what was read then, and judged with what was drawn in them."""

from dataclasses import dataclass

import pytest
import torch

from guerdon.acting.samplers.infilled import Infilled
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite._scripted import Scripted
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding, Sequences, Side
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.text.sort_letters import SortLetters


def answer(*actions: int):
    return lambda columns: [{name: Side((0,), actions, (True,) * len(actions)) for name in columns}]


def table(seed: int = 0) -> TablePolicy:
    logits = torch.randn(1, 13, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return TablePolicy(PrefixTree(3, 3), logits)


def test_steps_are_drawn_from_the_distribution_behind_what_is_read():
    policy, sampler = table(), Infilled(2, num_generations=20_000, share=1.0)
    found = sampler(policy, [torch.tensor([0])], Decoding(3), 0, answer(0, 1, 0))
    nodes = policy.tree.nodes(torch.tensor([[2, 2, 2]]))[0]
    for step in range(3):
        share = torch.bincount(found.actions[:, step], minlength=3) / len(found)
        torch.testing.assert_close(share, policy.logits[0, nodes[step]].softmax(-1).detach().float(), rtol=0, atol=0.02)
    together = ((found.actions[:, 0] == 0) & (found.actions[:, 1] == 0)).double().mean()
    alone = (found.actions[:, 0] == 0).double().mean() * (found.actions[:, 1] == 0).double().mean()
    assert abs(float(together - alone)) < 0.02  # what is drawn does not read what was drawn before it
    torch.testing.assert_close(policy.measure(found, {"logp"})["logp"], found.quantities["old_logp"], rtol=1e-6, atol=1e-6)


def test_only_blanks_are_drawn_and_all_of_a_prompt_have_the_same():
    seen = set()
    for seed in range(20):
        found = Infilled(2, num_generations=6, share=0.5)(table(), [torch.tensor([0])], Decoding(3), seed, answer(0, 1, 0))
        assert (found.mask == found.mask[:1]).all()
        kept_as_given(found)
        seen.add(tuple(found.mask[0].tolist()))
    assert len(seen) >= 5


def kept_as_given(found: Sequences) -> None:
    assert (found.actions[~found.mask] == torch.tensor([[0, 1, 0]]).expand(6, 3)[~found.mask]).all()
    assert (found.quantities["fed"] == torch.where(found.mask, 2, torch.tensor([[0, 1, 0]]))).all()


@pytest.mark.parametrize("packed", [True, False])
def test_a_language_model_is_measured_behind_what_it_read(packed):
    policy = SmallLanguageModel("abc_", layers=1, hidden=16, heads=2, context_length=16).build(0)
    if not packed:
        policy.unpacked_because = "the test says so"
    a, b, c, blank = (policy.tokenizer.encode(x, add_special_tokens=False)[0] for x in "abc_")
    actions, fed = torch.tensor([[b, c, a]]), torch.tensor([[blank, c, blank]])
    mask = torch.tensor([[True, False, True]])
    sequences = Sequences([torch.tensor([a])], torch.tensor([0]), actions, mask, torch.tensor([3]), {"fed": fed})
    logits = policy.module(input_ids=torch.cat([torch.tensor([[a]]), fed], 1)).logits[0, :3].log_softmax(-1)
    wanted = logits.gather(-1, actions[0].unsqueeze(-1)).squeeze(-1) * mask[0]
    torch.testing.assert_close(policy.measure(sequences, {"logp"})["logp"][0], wanted, rtol=1e-4, atol=1e-5)
    plain = Sequences([torch.tensor([a])], torch.tensor([0]), actions, mask, torch.tensor([3]))
    assert not torch.allclose(policy.measure(plain, {"logp"})["logp"][0, 2], wanted[2], atol=1e-5)


def test_a_language_model_learns_what_to_put_into_blanks():
    task = Shown(SortLetters(length=3, alphabet="abc", test_size=4))
    model = SmallLanguageModel("abc>_", layers=1, hidden=32, heads=2, context_length=16).build(0)
    sampler = Infilled("_", num_generations=8, share=0.5)
    method = Recipe((Term(Reinforce()),), AdamW(0.01), sampler, advantage=GroupCentred())
    job = ImproveJob(method, task, rewards={"answer": alike}, decoding=Decoding(4), budget=Budget(30, batch_size=16))
    history = job(model, {}, 0, None, Silent()).history
    rewards = [row["reward"] for row in history if "reward" in row]
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.05


@dataclass(frozen=True)
class Shown:
    """Problems with their answers, to be judged by and to be blanked."""

    of: SortLetters

    def train(self):
        return [{**row, "answer": row["completion"]} for row in self.of.demonstrations(16)]

    def test(self):
        return list(self.of.test())


def alike(prompts, completions, answer, **columns):
    """The share of the characters that are those of the answer."""
    return [sum(a == b for a, b in zip(said, told, strict=False)) / len(told) for said, told in zip(completions, answer, strict=True)]


def test_what_cannot_be_blanked_is_refused():
    policy = SmallLanguageModel("abc", layers=1, hidden=16, heads=2, context_length=16).build(0)
    ask = [torch.tensor([0])], Decoding(3), 0, answer(0, 1, 0)
    with pytest.raises(InputError, match="single token"):
        Infilled("ab")(policy, *ask)
    with pytest.raises(InputError, match="share"):
        Infilled(2, share=1.5)(table(), *ask)
    with pytest.raises(InputError, match="language model"):
        Infilled(2)(Scripted((((1,),),)), *ask)
