"""The tokens that DeepSeek's models write around calls: words between bars that are wider than those of a keyboard."""


def _token(words: str) -> str:
    return f"<\uff5c{words.replace(' ', chr(0x2581))}\uff5c>"


BEGIN, END, CALL, CALLED, THEN = map(_token, ("tool calls begin", "tool calls end", "tool call begin", "tool call end", "tool sep"))
