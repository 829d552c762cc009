"""The parts of the `gridward` command, one file a subject; `service.cli` puts them together."""
