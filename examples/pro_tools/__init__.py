"""Takebridge in Pro Tools: takes of the selected bars on new tracks, through Pro Tools' scripting interface."""
