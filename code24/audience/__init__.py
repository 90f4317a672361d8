"""The audience of each site: what pages may be told of single persons.

``releases/audience/<site>.json`` is the signed head, ``<site>-<sha256>.sqlite`` the
file that it names: one row a person, by the hash of the id. Both are replaced whole.
"""

from code24.audience.reading import OpenAudience, open_audience
from code24.audience.writing import drop, publish, remove, strays

__all__ = ["OpenAudience", "drop", "open_audience", "publish", "remove", "strays"]
