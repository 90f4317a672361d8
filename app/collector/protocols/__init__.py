"""The languages that clients speak to the collector; a new one is a new file.

Each file maps its bodies to the event contract and gives a ``Protocol``; here is the
one list of them.
"""

from app.collector.protocols import growthbook, native, plausible, segment
from app.collector.protocols.protocol import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    native.PROTOCOL,
    segment.PROTOCOL,
    plausible.PROTOCOL,
    growthbook.PROTOCOL,
)
