"""An environment of one's own."""


class Guess:
    tools = ("larger",)

    def reset(self, seed, most):
        self.number, self.asked = seed % most, 0
        return f" I think of a number below {most}."

    def larger(self, number: int) -> str:
        """Says whether the number is larger.

        Args:
            number: Than which.
        """
        self.asked += 1
        return "yes" if self.number > number else "no"

    def step(self, text):
        right = text.strip() == str(self.number)
        return "Right." if right else "No.", float(right), right

    @staticmethod
    def rows(count, seed):
        return [{"prompt": "Guess.", "most": 10 + i} for i in range(count)]

    def state(self):
        return self.number, self.asked

    def restore(self, state):
        self.number, self.asked = state
