"""Opening connections: which addresses are addresses, which of them no proxy reaches, and redirections that are not followed.

urllib follows a redirection of a POST with a GET, whose answer is that to another question, and sends the key along to wherever it is told to. A
GET is followed where it stays with its server.
"""

import ipaddress
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from guerdon.errors import InputError


def check(url: str) -> None:
    """See that a text is the address of a server.

    Raises:
        InputError: it is not.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # of an address in brackets, or a port
        fine = False
    if not fine or url.strip() != url or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise InputError(
            f"url is {url!r}; it begins with http:// or https:// and goes on with host and port, such as http://localhost:8000/v1"
        )


def opener_for(url: str) -> urllib.request.OpenerDirector:
    """What opens ``url``: through the proxy of the environment, if it is not this machine's."""
    own = [urllib.request.ProxyHandler({})] if _is_here(urllib.parse.urlsplit(url).hostname or "") else []
    return urllib.request.build_opener(_Staying(), *own)


def why(url: str, cause: Any) -> str:
    """Why a server was not reached, with what may be mended."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {url} is not trusted ({cause.verify_message}); if it is your own, name its file in the environment variable "
            "SSL_CERT_FILE, or use http:// inside your network"
        )
    if isinstance(cause, ssl.SSLError):
        return f"{url} does not speak TLS ({cause.reason or cause}); if the server has none, url begins with http://"
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not _is_here(parts.hostname or "") and not urllib.request.proxy_bypass(parts.hostname or ""):
        return (
            f"{url} is not reached through the proxy {proxy} of the environment ({cause}); set no_proxy={parts.hostname} if it needs none"
        )
    return f"nothing answers at {url} ({cause}); start the server, or mend url"


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows a GET within its server, and nothing else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        same = urllib.parse.urlsplit(newurl)[:2] == urllib.parse.urlsplit(req.full_url)[:2]
        if req.data is None and same:
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        raise InputError(f"{req.full_url} sends what it is asked on to {newurl}: if that is the server, write it as url")

    def http_error_308(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return self.http_error_302(req, fp, 308, msg, headers)
