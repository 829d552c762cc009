"""Response policies: limits, clocks, escalation; with the work calendar and service hours."""
