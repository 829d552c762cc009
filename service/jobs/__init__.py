"""Work that happens later or from time to time: the queue in the database and its worker.

A room enqueues in its own transaction (`service.jobs.enqueue`), so a job exists exactly when the
change that asked for it does. `gridward worker` runs it at least once: after a crash a job that
was running runs again, so every job is written to bear that.
"""
