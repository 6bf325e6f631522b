"""Instructed: whether a text does what an instruction asks for, as far as a program can tell.

An instruction has a name and settings, as the data of IFEval have them (``instruction_id_list`` and ``kwargs``). What each means is what the published checker
makes of it, with its readings: a keyword is a regular expression, "less than" is strict, every bullet is counted wherever it stands.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.tongues import tongue

_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_SHORTENED = re.compile(r"\b(?:mr|mrs|ms|dr|prof|st|jr|sr|inc|ltd|co|vs|etc|e\.g|i\.e|[a-z])\.$", re.IGNORECASE)
_END = re.compile(r"[.!?]+[\"'”’)\]]*\s+(?=\S)")
_CONTRACTED = re.compile(r"(?i)(n't|'(?:s|m|d|ll|re|ve))$")
_APART = re.compile(r"[\s()\[\]{}<>\"“”«»,;:?!*#`|=&]+|\.\.+|--+|(?<=\s)'|'(?=\s)")


def follows(name: str, settings: Mapping[str, Any], text: str) -> bool:
    """Whether the text follows the instruction, strictly.

    Raises:
        InputError: there is no such instruction, or it lacks a setting.
    """
    check = CHECKS.get(name)
    if check is None:
        raise InputError(unknown("instruction", name, sorted(CHECKS)))
    given = {key: value for key, value in settings.items() if value is not None}  # tables hold every setting of every instruction
    try:
        return bool(text.strip()) and check(text, **given)
    except (TypeError, AttributeError) as error:
        raise InputError(f"the instruction {name} cannot be checked with the settings {given}: {error}") from error


def loosened(text: str) -> list[str]:
    """The text as it may also be read: without its first line, its last, or both, and each without asterisks."""
    lines = text.split("\n")
    cut = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(one.replace("*", "") for one in cut)]


def _compared(count: float, relation: str, bound: float) -> bool:
    if relation not in ("less than", "at least"):
        raise TypeError(f"the relation is 'less than' or 'at least', not {relation!r}")
    return count < bound if relation == "less than" else count >= bound


def _found(pattern: str, text: str) -> list[str]:
    try:
        return re.findall(pattern, text, re.IGNORECASE)
    except re.error:
        return re.findall(re.escape(pattern), text, re.IGNORECASE)


def _existence(text: str, keywords: list[str]) -> bool:
    return all(_found(keyword, text) for keyword in keywords)


def _frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    return _compared(len(_found(keyword.strip(), text)), relation, frequency)


def _forbidden(text: str, forbidden_words: list[str]) -> bool:
    return not any(_found(rf"\b{word}\b", text) for word in forbidden_words)


def _letters(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return _compared(Counter(text.lower())[letter.strip().lower()], let_relation, let_frequency)


def _language(text: str, language: str) -> bool:
    said = tongue(text)
    return said is None or said == language


def sentences(text: str) -> int:
    """How many sentences a text has: ends that white space follows, but for those of abbreviations."""
    text = text.strip()
    ends = [found for found in _END.finditer(text) if not (found.group()[0] == "." and _SHORTENED.search(text[: found.start() + 1]))]
    return len(ends) + 1 if text else 0


def _sentences(text: str, num_sentences: int, relation: str) -> bool:
    return _compared(sentences(text), relation, num_sentences)


def _paragraphs(text: str, num_paragraphs: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    empty = [place for place, part in enumerate(parts) if not part.strip()]
    return all(place in (0, len(parts) - 1) for place in empty) and len(parts) - len(empty) == num_paragraphs


def _words(text: str, num_words: int, relation: str) -> bool:
    return _compared(len(re.findall(r"\w+", text)), relation, num_words)


def _first_word(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    parts = text.split("\n\n")
    count = sum(bool(part.strip()) for part in parts)
    if not 1 <= nth_paragraph <= count or not parts[nth_paragraph - 1].strip():
        return False
    word = parts[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    return count == num_paragraphs and re.split(r"[.,?!'\"]", word)[0].lower() == first_word.lower()


def _placeholders(text: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= num_placeholders


def _postscript(text: str, postscript_marker: str) -> bool:
    marker = postscript_marker.strip()
    pattern = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}.get(marker, marker.lower())
    return bool(_found(pattern, text.lower()))


def _bullets(text: str, num_bullets: int) -> bool:
    stars = re.findall(r"^\s*\*[^\*].*$", text, re.MULTILINE)
    return len(stars) + len(re.findall(r"^\s*-.*$", text, re.MULTILINE)) == num_bullets


def _constrained(text: str) -> bool:
    return any(answer in text for answer in _ANSWERS)


def _highlights(text: str, num_highlights: int) -> bool:
    single = [part for part in re.findall(r"\*[^\n\*]*\*", text) if part.strip("*").strip()]
    double = [part for part in re.findall(r"\*\*[^\n\*]*\*\*", text) if part.removeprefix("**").removesuffix("**").strip()]
    return len(single) + len(double) >= num_highlights


def _sections(text: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.split(rf"\s?{section_spliter.strip()}\s?\d+\s?", text)) - 1 >= num_sections


def _json(text: str) -> bool:
    bare = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        bare = bare.removeprefix(fence)
    try:
        json.loads(bare.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str) -> bool:
    return any(title.lstrip("<").rstrip(">").strip() for title in re.findall(r"<<[^\n]+>>", text))


def _two(text: str) -> bool:
    parts = text.split("******")
    if any(not part.strip() for part in parts[1:-1]):
        return False
    said = [part.strip() for part in parts if part.strip()]
    return len(said) == 2 and said[0] != said[1]


def _repeats(text: str, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _ends(text: str, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def capitals(text: str) -> int:
    """How many words are in capital letters alone; what is joined by hyphens is one, and what an apostrophe shortens is two."""
    found = 0
    for word in _APART.split(text):
        parts = [part for part in _CONTRACTED.split(word.rstrip(".") if word.count(".") == 1 else word) if part]
        found += sum(part.isupper() for part in parts)
    return found


def _capitals(text: str, capital_frequency: int, capital_relation: str) -> bool:
    return _compared(capitals(text), capital_relation, capital_frequency)


def _upper(text: str) -> bool:
    return text.isupper() and _language(text, "en")


def _lower(text: str) -> bool:
    return text.islower() and _language(text, "en")


def _no_comma(text: str) -> bool:
    return "," not in text


def _quoted(text: str) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: dict[str, Callable[..., bool]] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letters,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": _words,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two,
    "combination:repeat_prompt": _repeats,
    "startend:end_checker": _ends,
    "startend:quotation": _quoted,
    "change_case:capital_word_frequency": _capitals,
    "change_case:english_capital": _upper,
    "change_case:english_lowercase": _lower,
    "punctuation:no_comma": _no_comma,
}
