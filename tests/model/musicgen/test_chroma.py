"""The loudest note of each frame, heard in tones whose notes are known."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers", reason="MusicGen needs transformers: pip install takebridge[musicgen]")

import torch

from model.musicgen.chroma import HOP, chroma_of

RATE = 32_000
C = 261.6256


@pytest.mark.parametrize("note", range(12))
def test_a_tone_is_its_note_in_any_octave(note: int):
    at = torch.arange(2 * RATE) / RATE
    for octave in (1, 2):
        tone = torch.sin(2 * torch.pi * C * octave * 2 ** (note / 12) * at)
        found = chroma_of(tone, RATE, 12)
        assert found.shape == (1, 1 + len(tone) // HOP, 12)
        assert torch.equal(found.sum(-1), torch.ones(found.shape[:2]))
        assert found[0, 4:-4, note].all()


def test_a_song_shorter_than_one_window_is_heard_too():
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(3_001) / RATE)
    assert chroma_of(tone, RATE, 12)[0, :, 9].any()
