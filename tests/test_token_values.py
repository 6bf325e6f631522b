"""What a run keeps of each token: which tokens, which numbers, and that a run that went on has each once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from guerdon.acting.forks.borders import Borders
from guerdon.acting.samplers.forking import Forking
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.segments.every_n import EveryN
from guerdon.interfaces.configuration._refuse import _of_budget
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.sequences import Decoding, Sequences
from guerdon.training.completions import in_pieces
from guerdon.training.jobs import ImproveJob
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.run import read_lines
from guerdon.training.token_values import chosen, packed, unpacked
from test_loops import PPO, SMALL, TASK, StopAfter, quiet

GRPO = Recipe((Term(Clip()),), AdamW(1e-2), advantage=GroupCentred())
BUDGET = Budget(steps=4, batch_size=4, save_every=2, evaluation_rows=4)


def learned(folder, recipe=GRPO, budget=BUDGET):
    ImproveJob(recipe, TASK, decoding=Decoding(6), budget=budget)(SMALL.build(0), {}, 0, folder, quiet())
    tokens = list(read_lines(folder / "tokens.jsonl"))
    said = [row for row in read_lines(folder / "completions.jsonl") if row.get("split") != "test"]
    return tokens, {(row["step"], row["place"]): row for row in said}


def test_numbers_come_back_as_they_were_or_to_three_digits():
    assert unpacked(packed(np.array([True, False]))).tolist() == [1, 0]
    assert unpacked(packed(np.array([-1, 70_000]))).tolist() == [-1, 70_000]
    wide = np.array([0.0, -3.1416, 1e-3, np.nan, np.inf], dtype="f4")
    np.testing.assert_allclose(unpacked(packed(wide)), wide, rtol=1e-3)
    large = np.array([1e6, 0.5], dtype="f4")
    assert unpacked(packed(large)).tolist() == [1e6, 0.5]
    assert len(packed(np.full(4000, 0.25))) < 100  # an advantage that is the same for all tokens costs nothing
    for wrong in ("<f8:", "text", "<f4:AAAA"):
        with pytest.raises(ValueError):
            unpacked(wrong)


def test_every_completion_that_was_learned_from_has_its_tokens_with_what_was_known_of_them(tmp_path: Path):
    tokens, said = learned(tmp_path)
    assert [line["step"] for line in tokens] == [1, 2, 3, 4]
    for line in tokens:
        own = [said[line["step"], place] for place in line["place"]]
        assert [len(row["tokens"]) for row in own] == line["length"]
        flat = [token for row in own for token in row["tokens"]]
        assert {str(token) for token in flat} == set(line["vocabulary"])
        texts = [line["vocabulary"][str(t)] for t in own[0]["tokens"]]
        assert "".join(text for text in texts if not text.startswith("<")) == own[0]["completion"]
        np.testing.assert_allclose(unpacked(line["values"]["old_logp"]), [x for row in own for x in row["logp"]], rtol=1e-3, atol=1e-4)
        last = np.cumsum(line["length"]) - 1
        np.testing.assert_allclose(unpacked(line["values"]["step_reward"])[last], [row["reward"] for row in own], rtol=1e-3)
        rewards = {}
        for row in own:
            rewards.setdefault(row["prompt"], []).append(row["reward"])
        signs = np.sign([row["reward"] - np.mean(rewards[row["prompt"]]) for row in own])
        assert (np.sign(unpacked(line["values"]["advantage"])[last]) == signs).all() and "mask" not in line["values"]
    assert sorted(place for step, place in said if step == 1) == list(range(len([1 for step, _ in said if step == 1])))


def test_what_a_critic_and_a_reference_said_is_there_because_the_recipe_asked_for_it(tmp_path: Path):
    plain = Recipe(
        (Term(Clip()), Term(KLDirect(), weight=0.1)),
        AdamW(1e-2),
        advantage=GAE(),
        target=PPO.target,
        learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(1e-2))},
    )
    tokens, _ = learned(tmp_path, plain)
    assert {"advantage", "old_logp", "old_value", "ref_logp", "step_reward", "target"} <= set(tokens[0]["values"])
    assert not {"action", "entropy", "logp"} & set(tokens[0]["values"])


def test_a_run_that_was_stopped_has_the_lines_of_one_that_was_not(tmp_path: Path):
    learned(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ImproveJob(GRPO, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, tmp_path / "cut", StopAfter(3))
    assert len(list(read_lines(tmp_path / "cut/tokens.jsonl"))) == 3  # the third step is made again
    learned(tmp_path / "cut")
    assert (tmp_path / "cut/tokens.jsonl").read_bytes() == (tmp_path / "whole/tokens.jsonl").read_bytes()


def test_how_often_is_said_by_the_budget(tmp_path: Path):
    never, _ = learned(tmp_path / "never", budget=dataclasses.replace(BUDGET, log_tokens_every=0))
    seldom, _ = learned(tmp_path / "seldom", budget=dataclasses.replace(BUDGET, log_tokens_every=2))
    assert not never and not (tmp_path / "never/tokens.jsonl").exists() and [line["step"] for line in seldom] == [2, 4]
    assert any("log_tokens_every" in said for said in _of_budget(dataclasses.replace(BUDGET, log_tokens_every=-1)))


def test_branches_are_recorded_with_the_pieces_of_their_tree(tmp_path: Path):
    forking = dataclasses.replace(GRPO, sampler=Forking(2, 0, 1, at=Borders(EveryN(2))))
    tokens, said = learned(tmp_path, forking, dataclasses.replace(BUDGET, steps=1))
    rows = [said[key] for key in sorted(said)]
    assert any(row["forked"] >= 0 for row in rows) and any(row["forked"] == -1 for row in rows)
    assert all(sum(count for _, count in row["node"]) == len(row["tokens"]) for row in rows)
    by_prompt = {}
    for row in rows:
        by_prompt.setdefault(row["prompt"], []).append(row["share"])
    assert all(sum(shares) == pytest.approx(round(sum(shares))) for shares in by_prompt.values())
    assert unpacked(tokens[0]["values"]["node"]).tolist() == [n for row in rows for n, count in row["node"] for _ in range(count)]


def test_a_step_keeps_whole_groups_up_to_a_bound_and_none_that_is_replayed():
    length = torch.tensor([3, 3, 3, 3, 3])
    rollouts = Sequences(
        [torch.zeros(1)] * 2,
        torch.tensor([0, 0, 1, 1, 1]),
        torch.zeros(5, 3, dtype=torch.long),
        torch.ones(5, 3, dtype=torch.bool),
        length,
        {"group": torch.tensor([0, 0, 1, 1, 1])},
    )
    assert chosen(rollouts, 15).tolist() == [0, 1, 2, 3, 4]
    assert chosen(rollouts, 14).tolist() == [0, 1]  # the second group would be cut
    assert chosen(rollouts, 4).tolist() == [0] and chosen(rollouts, 1).tolist() == [0]
    again = rollouts.with_quantities(replayed=torch.tensor([0, 1, 0, 0, 1]))
    assert chosen(again, 15).tolist() == [0, 2, 3]
    assert not len(chosen(rollouts.with_quantities(replayed=torch.ones(5)), 15))


def test_pieces_are_runs_of_equal_values():
    assert in_pieces(torch.tensor([2, 2, 0])) == [[2, 2], [0, 1]] and in_pieces(torch.tensor([True, False])) == [[True, 1], [False, 1]]
    assert in_pieces(torch.tensor([], dtype=torch.long)) == []
