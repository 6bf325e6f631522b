"""An environment of texts as its author writes it for Gymnasium."""

import gymnasium
from gymnasium.spaces import Text
from gymnasium.wrappers import TimeLimit

LETTERS = "abcdefghijklmnopqrstuvwxyz .,:0123456789"


class Echo(gymnasium.Env):
    observation_space = Text(100, charset=LETTERS)
    action_space = Text(12, charset=LETTERS)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.word = ["tide", "ebb", "flow"][int(self.np_random.integers(3))] if options is None else options["word"]
        return f"say {self.word}", {}

    def step(self, action):
        right = action == self.word
        return ("thanks" if right else f"no, say {self.word}"), float(right), right, False, {}


def limited(steps=2):
    return TimeLimit(Echo(), steps)


class Numbers(gymnasium.Env):
    observation_space = Text(100)
    action_space = gymnasium.spaces.Discrete(3)
