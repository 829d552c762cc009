"""Reading the official text of a plan: lines, outline, units, deadlines, irregularities."""
