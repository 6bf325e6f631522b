"""What several edits look for in a text."""

import re

SENTENCE = re.compile(r"[^.!?\n]*[.!?]+[\"')\]]*|[^.!?\n]+|\n+")
BULLET = re.compile(r"^(\s*)(?:[-*+]|\d+[.)])\s+", re.M)
HEADER = re.compile(r"^#{1,6}\s+", re.M)
BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
CODE = re.compile(r"```.*?(?:```|\Z)", re.S)


def sentences(text: str) -> list[str]:
    """Its sentences, without the space around them."""
    return [piece.strip() for piece in SENTENCE.findall(text) if piece.strip()]
