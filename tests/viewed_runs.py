"""Runs for the tests of the viewer: written as a run writes them, with everything that a row may hold."""

import json
import random
from pathlib import Path

import numpy as np

from guerdon.training.token_values import packed

HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\"> \u202eevil\u202c \x1b[31mred\x1b[0m "
    + "unbreakable" * 30
)
WORDS = [
    "first",
    "we",
    "add",
    "both",
    "sides",
    "and",
    "carry",
    "the",
    "one",
    "therefore",
    "this",
    "is",
    "equal",
    "to",
    "what",
    "was",
    "asked",
    "so",
    "that",
    "nothing",
    "remains",
]


def completion(step, place, prompt=None, answer=None, reward=None, rng=random, **more):
    """A row of ``completions.jsonl``, whose tokens are its characters."""
    answer = " ".join(rng.choices(WORDS, k=rng.randint(5, 60))) if answer is None else answer
    text = answer if isinstance(answer, str) else "".join(str(message.get("content") or "") for message in answer)
    reward = round(rng.random(), 3) if reward is None else reward
    row = {
        "step": step,
        "place": place,
        "prompt": f"Problem {place // 4}: how much is {place // 4} and 2?" if prompt is None else prompt,
        "completion": answer,
        "reward": reward,
        "components": {"right": float(reward > 0.5), "format": round(rng.random(), 3)},
        "valid": True,
        "error": None,
        "tokens": [ord(c) % 50_000 for c in text],
        "logp": [round(-rng.expovariate(3), 5) for _ in text],
        "terminated": True,
    }
    return row | more


def token_line(step, rows, rng=random):
    """What ``tokens.jsonl`` holds of these rows."""
    total = sum(len(row["tokens"]) for row in rows)
    flat = [x for row in rows for x in row["logp"]]
    values = {
        "old_logp": np.array(flat, dtype="f4"),
        "advantage": np.concatenate([np.full(len(row["tokens"]), (row["reward"] or 0) - 0.5, dtype="f4") for row in rows]),
        "step_reward": np.concatenate(
            [np.append(np.zeros(len(row["tokens"]) - 1), row["reward"] or 0.0) for row in rows if row["tokens"]]
        ).astype("f4"),
        "old_value": np.array([rng.random() for _ in range(total)], dtype="f4"),
        "ref_logp": np.array([x - rng.gauss(0, 0.05) for x in flat], dtype="f4"),
    }
    vocabulary = {str(token): chr(token) for row in rows for token in row["tokens"]}
    return {
        "step": step,
        "place": [row["place"] for row in rows],
        "length": [len(row["tokens"]) for row in rows],
        "vocabulary": vocabulary,
        "values": {name: packed(own) for name, own in values.items()},
    }


def write(folder, completions=(), metrics=(), tokens=(), configuration=None):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("completions", completions), ("metrics", metrics), ("tokens", tokens)):
        if rows:
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if configuration is not None:
        (folder / "configuration.json").write_text(json.dumps(configuration))
    return folder


def sampled(folder, steps=12, each=8, seed=0, rate=1e-5):
    """A run of plain texts that gets better."""
    rng = random.Random(seed)
    rows = [
        completion(step, place, reward=round(min(1.0, rng.random() * 0.4 + 0.05 * step), 3), rng=rng)
        for step in range(1, steps + 1)
        for place in range(each)
    ]
    rows += [completion(step, place, rng=rng, split="test") for step in (0, steps) for place in range(4)]
    rows.sort(key=lambda row: row["step"])
    metrics = [
        {
            "step": step,
            "reward": 0.2 + 0.05 * step + 0.05 * rng.random(),
            "loss": rng.gauss(0, 0.1),
            "kl": 1e-4 * (step + 1) ** 2,
            "completions/mean_length": 90 + 10 * rng.random(),
            **({"eval/reward": 0.3 + 0.04 * step} if step in (0, steps) else {}),
        }
        for step in range(steps + 1)
    ]
    tokens = [token_line(step, [row for row in rows if row["step"] == step and "split" not in row], rng) for step in range(1, steps + 1)]
    return write(
        folder,
        rows,
        metrics,
        tokens,
        {"model": {"part": "small"}, "recipe": {"optimiser": {"learning_rate": rate}}, "budget": {"steps": steps}},
    )


def conversations(folder):
    """Turns with tools, thoughts, a judge's text, something hostile, a failure, and branches."""
    rng = random.Random(7)
    call = {"type": "function", "function": {"name": "calculator", "arguments": {"expression": "17 * 23"}}}
    turns = [
        {
            "role": "assistant",
            "content": "I work it out.",
            "reasoning_content": "Seventeen times twenty-three is hard by heart.",
            "tool_calls": [call],
        },
        {"role": "tool", "name": "calculator", "content": "391"},
        {"role": "assistant", "content": "It is 391."},
    ]
    asked = [{"role": "system", "content": "You may use a calculator."}, {"role": "user", "content": "How much is 17 times 23?"}]
    rows = [
        completion(
            1,
            0,
            asked,
            turns,
            1.0,
            rng,
            turn_rewards=[0.25, 0.75],
            said={"right": "The tool was called once and its result was taken over: correct.", "format": ["Clear.", "Short enough."]},
        ),
        completion(
            1,
            1,
            asked,
            [{"role": "assistant", "content": "About 400, I think."}],
            0.0,
            rng,
            said="It did not use the tool.",
            terminated=False,
        ),
        completion(1, 2, HOSTILE, HOSTILE, 0.3, rng, said=HOSTILE, components={"right": 0.3, HOSTILE[:60]: 1.0}, note=HOSTILE),
        completion(1, 3, HOSTILE, "", 0.0, rng, valid=False, error="ValueError: <b>no</b> number"),
    ]
    rows[0]["mask"] = [[True, 14], [False, 3], [True, len(rows[0]["tokens"]) - 17]]
    start, parted = (
        "First add three and four. ",
        ["That makes seven.", "That makes eight.", "Then double it: fourteen.", "Then double it, sixteen."],
    )
    for place, end in enumerate(parted, 4):
        text = start + end
        rows.append(
            completion(
                1,
                place,
                "Three and four?",
                text,
                float("seven" in end),
                rng,
                forked=-1 if place == 4 else len(start),
                share=0.25,
                node=[[0, len(start)], [place, len(end)]],
            )
        )
    metrics = [{"step": step, "reward": 0.5 + 0.1 * step} for step in range(2)]
    rows[3]["tokens"], rows[3]["logp"] = [], []
    line = token_line(1, [row for row in rows if row["tokens"]], rng)
    return write(folder, rows, metrics, [line], {"budget": {"steps": 1}})
