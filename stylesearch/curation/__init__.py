"""From images with captions to a deduplicated, style-tagged set that descriptors are trained and judged on."""
