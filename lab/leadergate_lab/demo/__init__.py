"""``make demo``: the gate's whole job told on a real API server, in steps that a person follows in the terminal."""
