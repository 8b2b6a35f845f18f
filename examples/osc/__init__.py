"""Small programs and layouts that drive the bridge with OSC; README.md says how to use each."""
