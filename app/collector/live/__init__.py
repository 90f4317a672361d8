"""The live state: what the collector knows of the newest events, as they come.

A function of the live partition of the event log up to an offset, of the sites'
thresholds and of what was analysed: the ids of the last 24 hours, counters of the last
hour, which variant each unit was shown first, and which thresholds are crossed. It is
held in memory within bounds, kept on disk behind the log, and made good from the log's
tail at the start.
"""
