"""The program `aegis`: serves the suite, and server_options to a served one over HTTP."""
