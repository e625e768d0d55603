"""Nothing is sent twice behind our back.

aiohttp sends a GET, HEAD, OPTIONS, TRACE, PUT or DELETE once more when the server hangs up before it has answered, even
on a fresh connection. A cancel or an amend whose answer is lost may have been executed: its fate is for us to find out.
"""

import aiohttp


class NotAnswered(aiohttp.ClientError):
    """The request was sent and the connection broke before an answer came: it may have been executed, or not."""


async def sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware for every session: the two errors that aiohttp would repeat on are raised as NotAnswered.

    Errors of connecting pass: then nothing was sent.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        where = f"{request.method} {request.url.host}{request.url.path}"  # a query may hold secrets
        raise NotAnswered(f"{where}: the connection broke before the answer came ({type(error).__name__})") from error
