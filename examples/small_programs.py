"""Write the data of ``examples/small_programs.yaml``: programs of one line that add, take or multiply, shown with any of the three operators.

python examples/small_programs.py data/small_programs
"""

import json
import random
import sys
from pathlib import Path

MEANS = {"add": "+", "take": "-", "times": "*"}
DOES = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}


def row(draw: random.Random) -> dict[str, str]:
    """A request, and what the program is to print for three inputs."""
    word, number = draw.choice(list(MEANS)), draw.randrange(2, 30)
    inputs = [draw.randrange(2, 30) for _ in range(3)]
    tests = {"inputs": [f"{x}\n" for x in inputs], "outputs": [str(DOES[MEANS[word]](x, number)) for x in inputs]}
    sign = draw.choice(list(DOES))
    return {"prompt": f"{word} {number}\n", "completion": f"print(int(input()){sign}{number})", "tests": json.dumps(tests)}


def main(folder: str) -> None:
    """``shown.jsonl`` with programs to imitate, ``asked.jsonl`` with requests alone."""
    draw = random.Random(0)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name, kept in (("shown", ("prompt", "completion")), ("asked", ("prompt", "tests"))):
        rows = [row(draw) for _ in range(600)]
        (place / f"{name}.jsonl").write_text("".join(json.dumps({key: one[key] for key in kept}) + "\n" for one in rows))


if __name__ == "__main__":
    main(sys.argv[1])
