"""How what was found is told: harmless text, times, tables and forms of output."""
