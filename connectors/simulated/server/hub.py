"""Who listens to which stream. An event is written once, however many listen."""

from __future__ import annotations

from typing import Any, Protocol

from connectors.simulated.server.values import TimeUnit, encode


class Event:
    """Something to tell. `text` is its JSON."""

    def __init__(self, payload: Any) -> None:
        self.payload = payload
        self._texts: dict[TimeUnit, str] = {}

    def text(self, unit: TimeUnit) -> str:
        if unit not in self._texts:
            self._texts[unit] = encode(self.payload, unit).decode()
        return self._texts[unit]


class Listener(Protocol):
    """Gets the events of the streams that it is subscribed to."""

    def hear(self, stream: str, event: Event) -> None:
        """Take an event; must not block."""
        ...


class Hub:
    """Streams by name. Any name can be subscribed to; only what exists is ever heard of."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[Listener, None]] = {}

    def subscribe(self, stream: str, listener: Listener) -> None:
        self._listeners.setdefault(stream, {})[listener] = None

    def unsubscribe(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.get(stream, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(stream, None)

    def wants(self, stream: str) -> bool:
        """Whether anybody listens."""
        return stream in self._listeners

    def emit(self, stream: str, payload: Any) -> None:
        """Tell everybody who listens to `stream`."""
        event = Event(payload)
        for listener in list(self._listeners.get(stream, ())):
            listener.hear(stream, event)
