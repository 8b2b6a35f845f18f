"""How a song is shaped: how long it is, where its music ends, and how loud it is where it plays. Numbers only."""

from __future__ import annotations

import math

import numpy as np

from bridge_server.songs.song_probe import SongProbe
from clip_store.audio.audio import Audio, Samples
from model.dsp.offset import steady_offset

# Half a second: shorter than a bar, longer than the pause between two notes.
BLOCK_SECONDS = 0.5
# A last chord that rings out has passed when it is this far below the song's usual level.
RINGING_DB = 18.0
SILENT = 1e-9  # below the rounding of any encoding: what is left of a constant offset


def song_shape(audio: Audio) -> SongProbe:
    """Length, channels and end of the music, from the samples: nothing is left to guess."""
    return SongProbe(audio.frames, audio.rate, audio.channels, music_frames=music_frames(audio))


def music_frames(audio: Audio) -> int:
    """Frames up to the end of the music: the end of the last half second near the song's usual level.

    The usual level is the median of all half seconds that sound at all; a silent song is music to its end.
    """
    levels = block_levels(audio)
    sounding = levels[levels > SILENT]
    if len(sounding) == 0:
        return audio.frames
    usual = float(np.median(sounding))
    playing = np.flatnonzero(levels > usual * 10 ** (-RINGING_DB / 20))
    return min(audio.frames, (int(playing[-1]) + 1) * block_frames(audio))


def playing_part(audio: Audio, end: int) -> Samples:
    """The song's samples up to `end`, without what only rings out at their end: a reference for loudness."""
    return audio.samples[: min(end, music_frames(audio))]


def block_levels(audio: Audio) -> Samples:
    """RMS of each half second without its offset, all channels together; the last block may be shorter."""
    size = block_frames(audio)
    blocks = [audio.samples[first : first + size] for first in range(0, audio.frames, size)]
    if steady_offset(audio.samples).any():  # no sound, and it would go on where the music ends
        blocks = [block - block.mean(axis=0) for block in blocks]
    return np.array([math.sqrt(np.square(block).mean()) for block in blocks])


def block_frames(audio: Audio) -> int:
    return round(BLOCK_SECONDS * audio.rate)
