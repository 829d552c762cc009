"""The dispatch console: queue, stream of events, bulk actions, exports; a reader across rooms."""
