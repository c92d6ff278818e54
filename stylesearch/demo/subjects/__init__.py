"""The subjects of the demo drawings: what is drawn, without saying how."""
