"""Rules on the steps of an answer, against what their authors' code says of the same texts."""

from guerdon.feedback.rewards.key_steps import KeySteps
from guerdon.feedback.rewards.ordered_sections import OrderedSections

# Texts of ours; ``validity_reward`` and ``key_step_single`` of R1-VL (jingyi0000/R1-VL at 3c6b392, grpo.py) of each. Of 400 such texts none differed.
JUDGED = [
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 1: two apples\n### Step 2: Half\nof six is 3\n### The final answer is:",
        [["3 + 4", "3+4"], "six"],
        1.0,
        0.5,
    ),
    (
        "### Rationales: Two Apples\n### Step 3: 3 + 4\n### The final answer is:\n### Step 1: two apples\n### Image Description: a",
        ["two apples", ["half of six", "HALF\nof six"], "7"],
        0.0,
        0.3333333333333333,
    ),
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 2: Half\nof six is 3\n### Step 3: 3 + 4\n### The final answer is: 7\n### The final answer is:",
        [],
        0.0,
        0.0,
    ),
    (
        "### Step 2: Half\nof six is 3\n### Step 1: two apples\n### Step 3: 3 + 4\n### Rationales: Two Apples\n### The final answer is: 7\n### The final answer is:",
        [["3 + 4", "3+4"], "six"],
        0.0,
        1.0,
    ),
    (
        "### Rationales: Two Apples\n### Step 1: two apples\n### Step 3: 3 + 4\n### The final answer is:",
        [["3 + 4", "3+4"], "six"],
        0.0,
        0.5,
    ),
    (
        "### Image Description: a\n### Step 1: two apples\n### Step 2: Half\nof six is 3\n### The final answer is: 7\n### The final answer is:",
        ["two apples", ["half of six", "HALF\nof six"], "7"],
        0.0,
        0.6666666666666666,
    ),
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 1: two apples\n### The final answer is: 7\n### The final answer is:",
        [["3 + 4", "3+4"], "six"],
        1.0,
        0.0,
    ),
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 1: two apples\n### Step 2: Half\nof six is 3\n### Step 3: 3 + 4\n### The final answer is: 7",
        ["two apples", ["half of six", "HALF\nof six"], "7"],
        1.0,
        0.6666666666666666,
    ),
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 1: two apples\n### The final answer is:",
        ["two apples", ["half of six", "HALF\nof six"], "7"],
        1.0,
        0.3333333333333333,
    ),
    (
        "### Image Description: a\n### Rationales: Two Apples\n### Step 1: two apples\n### Step 2: Half\nof six is 3\n### Step 3: 3 + 4\n### The final answer is: 7",
        [["3 + 4", "3+4"], "six"],
        1.0,
        1.0,
    ),
]


def test_both_rules_are_those_of_their_authors():
    texts = [text for text, *_ in JUDGED]
    assert OrderedSections()(texts, texts) == [valid for *_, valid, _ in JUDGED]
    found = KeySteps()(texts, texts, [steps for _, steps, *_ in JUDGED])
    assert all(abs(a - b) < 1e-12 for a, (*_, b) in zip(found, JUDGED, strict=True))
    assert len({valid for *_, valid, _ in JUDGED}) == 2 and len(set(found)) > 3
