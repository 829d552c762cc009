"""The audit of the event chains: periodic checkpoints, and the check of all of it.

Each case chains its own events (service.kit.events). A checkpoint chains a digest over the events
of all cases since the one before, so that a chain whose hashes were all computed anew, or a case
that was removed altogether, still shows. Nothing here makes a writer wait.

Who owns the database can compute the checkpoints anew as well: a digest kept elsewhere (the logs
carry each one) is the anchor against that.
"""

from service.kit.audit.checkpoint import Checkpoint, WritersStillRunning, make_checkpoint
from service.kit.audit.findings import Finding, Report
from service.kit.audit.verify import AuditBlind, verify

__all__ = [
    "AuditBlind",
    "Checkpoint",
    "Finding",
    "Report",
    "WritersStillRunning",
    "make_checkpoint",
    "verify",
]
