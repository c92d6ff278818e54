"""The API under ``/api/v1``: what it answers is described by the models that it is made of."""
