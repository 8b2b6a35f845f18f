"""What can be asked for on the command line."""

from __future__ import annotations

import pytest

from benchmarks.real_music import __main__ as command


@pytest.mark.parametrize(
    "words",
    [
        ["--planned", "--clicks"],
        ["--accompany", "--stems"],
        ["--clicks", "--pictures", "folder"],
        ["--stems", "--further"],
    ],
)
def test_what_would_be_left_out_in_silence_is_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["real_music", *words])
    with pytest.raises(SystemExit):
        command.main()
    assert words[1] in capsys.readouterr().err
