"""A server of MCP as its author writes it with the package ``mcp``."""

import os
import time

from mcp.server import MCPServer

server = MCPServer("weather")
asked = 0


@server.tool()
def weather(city: str) -> str:
    """Says how the weather is.

    Args:
        city: Where.
    """
    global asked
    asked += 1
    return f"{city}: rain ({asked})"


@server.tool()
def fail(how: str) -> str:
    """Fails.

    Args:
        how: raise, exit or hang.
    """
    if how == "exit":
        os._exit(3)
    if how == "hang":
        time.sleep(60)
    raise ValueError("it failed")


@server.tool()
def environment() -> list[str]:
    """Lists the names of its variables."""
    return sorted(os.environ)


if __name__ == "__main__":
    server.run(transport="stdio")
