"""What goes over the wire of the API: one set of models for the server, its description, and the client."""
