"""The program `aegis`: serves the suite, and speaks to a served one over HTTP."""
