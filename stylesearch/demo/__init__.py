"""Collections to try stylesearch with: drawings of our own, and the Open Clip Art Library."""
