"""The stream: one reader of events a process, and the consoles that it feeds."""
