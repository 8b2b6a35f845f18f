"""Which weights the server is started with: --models, the environment, or the usual place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge_server.cli import arguments as shared
from bridge_server.cli.arguments import engines_of
from bridge_server.cli.parser import parser
from bridge_server.cli.serve import ready_message
from bridge_server.cli.serve_settings import serve_settings
from bridge_server.engines.registry import MODELS_ENGINE, engine_setups
from bridge_server.platforms import kernels_file, mailbox_pointer, models_folder, store_folder
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.model.stems.test_published_stems import installed


def serve_arguments(models: Path, *words: str):
    """`takebridge serve WORDS` with `models` as the folder unless another one is named."""
    return parser(Path("store"), models, Path("here")).parse_args(["serve", *words])


@pytest.fixture(autouse=True)
def no_old_store(monkeypatch):
    """Whoever runs the tests may have a store under the product's old name: it is none of theirs."""
    monkeypatch.setattr(shared, "take_over_old_store", lambda store: None)


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "much"])
def test_memory_is_a_size(tmp_path, capsys, size):
    with pytest.raises(SystemExit):
        serve_arguments(tmp_path, "--memory-gb", size)
    assert "is no size in gigabytes" in capsys.readouterr().err


def test_without_a_folder_the_engine_is_there_and_says_what_to_do():
    usual = models_folder()
    # A model may come while it runs.
    assert engines_of(serve_arguments(usual)) == engine_setups(models=usual, kernels=kernels_file())
    assert MODELS_ENGINE.name in serve_settings(serve_arguments(usual)).engines


def test_a_named_folder_without_models_stops_the_server(tmp_path):
    with pytest.raises(ProtocolError) as error:
        serve_settings(serve_arguments(tmp_path))
    assert error.value.code is ErrorCode.ENGINE_NOT_READY
    assert error.value.remedy


def test_a_named_folder_with_a_separation_network_alone_will_do(tmp_path):
    pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")
    installed(tmp_path, 0)
    assert serve_settings(serve_arguments(tmp_path)).engines


def test_scripts_are_led_only_to_a_server_with_a_port_and_a_store_of_its_own(tmp_path):
    def pointer_of(store: Path, *words: str):
        arguments = parser(store, models_folder(), Path("here")).parse_args(["serve", *words])
        return serve_settings(arguments).pointer

    assert pointer_of(tmp_path) == mailbox_pointer()
    assert pointer_of(tmp_path, "--port", "0") is None
    assert pointer_of(store_folder()) is None


def test_a_watched_folder_is_named_on_the_command_line(tmp_path):
    assert serve_settings(serve_arguments(models_folder())).watch is None
    settings = serve_settings(serve_arguments(models_folder(), "--watch", str(tmp_path)))
    assert settings.watch is not None
    assert settings.watch.folder == tmp_path
    assert any(str(tmp_path) in line for line in ready_message(settings))


def test_songs_are_looked_for_in_the_current_folder_unless_others_are_named(tmp_path):
    assert serve_settings(serve_arguments(models_folder())).roots == (Path("here"),)
    named = serve_settings(serve_arguments(models_folder(), "--root", str(tmp_path)))
    assert named.roots == (tmp_path,)


def test_places_are_one_unless_more_are_asked_for():
    assert serve_settings(serve_arguments(models_folder())).places == 1
    assert serve_settings(serve_arguments(models_folder(), "--places", "2")).places == 2
    with pytest.raises(ProtocolError, match="places must be 1 to 8, got 9"):
        serve_settings(serve_arguments(models_folder(), "--places", "9"))


def test_a_start_option_the_engine_does_not_have_stops_the_server():
    with pytest.raises(ProtocolError, match="no start option called 'tempo'") as error:
        serve_settings(serve_arguments(models_folder(), "--engine-option", "sketch.tempo=fast"))
    assert error.value.code is ErrorCode.ENGINE_NOT_READY


