"""Cells, run in the sandbox: standard input holds a list of programs as JSON. All run in one scope, one after another; what the last prints is printed, and the value of its last
expression after it. The exit code is 1 where the last raised.
"""

import ast
import contextlib
import io
import json
import sys
import traceback


def run(cell, scope):
    tree = ast.parse(cell, "<cell>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), scope)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), scope)
        if value is not None:
            print(value if isinstance(value, str) else repr(value))


def main():
    *before, last = json.load(sys.stdin)
    scope = {"__name__": "__main__"}
    for cell in before:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(BaseException):
            run(cell, scope)
    try:
        run(last, scope)
    except BaseException as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<cell>"]
        lines = lines or [error.lineno] if isinstance(error, SyntaxError) else lines
        where = f"line {lines[-1]}: " if lines and lines[-1] else ""
        said = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
        print(f"{where}{said}")
        sys.stdout.flush()
        return 1
    sys.stdout.flush()
    return 0


sys.exit(main())
