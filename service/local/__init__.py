"""The developer's machine: what `make` needs before and around the service itself.

Standard library only in `bootstrap`, `packages` and `binaries`, which run before anything is
installed and therefore also have to be readable by an older Python.
"""
