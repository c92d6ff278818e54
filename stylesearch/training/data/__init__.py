"""Pictures to train on whose style and content are crossed: drawn, restyled or collected."""
