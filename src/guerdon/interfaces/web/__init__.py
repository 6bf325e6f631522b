"""What every server of ours shares: who may ask, how much at once, where it listens, and how it stops.

    serve(app, address("127.0.0.1", 0), tokens={}, most_bytes=2**24, say=print)

``guarding`` stands before an application and refuses what may not pass; ``running`` binds the address and serves until it is asked to stop.
"""

from guerdon.interfaces.web.running import Address, address, serve

__all__ = ["Address", "address", "serve"]
