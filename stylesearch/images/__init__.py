"""Images: checked, decoded upright in sRGB, hashed, made small and kept."""
