"""The song as it stands: the original with everything that was accepted, in samples, figures and files."""
