"""The one room for files: evidence of reports and actions."""
