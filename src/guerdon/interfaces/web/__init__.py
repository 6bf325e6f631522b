"""What every server of ours shares: who may ask, how much at once, where it listens, and how it stops.

    serve(app, address("127.0.0.1", 0), tokens={}, most_bytes=2**24, say=print)

``guarding`` stands before an application and refuses what may not pass (``refusing``); ``tokens`` reads who may ask; ``running`` binds the address and serves until it is
asked to stop, and ``ending`` says how. ``pages`` is what those that show a page share, with the style of all (``page.css``).
"""

from guerdon.interfaces.web.ending import Ending
from guerdon.interfaces.web.refusing import refused
from guerdon.interfaces.web.running import Address, address, serve
from guerdon.interfaces.web.tokens import tokens_of

__all__ = ["Address", "Ending", "address", "refused", "serve", "tokens_of"]