def test_the_token_comes_from_a_file_which_no_process_list_shows(tmp_path, caplog):
    file = tmp_path / "token"
    for coding in ("utf-8", "utf-8-sig"):  # Notepad's
        file.write_text("open sesame\r\n", encoding=coding)
        found = serve_settings(serve_arguments(models_folder(), "--token-file", str(file)))
        assert found.token == "open sesame"
    assert caplog.messages == []
    assert serve_settings(serve_arguments(models_folder(), "--token", "abc")).token == "abc"
    assert "process list" in caplog.text
    assert "abc" not in caplog.text


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_token_stops_the_server(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ProtocolError, match="There is no token in"):
        serve_settings(serve_arguments(models_folder(), "--token-file", str(file)))


def test_a_root_that_cannot_be_read_stops_the_server(tmp_path):
    (tmp_path / "song.wav").write_bytes(b"")
    (tmp_path / "songs").mkdir()
    for name, code, reason in (
        ("gone", ErrorCode.FILE_MISSING, "no such folder"),
        ("song.wav", ErrorCode.FILE_UNREADABLE, "not a directory"),
    ):
        words = ("--root", str(tmp_path / "songs"), "--root", str(tmp_path / name))
        with pytest.raises(ProtocolError, match=reason) as error:
            serve_settings(serve_arguments(models_folder(), *words))
        assert (error.value.code, error.value.field) == (code, "root")
        assert name in error.value.sentence
    found = serve_settings(serve_arguments(models_folder(), "--root", str(tmp_path / "songs")))
    assert found.roots == (tmp_path / "songs",)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom folders can refuse")
def test_a_root_that_may_not_be_read_stops_the_server(tmp_path):
    (tmp_path / "songs").mkdir(mode=0)
    with pytest.raises(ProtocolError, match="permission denied"):
        serve_settings(serve_arguments(models_folder(), "--root", str(tmp_path / "songs")))


LINE = f"ws://127.0.0.1:9135#{'t' * 43}"


def test_render_hosts_are_named_by_their_line_or_by_a_file_with_it(tmp_path, caplog):
    file = tmp_path / "studio.txt"
    file.write_text(f"{LINE}\n", encoding="utf-8")
    found = serve_settings(serve_arguments(models_folder(), "--render-host", str(file)))
    assert [str(host) for host in found.render_hosts] == [LINE]
    assert not found.render_host_fallback
    assert "process list" not in caplog.text
    words = ("--render-host", LINE, "--render-host", str(file), "--render-host-fallback", "local")
    found = serve_settings(serve_arguments(models_folder(), *words))
    assert len(found.render_hosts) == 2
    assert found.render_host_fallback
    assert "process list" in caplog.text, "other users of this machine could read it there"


def test_a_line_as_windows_gives_it_is_read(tmp_path):
    file = tmp_path / "studio.txt"
    file.write_text(f"{LINE}\r\n", encoding="utf-8-sig")  # of its Notepad
    for given in (str(file), f"'{LINE}'"):  # cmd.exe passes single quotes on
        found = serve_settings(serve_arguments(models_folder(), "--render-host", given))
        assert [str(host) for host in found.render_hosts] == [LINE]


def test_a_token_is_quoted_nowhere():
    with pytest.raises(ProtocolError) as caught:
        serve_settings(serve_arguments(models_folder(), "--render-host", f"127.0.0.1:9135#{'t' * 43}"))
    assert "ttt" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, ErrorCode.FILE_MISSING), (b"box", ErrorCode.WRONG_TYPE), (b"\xff", ErrorCode.WRONG_TYPE)],
)
def test_a_file_without_a_line_is_named(tmp_path, content, code):
    if content is not None:
        (tmp_path / "studio.txt").write_bytes(content)
    with pytest.raises(ProtocolError) as caught:
        serve_settings(serve_arguments(models_folder(), "--render-host", str(tmp_path / "studio.txt")))
    assert (caught.value.code, caught.value.field) == (code, "render-host")
