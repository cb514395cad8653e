"""Every row of the thesis's tables, by name."""
