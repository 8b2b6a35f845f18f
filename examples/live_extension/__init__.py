"""The extension for Ableton Live: JavaScript in src/, and what builds the file that Live installs."""
