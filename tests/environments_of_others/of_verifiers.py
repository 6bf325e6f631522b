"""Environments as their authors write them for verifiers."""

import verifiers as vf
from datasets import Dataset


def multiply(a: int, b: int) -> int:
    """Multiply two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a * b


async def right_answer(completion, answer, **kwargs) -> float:
    return float(answer in str(completion[-1].get("content") if isinstance(completion[-1], dict) else completion[-1].content))


def rows():
    return Dataset.from_list([{"question": "What is 12 * 34?", "answer": "408"}, {"question": "What is 2 * 3?", "answer": "6"}])


def load_environment(max_turns=4):
    return vf.ToolEnv(
        dataset=rows(), tools=[multiply], rubric=vf.Rubric(funcs=[right_answer]), max_turns=max_turns, system_prompt="Be brief."
    )


class Hints(vf.MultiTurnEnv):
    async def setup_state(self, state):
        state["hints"] = 0

    @vf.stop
    async def solved(self, state):
        return bool(state["trajectory"]) and state["answer"] in str(state["trajectory"][-1]["completion"][-1].content)

    async def env_response(self, messages, state, **kwargs):
        state["hints"] += 1
        return [{"role": "user", "content": f"Hint {state['hints']}: it begins with {state['answer'][0]}."}]


async def few_hints(state, **kwargs) -> float:
    return 1.0 - 0.25 * state["hints"]


def load_hints(max_turns=3):
    return Hints(dataset=rows(), rubric=vf.Rubric(funcs=[few_hints]), max_turns=max_turns)
