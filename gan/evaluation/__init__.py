"""How good, and what is wrong: measures, reports, diagnosis."""
