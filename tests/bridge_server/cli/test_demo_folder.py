"""Each demo has its own folder."""

import pytest

from bridge_server.cli.demo_folder import own_folder
from daw_protocol.errors import ErrorCode, ProtocolError


def test_demos_at_once_have_folders_of_their_own_and_one_after_the_other_the_same(tmp_path):
    wanted = tmp_path / "demo-output"
    with own_folder(wanted) as first, own_folder(wanted) as second, own_folder(wanted) as third:
        assert [folder.name for folder in (first, second, third)] == [
            "demo-output", "demo-output-2", "demo-output-3",
        ]  # fmt: skip
    with own_folder(wanted) as again:
        assert again == wanted


def test_a_folder_that_cannot_be_made_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtocolError) as error, own_folder(tmp_path / "file" / "demo"):
        pass
    assert error.value.code is ErrorCode.STORE_FAILED
    assert "-o" in error.value.remedy
