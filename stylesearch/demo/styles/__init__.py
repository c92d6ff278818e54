"""The styles of the demo drawings: how a subject is rendered, whatever it is."""
