"""Labels of other tools and datasets: rows in the very shapes in which those publish them, as rows of the common columns."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.data.conversions._shapes import SHAPES, shape_of
from guerdon.data.conversions.labelled_choices import LabelledChoices
from guerdon.data.conversions.labelled_pairs import LabelledPairs
from guerdon.data.conversions.labelled_rankings import LabelledRankings
from guerdon.data.conversions.stated_preferences import StatedPreferences
from guerdon.data.conversions.step_ratings import StepRatings
from guerdon.data.converting import Converting, targets, way
from guerdon.data.formats._detect import detect
from guerdon.data.formats._toy import toy
from guerdon.errors import InputError
from guerdon.interfaces.cli import main


def said(role: str, content):
    return {"role": role, "content": content}


def annotation(who, *results, cancelled=False):
    return {
        "id": 1,
        "completed_by": who,
        "was_cancelled": cancelled,
        "ground_truth": False,
        "lead_time": 3.2,
        "result": [
            {"id": f"r{i}", "from_name": n, "to_name": to, "type": kind, "value": value, "origin": "manual"}
            for i, (n, to, kind, value) in enumerate(results)
        ],
    }


def task(data, *annotations):
    return {
        "id": 11,
        "annotations": list(annotations),
        "predictions": [],
        "data": data,
        "meta": {},
        "project": 1,
        "total_annotations": len(annotations),
    }


ARENA = {
    "question_id": "q1",
    "model_a": "vicuna-13b",
    "model_b": "koala-13b",
    "winner": "model_b",
    "judge": "arena_user_0",
    "conversation_a": [said("user", "Hi"), said("assistant", "A")],
    "conversation_b": [said("user", "Hi"), said("assistant", "B")],
    "turn": 1,
    "anony": True,
    "language": "English",
    "tstamp": 1.5,
    "openai_moderation": {"flagged": False},
    "toxic_chat_tag": {},
}
PARTS = [{"type": "text", "text": "B", "image": None, "mimeType": None}]
ARENA_140K = {
    "id": "c4b9",
    "model_a": "m",
    "model_b": "n",
    "winner": "model_a",
    "evaluation_session_id": "e",
    "evaluation_order": 1,
    "conversation_a": [said("user", [{**PARTS[0], "text": "Hi"}]), said("assistant", PARTS)],
    "conversation_b": [said("user", [{**PARTS[0], "text": "Hi"}]), said("assistant", [{**PARTS[0], "text": "C"}])],
    "full_conversation": [],
    "conv_metadata": {"turns": 1},
    "category_tag": {},
    "language": "en",
    "is_code": False,
    "timestamp": "2025",
}
ARENA_55K = {
    "id": 30192,
    "model_a": "m",
    "model_b": "n",
    "prompt": '["Hi","And?"]',
    "response_a": '["A","AA"]',
    "response_b": '["B","BB"]',
    "winner_model_a": 0,
    "winner_model_b": 1,
    "winner_tie": 0,
}
HELPSTEER3 = {
    "domain": "general",
    "language": "english",
    "context": [said("user", "Hi")],
    "response1": "A",
    "response2": "B",
    "overall_preference": -2,
    "individual_preference": [{"score": -3, "reasoning": "r", "feedback1": "f", "feedback2": "g"}, {"score": 1, "reasoning": "r"}],
}
HELPSTEER2_PREFERENCE = {
    "split": "train",
    "prompt": "Hi",
    "response_1": "A",
    "response_2": "B",
    "preference_strength": 1,
    "preference_statement": "s",
    "preference_elaboration": "e",
    "three_most_similar_preferences": [],
    "all_preferences_unprocessed": [{"strength": 1, "statement": "s"}],
}
HELPSTEER = {"prompt": "Hi", "response": "A", "helpfulness": 3, "correctness": 3, "coherence": 4, "complexity": 2, "verbosity": 2}
ULTRAFEEDBACK = {
    "source": "evol_instruct",
    "instruction": "Hi",
    "models": ["m", "n"],
    "correct_answers": ["None"],
    "incorrect_answers": ["None"],
    "completions": [
        {
            "model": "m",
            "principle": "helpfulness",
            "custom_system_prompt": "s",
            "response": text,
            "annotations": {
                "instruction_following": {"Rating": str(n), "Rationale": "r"},
                "truthfulness": {"Type": ["1"], "Rationale": "r", "Rating": "5", "Rationale For Rating": "r"},
            },
            "fine-grained_score": n,
            "critique": "c",
            "overall_score": 7,
        }
        for text, n in (("A", 2), ("B", 4))
    ],
}
BINARIZED = {
    "prompt": "Hi",
    "prompt_id": "abc",
    "chosen": [said("user", "Hi"), said("assistant", "A")],
    "rejected": [said("user", "Hi"), said("assistant", "B")],
    "messages": [said("user", "Hi"), said("assistant", "A")],
    "score_chosen": 8.5,
    "score_rejected": 6.0,
}
REWARDBENCH = {
    "prompt": "Hi",
    "chosen": "A",
    "chosen_model": "m",
    "rejected": "B",
    "rejected_model": "n",
    "subset": "llmbar-natural",
    "id": 1,
}
REWARDBENCH2 = {
    "id": "0",
    "prompt": "Hi",
    "chosen": ["A"],
    "rejected": ["B", "C", "D"],
    "num_correct": 1,
    "num_incorrect": 3,
    "total_completions": 4,
    "models": ["m"] * 4,
    "subset": "Factuality",
    "additional_metadata": {"category": None},
}
PROCESSBENCH = {
    "id": "gsm8k-1",
    "generator": "Qwen2-7B-Instruct",
    "problem": "Hi",
    "steps": ["a", "b", "c"],
    "final_answer_correct": False,
    "label": 1,
}
PRM800K = {
    "labeler": "e9",
    "timestamp": "2022-07-30",
    "generation": 2,
    "is_quality_control_question": False,
    "is_initial_screening_question": False,
    "question": {"problem": "Hi", "ground_truth_answer": "4", "ground_truth_solution": None, "pre_generated_answer": "5"},
    "label": {
        "steps": [
            {
                "completions": [{"text": "a", "rating": 1, "flagged": None}, {"text": "x", "rating": -1, "flagged": False}],
                "human_completion": None,
                "chosen_completion": 0,
            },
            {"completions": [{"text": "b", "rating": -1, "flagged": None}], "human_completion": None, "chosen_completion": None},
        ],
        "total_time": 5,
        "finish_reason": "found_error",
    },
}
SHEPHERD = {
    "input": "How many? Step 1: One. ки\nStep 2: The answer is: 1 ки",
    "label": "How many? Step 1: One. +\nStep 2: The answer is: 1 -",
    "task": "GSM8K",
}
HH = {side: f"\n\nHuman: Hi\n\nAssistant: {text}" for side, text in (("chosen", "A"), ("rejected", "B"))}
TALK_A, TALK_B = [said("assistant", "A")], [said("assistant", "B")]
HI = [said("user", "Hi")]


@pytest.mark.parametrize(
    ("row", "shape", "to", "wanted"),
    [
        (
            ARENA,
            "battles",
            "pairs",
            {
                "prompt": HI,
                "chosen": TALK_B,
                "rejected": TALK_A,
                "chosen_model": "koala-13b",
                "rejected_model": "vicuna-13b",
                "annotator": "arena_user_0",
                "language": "English",
            },
        ),
        (ARENA_140K, "battles", "pairs", {"prompt": HI, "chosen": TALK_B, "rejected": [said("assistant", "C")], "chosen_model": "m"}),
        (
            ARENA_55K,
            "battles",
            "pairs",
            {
                "prompt": HI,
                "chosen": [*TALK_B, said("user", "And?"), said("assistant", "BB")],
                "rejected": [*TALK_A, said("user", "And?"), said("assistant", "AA")],
                "chosen_model": "n",
            },
        ),
        (HELPSTEER3, "stated_preferences", "pairs", {"prompt": HI, "chosen": TALK_A, "rejected": TALK_B, "margin": 2, "domain": "general"}),
        (HELPSTEER2_PREFERENCE, "stated_preferences", "pairs", {"prompt": "Hi", "chosen": "B", "rejected": "A", "margin": 1}),
        (HELPSTEER, "attribute_ratings", "prompt_completion", {"prompt": "Hi", "completion": "A", "helpfulness": 3.0, "verbosity": 2.0}),
        (
            ULTRAFEEDBACK,
            "ratings",
            "ranking",
            {"completions": ["A", "B"], "scores": [3.5, 4.5], "instruction_following": [2.0, 4.0], "truthfulness": [5.0, 5.0]},
        ),
        (BINARIZED, "pairs", "unpaired", {"prompt": HI, "completion": TALK_A, "label": True, "score": 8.5}),
        (REWARDBENCH, "pairs", "pairs", {"prompt": "Hi", "chosen": "A", "subset": "llmbar-natural"}),
        (REWARDBENCH2, "right_and_wrong", "ranking", {"completions": list("ABCD"), "scores": [1.0, 0.0, 0.0, 0.0], "subset": "Factuality"}),
        (PROCESSBENCH, "first_errors", "stepwise", {"prompt": "Hi", "completions": ["a", "b"], "labels": [True, False], "id": "gsm8k-1"}),
        (
            PRM800K,
            "step_ratings",
            "stepwise",
            {"completions": ["a", "b"], "labels": [True, False], "annotator": "e9", "finish_reason": "found_error", "answer": "4"},
        ),
        (SHEPHERD, "tagged_steps", "stepwise", {"prompt": "How many?", "labels": [True, False], "task": "GSM8K"}),
        (HH, "transcripts", "pairs", {"prompt": HI, "chosen": TALK_A, "rejected": TALK_B}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_forms_of_well_known_datasets(row, shape, to, wanted):
    assert shape_of(row) == shape
    made = Converting(to)([row]).rows[0]
    assert {name: made.get(name) for name in wanted} == wanted
    assert shape_of(made) == to and detect(made)(made, toy()).sides  # and losses can read it


def test_every_way_to_every_target_ends_in_rows_that_losses_read():
    for row in (ARENA, HELPSTEER3, ULTRAFEEDBACK, REWARDBENCH2, PROCESSBENCH, PRM800K, SHEPHERD):
        for target in targets():
            try:
                way(shape_of(row), target)
            except InputError:
                continue
            made = Converting(target)([row]).rows
            assert made and all(shape_of(one) == target and detect(one)(one, toy()).sides for one in made)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"winner": "tie"}, "a tie"),
        ({"winner": "tie (bothbad)"}, "both are bad"),
        ({"winner": "both_bad"}, "both are bad"),
        ({"winner": "nobody"}, "the winner is 'nobody', which is neither of the two"),
        ({"winner": None}, "nothing in column 'winner'"),
        ({"conversation_b": ARENA["conversation_a"]}, "both answers are the same"),
        ({"conversation_b": [said("user", "Hi")]}, "a conversation does not end with an answer"),
        ({"conversation_b": [said("user", "Ho"), *TALK_B]}, "the conversations share no first turn"),
        ({"conversation_b": [said("user", "Hi"), said("assistant", [{"type": "image", "image": "x"}])]}, "a turn holds a picture"),
        ({"conversation_b": [3]}, "what the columns hold has another form than their names say"),
    ],
)
def test_battles_that_are_left_out_are_counted_and_the_first_is_named(change, reason):
    found = Converting("pairs")([ARENA, {**ARENA, **change}, {**ARENA, **change}])
    assert len(found.rows) == 1 and found.left_out == {reason: 2} and found.first == {reason: 1}


def test_the_winner_may_be_named_and_ties_of_the_competition_are_ties():
    assert Converting("pairs")([{**ARENA, "winner": "Vicuna-13B"}]).rows[0]["chosen"] == TALK_A
    with pytest.raises(InputError, match=r"nothing of the data is left as pairs: a tie \(1\)"):
        Converting("pairs")([{**ARENA_55K, "winner_model_b": 0, "winner_tie": 1}])


def test_each_person_of_helpsteer_may_have_a_pair():
    pairs = Converting("pairs", by=(StatedPreferences(each_person=True),))([HELPSTEER3, HELPSTEER2_PREFERENCE]).rows
    assert [(p["chosen"], p["margin"], p["annotator"]) for p in pairs] == [(TALK_A, 3, 0), (TALK_B, 1, 1), ("B", 1, 0)]


def test_helpsteers_answers_to_a_prompt_become_a_pair_and_a_lone_one_is_counted():
    rows = [HELPSTEER, {**HELPSTEER, "response": "B", "helpfulness": 1}, {**HELPSTEER, "prompt": "Ho"}]
    found = Converting("pairs")(rows)
    assert [(r["chosen"], r["rejected"], r["score_chosen"]) for r in found.rows] == [("A", "B", 3.0)]
    assert found.left_out == {"the only rated answer to its prompt": 1} and found.first == {"the only rated answer to its prompt": 2}


def test_solutions_of_wrong_problems_are_left_out_and_alternatives_are_there_for_the_asking():
    wrong = {**PRM800K, "label": {**PRM800K["label"], "finish_reason": "bad_problem"}}
    found = Converting("stepwise", by=(StepRatings(alternatives=True),))([PRM800K, wrong])
    assert [(r["completions"], r["labels"]) for r in found.rows] == [(["a", "b"], [True, False]), (["x"], [False])]
    assert found.left_out == {"the problem itself is wrong": 1}


# ---- Label Studio


TWO = {"prompt": "Hi", "response_a": "A", "response_b": "B", "source": "web"}
LABEL_STUDIO = {
    "pairs": task(
        TWO,
        annotation(1, ("better", "ra,rb", "pairwise", {"selected": "left"})),
        annotation({"id": 2, "email": "b@c"}, ("better", "ra,rb", "pairwise", {"selected": "right"})),
        annotation(3, ("better", "ra,rb", "pairwise", {"selected": "right"}), cancelled=True),
    ),
    "rankings": task(
        {"prompt": "Hi", "items": [{"id": i, "title": i, "body": i.upper()} for i in "abc"]},
        annotation(1, ("rank", "list", "ranker", {"ranker": {"rank": ["c", "a", "b"]}})),
    ),
    "ratings": task(
        {"prompt": "Hi", "response": "A"},
        annotation(1, ("honesty", "response", "rating", {"rating": 4}), ("words", "response", "number", {"number": 12})),
    ),
    "choices": task({"prompt": "Hi", "completion": "A"}, annotation(1, ("verdict", "completion", "choices", {"choices": ["Accept"]}))),
    "spans": task(
        {"prompt": "Hi", "answer": "A wrong word"},
        annotation(1, ("kinds", "answer", "labels", {"start": 2, "end": 7, "text": "wrong", "labels": ["error"]})),
    ),
}


def test_exports_of_label_studio():
    for kind, row in LABEL_STUDIO.items():
        assert shape_of(row) == f"labelled_{kind}"
    found = Converting("pairs")([LABEL_STUDIO["pairs"]])
    assert [(r["chosen"], r["rejected"], r["annotator"], r["source"], r["id"]) for r in found.rows] == [
        ("A", "B", 1, "web", 11),
        ("B", "A", "b@c", "web", 11),
    ]
    assert found.left_out == {"a judgement that was cancelled or not submitted": 1}
    ranked = Converting("pairs")([LABEL_STUDIO["rankings"]]).rows[0]
    assert (ranked["chosen"], ranked["rejected"]) == ("C", "B")
    rated = Converting("prompt_completion")([LABEL_STUDIO["ratings"]]).rows[0]
    assert (rated["completion"], rated["honesty"], rated["words"], rated["annotator"]) == ("A", 4.0, 12.0, 1)
    chosen = Converting("unpaired")([LABEL_STUDIO["choices"]]).rows[0]
    assert (chosen["prompt"], chosen["completion"], chosen["label"]) == ("Hi", "A", True)
    marked = Converting("prompt_completion")([LABEL_STUDIO["spans"]]).rows[0]
    assert marked["completion"][slice(*(marked["spans"][0][end] for end in ("start", "end")))] == "wrong"


def test_what_label_studio_does_not_say_is_asked_for_and_can_be_said():
    row = task({"prompt": "Hi", "one": "A", "two": "B"}, LABEL_STUDIO["pairs"]["annotations"][0])
    with pytest.raises(InputError, match="which two fields are compared is not told by their names"):
        Converting("pairs")([row])
    assert Converting("pairs", by=(LabelledPairs(left="one", right="two"),))([row]).rows[0]["chosen"] == "A"
    buckets = task(
        LABEL_STUDIO["rankings"]["data"], annotation(1, ("rank", "list", "ranker", {"ranker": {"ok": ["a", "c"], "bad": ["b"], "_": []}}))
    )
    with pytest.raises(InputError, match="several buckets are filled"):
        Converting("ranking")([buckets])
    made = Converting("ranking", by=(LabelledRankings(buckets=("ok", "bad")),))([buckets]).rows[0]
    assert (made["completions"], made["ranks"]) == (["A", "C", "B"], [1, 1, 2])
    odd = task({"prompt": "Hi", "completion": "A"}, annotation(1, ("v", "completion", "choices", {"choices": ["Meh"]})))
    with pytest.raises(InputError, match="'Meh' is neither good nor bad; name it"):
        Converting("unpaired")([odd])
    assert Converting("unpaired", by=(LabelledChoices(bad=("meh",)),))([odd]).rows[0]["label"] is False


# ---- Argilla


def argilla(fields, said, suggestions=None):
    """The same record in the forms in which Argilla exports it: nested, flat, of the API, and both forms of its older datasets."""
    nested = {q: [{"value": v, "user_id": u} for v, u, s in answers if s == "submitted"] for q, answers in said.items()}
    yield {
        "id": "1",
        "fields": fields,
        "metadata": {"m": 1},
        "suggestions": suggestions or {},
        "responses": nested,
        "vectors": {},
        "_server_id": "s",
    }
    flat = {"id": "1", "_server_id": "s", **fields, "m": 1}
    for q, answers in said.items():
        flat |= {f"{q}.responses": [v for v, _, _ in answers], f"{q}.responses.users": [u for _, u, _ in answers]}
        flat |= {f"{q}.responses.status": [s for _, _, s in answers]}
    yield flat
    people = {
        u: (s, {q: v for q, answers in said.items() for v, who, _ in answers if who == u})
        for answers in said.values()
        for _, u, s in answers
    }
    yield {
        "fields": fields,
        "responses": [{"user_id": u, "status": s, "values": {q: {"value": v} for q, v in own.items()}} for u, (s, own) in people.items()],
        "suggestions": [{"question_name": q, **value} for q, value in (suggestions or {}).items()],
    }
    yield {
        **fields,
        **{q: [{"user_id": u, "value": v, "status": s} for v, u, s in answers] for q, answers in said.items()},
        "external_id": None,
    }
    yield {
        **fields,
        **{q: {"user_id": [u for _, u, _ in g], "value": [v for v, _, _ in g], "status": [s for _, _, s in g]} for q, g in said.items()},
    }


FIELDS = {"prompt": "Hi", "response-1": "A", "response-2": "B"}


@pytest.mark.parametrize(
    ("fields", "said", "kind", "to", "wanted"),
    [
        (
            FIELDS,
            {"best": [("response-2", "u", "submitted"), ("response-1", "v", "draft")]},
            "pairs",
            "pairs",
            {"chosen": "B", "rejected": "A", "annotator": "u"},
        ),
        (
            FIELDS,
            {"order": [(["response-2", "response-1"], "u", "submitted")]},
            "rankings",
            "ranking",
            {"completions": ["B", "A"], "ranks": [1, 2]},
        ),
        (
            FIELDS,
            {"order": [([{"value": "response-1", "rank": 2}, {"value": "response-2", "rank": 1}], "u", "submitted")]},
            "rankings",
            "ranking",
            {"completions": ["A", "B"], "ranks": [2, 1]},
        ),
        (
            FIELDS,
            {"rating-1": [(2, "u", "submitted")], "rating-2": [(5, "u", "submitted")]},
            "ratings",
            "pairs",
            {"chosen": "B", "rejected": "A", "score_chosen": 5.0},
        ),
        (
            {"instruction": "Hi", "response": "A"},
            {"quality": [(4, "u", "submitted"), (1, "v", "discarded")]},
            "ratings",
            "prompt_completion",
            {"completion": "A", "quality": 4.0, "annotator": "u"},
        ),
        (
            {"instruction": "Hi", "response": "A"},
            {"ok": [("no", "u", "submitted")]},
            "choices",
            "unpaired",
            {"completion": "A", "label": False},
        ),
        (
            {"prompt": "Hi", "response": "A"},
            {"marks": [([{"label": "x", "start": 0, "end": 1}], "u", "submitted")]},
            "spans",
            "prompt_completion",
            {"completion": "A", "spans": [{"start": 0, "end": 1, "label": "x"}]},
        ),
    ],
)
def test_exports_of_argilla_in_each_of_their_forms(fields, said, kind, to, wanted):
    for row in argilla(fields, said):
        assert shape_of(row) == f"labelled_{kind}"
        found = Converting(to)([row])
        assert len(found.rows) == 1
        assert {name: found.rows[0].get(name) for name in wanted} == wanted
        assert found.rows[0]["prompt"] == "Hi"


def test_suggestions_count_only_when_they_are_asked_for():
    row = next(argilla(FIELDS, {}, {"best": {"value": "response-1", "score": 0.9, "agent": "gpt"}}))
    assert shape_of(row) is None
    made = LabelledPairs(suggestions=True)([row]).rows
    assert [(one["chosen"], one["annotator"]) for one in made] == [("A", "gpt")]


def test_a_chat_field_is_the_prompt_as_it_is():
    (made,) = Converting("pairs")([next(argilla({**FIELDS, "prompt": HI}, {"best": [("response-1", "u", "submitted")]}))]).rows
    assert (made["prompt"], made["chosen"]) == (HI, TALK_A)


# ---- whatever else


NOISE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ки+-ab ", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "result", "value", "type", "data", "user_id", "steps", "rank"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
COLUMNS = {
    "battles": ("winner", "conversation_a", "conversation_b", "model_a"),
    "stated_preferences": ("overall_preference", "context", "response1", "response2"),
    "attribute_ratings": ("prompt", "response", "helpfulness", "attributes"),
    "first_errors": ("problem", "steps", "label"),
    "tagged_steps": ("input", "label"),
    "right_and_wrong": ("prompt", "chosen", "rejected"),
    "label_studio": ("data", "annotations"),
    "argilla": ("fields", "responses", "prompt", "q.responses"),
}


@pytest.mark.parametrize("kind", COLUMNS)
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_noise_in_these_columns_is_left_out_and_counted(kind, data):
    rows = [{name: data.draw(NOISE) for name in COLUMNS[kind]} for _ in range(2)]
    for target in targets():
        try:
            found = Converting(target)(rows)
        except InputError:
            continue
        assert found.rows


def test_each_new_shape_is_told_by_its_columns_alone():
    rows = [ARENA, ARENA_140K, ARENA_55K, HELPSTEER3, HELPSTEER, REWARDBENCH2, PROCESSBENCH, SHEPHERD, *LABEL_STUDIO.values()]
    for row in rows:
        fitting = [shape for shape, fits in SHAPES.items() if fits(row)]
        assert fitting[0] == shape_of(row) and len({s for s in fitting if s.startswith("labelled")}) <= 1


def test_the_command_names_the_first_row_that_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [ARENA, {**ARENA, "winner": "tie"}, ARENA, {**ARENA, "winner": "tie"}, {**ARENA, "winner": "both_bad"}]
    Path("arena.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["convert", "arena.jsonl", "pairs.jsonl", "--to", "pairs"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "2 left out: a tie (the first is row 1)" in told and "1 left out: both are bad (row 4)" in told
    Path("export.json").write_text(json.dumps([LABEL_STUDIO["pairs"]]))
    assert main(["convert", "export.json", "labelled.jsonl", "--to", "pairs"]) == 0
    assert len(Path("labelled.jsonl").read_text().splitlines()) == 2
