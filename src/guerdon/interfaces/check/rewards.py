"""What the rewards say of the rows' gold answers, and of one completion that the model samples."""

import inspect
import math
from typing import Any

from guerdon.interfaces.applying import columns_of
from guerdon.interfaces.preparing import Prepared
from guerdon.tasks.encoding import is_conversational, template_variables
from guerdon.thresholds import reaches

_ROWS = 8


def look(prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
    """Every component on the gold answers of a few rows, and on a sampled completion of the first of them.

    A component that reads the gold answer must give it the full reward; otherwise it would punish the truth.
    """
    from guerdon.feedback.running import RewardRunner

    rows = prepared.rows
    rows = [rows[i] for i in range(min(_ROWS, len(rows)))]
    functions, there = prepared.functions(), columns_of(prepared.rows)
    golds = [(i, gold(row)) for i, row in enumerate(rows)]
    golds = [(i, answer) for i, answer in golds if answer is not None]
    found: dict[str, Any] = {"components": list(functions), "gold": [], "sampled": None}
    with RewardRunner(functions, **{**prepared.settings.reward.options, "failure_bound": 1.0}) as runner:
        if golds:
            own = [rows[i] for i, _ in golds]
            texts = [a if isinstance(a, str) else a[-1]["content"] for _, a in golds]
            ids = [_tokens(prepared, i, text, warnings) for (i, _), text in zip(golds, texts, strict=True)]
            scored = runner.score([r["prompt"] for r in own], [a for _, a in golds], _columns(own, ids, there))
            for place, (i, answer) in enumerate(golds):
                values = {name: float(component[place]) for name, component in scored.components.items()}
                found["gold"].append({"row": i, "answer": answer, "components": values, "error": scored.errors[place]})
                _judge(functions, i, answer, values, scored.errors[place], warnings)
        else:
            warnings.append(
                "the rows hold no gold answer (column answer, solution or completion), so nothing shows that the reward accepts a right one"
            )
        found["sampled"] = _sampled(prepared, rows[0], runner, there, warnings)
    return found


def gold(row: dict[str, Any]) -> Any:
    """The right answer that a row holds, in the form of its prompt; None where it holds none."""
    for column in ("completion", "solution", "answer"):
        value = row.get(column)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if is_conversational(row["prompt"]) and not is_conversational(value):
            return [{"role": "assistant", "content": str(value)}]
        return value if is_conversational(value) or isinstance(value, str) else str(value)
    return None


def _columns(rows: list[dict[str, Any]], ids: list[list[int]], there: set[str]) -> dict[str, list[Any]]:
    """The columns of the rows, as the loop passes them."""
    return {name: [row.get(name) for row in rows] for name in sorted(there - {"prompt", "completion"})} | {"completion_ids": ids}


def _tokens(prepared: Prepared, row: int, text: str, warnings: list[str]) -> list[int]:
    """The tokens of a gold answer; one that the tokenizer cannot write could never be given."""
    try:
        return prepared.encoder.tokenizer.encode(text, add_special_tokens=False)
    except Exception as error:  # the Rust tokenizers raise bare Exception
        warnings.append(f"row {row}: the tokenizer cannot write the gold answer {_short(text)} ({error}), so the policy can never give it")
        return []


def _judge(functions: dict[str, Any], row: int, answer: Any, values: dict[str, float], error: str | None, warnings: list[str]) -> None:
    if error is not None:
        warnings.append(f"row {row}: the gold answer {_short(answer)} could not be rewarded: {error}")
        return
    for name, value in values.items():
        full = getattr(functions[name], "right", 1.0)
        if compares(functions[name]) and not math.isnan(value) and not reaches(value, full):
            warnings.append(f"row {row}: the gold answer {_short(answer)} gets {value:g} from {name} and not the full reward of {full:g}")


def compares(function: Any) -> bool:
    """Whether a reward compares with the gold answer."""
    from guerdon.feedback.adapters import adapt

    try:
        names = set(inspect.signature(adapt(function).function).parameters)
    except (TypeError, ValueError):
        return False
    return bool(names & {"answer", "answers", "solution", "ground_truth"})


def _sampled(prepared: Prepared, row: dict[str, Any], runner: Any, there: set[str], warnings: list[str]) -> dict[str, Any]:
    import torch

    from guerdon.acting.samplers.group import Group
    from guerdon.training.judging import Judged

    context = torch.tensor(prepared.encoder.encode_prompt(row["prompt"], **template_variables(row)))
    drawn = Group(1)(prepared.model, [context], prepared.settings.decoding, prepared.settings.budget.seed)
    ids = drawn.actions[0, : int(drawn.length[0])].tolist()
    completion = prepared.encoder.completion(row["prompt"], ids)
    scored = runner.score([row["prompt"]], [completion], _columns([row], [ids], there))
    scored = _with_self_made(prepared, drawn, Judged(scored, [row["prompt"]], [completion]), row)
    if scored.errors[0] is not None:
        warnings.append(f"the reward of a sampled completion: {scored.errors[0]}")
    return {
        "prompt": row["prompt"],
        "completion": completion,
        "tokens": [{"text": prepared.encoder.decode([i], special=True), "id": i, "trained": True} for i in ids],
        "ended": bool(drawn.quantities["terminated"][0]),
        "components": {name: float(component[0]) for name, component in scored.components.items()},
        "error": scored.errors[0],
    }


def _with_self_made(prepared: Prepared, drawn: Any, judged: Any, row: dict[str, Any]) -> Any:
    """The verdicts with the rewards that the policy makes itself, but for those that a bound view makes, which there is none of yet."""
    from guerdon.memory import AtOnce
    from guerdon.training.judging import TextScene
    from guerdon.training.self_made import SelfMadeRewards

    recipe = prepared.settings.recipe
    own = {name: part for name, part in recipe.intrinsic.items() if not part.by} if recipe is not None else {}
    scene = TextScene(prepared.encoder, None)
    return SelfMadeRewards(own, prepared.model, scene, {}, AtOnce.of(4096))(drawn, judged, [row]).scored


def _short(value: Any) -> str:
    text = repr(value if isinstance(value, str) else value[-1]["content"])
    return text if len(text) <= 60 else f"{text[:57]}...'"
