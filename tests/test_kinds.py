"""A recipe on rows of another kind is one sentence: what it reads, what the rows are, the command that converts them or a recipe that reads them."""

import pytest

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.interfaces.configuration import named_recipe
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.training import kinds
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import names_of
from guerdon.training.recipe import Budget

ROWS = {
    "pairs": {"prompt": "a", "chosen": "b", "rejected": "c"},
    "answers": {"prompt": "a", "completion": "b"},
    "verdicts": {"prompt": "a", "completion": "b", "label": True},
    "steps": {"prompt": "a", "completions": ["b"], "labels": [1]},
    "ranked": {"prompt": "a", "completions": ["b", "c"], "scores": [1, 0]},
    "prompts": {"prompt": "a"},
}


@pytest.mark.parametrize(
    ("recipe", "rows", "words"),
    [
        ("sft", "pairs", ("answers {prompt, completion}", "rows are pairs", "--to prompt_completion", "such as dpo")),
        ("kto", "pairs", ("{prompt, completion, label}", "rows are pairs", "--to unpaired", "such as dpo")),
        ("dpo", "answers", ("pairs {prompt, chosen, rejected}", "rows are answers", "give pairs", "such as sft")),
        ("dpo", "verdicts", ("rows are answers with a verdict", "--to pairs", "such as kto")),
        ("kto", "answers", ("rows are answers {", "give answers with a verdict", "such as sft")),
        ("dpo", "ranked", ("rows are ranked answers", "--to pairs", "such as pro")),
        ("dpo", "steps", ("rows are answers in steps", "give pairs")),
        ("sft", "prompts", ("prompts without answers", "guerdon train")),
    ],
)
def test_rows_of_another_kind(recipe, rows, words):
    policy = SmallLanguageModel("abc\n", layers=1, hidden=8, heads=1, context_length=16).build(0)
    learned = examples([ROWS[rows], {**ROWS[rows], "prompt": "b"}], encoder_for(policy))
    with pytest.raises(InputError) as refused:
        fit(policy, learned, named_recipe(recipe), Budget(steps=1, batch_size=2))
    said = str(refused.value)
    assert all(word in said for word in words) and len(said) < 300 and "\n" not in said


def test_the_recipes_that_are_offered_read_those_rows():
    every = [k for k in vars(kinds).values() if isinstance(k, kinds.Kind)]
    assert len(every) == 5
    for kind in every:
        if kind.recipe:
            assert kinds.read_by(names_of(t.loss for t in named_recipe(kind.recipe).terms)) is kind
