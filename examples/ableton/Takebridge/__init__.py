"""Takebridge for Ableton Live 12: copy this folder to `Remote Scripts` in the User Library, and choose it in
Settings > Link, Tempo & MIDI. Live calls `create_instance` once for each slot it is chosen in.

Standard library only, relative imports only: Live decides where the folder lies.
"""


def create_instance(c_instance):
    """The control surface. c_instance: Live's end of it."""
    # Not at the top: the parts below can be imported, and tested, where there is no Live.
    from .surface import Takebridge

    return Takebridge(c_instance)
