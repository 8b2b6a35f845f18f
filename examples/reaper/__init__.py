"""ReaScripts for REAPER; README.md says how to install them."""
