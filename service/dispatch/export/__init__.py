"""Exports: a case as a PDF, a list as XLSX or CSV; each leaves an event."""
