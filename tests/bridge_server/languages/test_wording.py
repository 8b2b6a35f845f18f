from bridge_server.languages.wording import error_in, label_in, reply_in, text_in, values_in
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Acknowledged, Failed

MISSING = ProtocolError(ErrorCode.FILE_MISSING, "There is no file a.wav.", "Check the name.", "source")


def test_english_is_as_it_is_written():
    reply = Failed.from_error(MISSING)
    assert text_in("Check the name.", "en") == "Check the name."
    assert error_in(MISSING, "en") is MISSING
    assert reply_in(reply, "en") is reply
    assert values_in({"note": "Check the name."}, "en") == {"note": "Check the name."}


def test_a_word_by_itself_is_translated_and_the_name_of_a_field_is_not():
    assert label_in("length", "ko") == "길이"
    assert text_in("length must be 1 to 9, got 0", "ko").startswith("length")
    assert label_in("at sample", "ko") == "샘플 위치"
    assert label_in("no such word", "ko") == "no such word"
    assert label_in("length", "en") == "length"


def test_an_error_keeps_its_code_and_field():
    error = error_in(MISSING, "ko")
    assert (error.code, error.field) == (ErrorCode.FILE_MISSING, "source")
    assert error.sentence == "a.wav 파일이 없습니다."
    assert error.remedy == "이름을 확인하세요."


def test_a_reply_is_worded_and_otherwise_the_same():
    reply = reply_in(Failed.from_error(MISSING, request_id="r1"), "ko")
    assert reply.to_fields() == {
        "id": "r1", "code": "file_missing", "field": "source",
        "sentence": "a.wav 파일이 없습니다.", "remedy": "이름을 확인하세요.",
    }  # fmt: skip
    plain = Acknowledged(job="j1", state="queued")
    assert reply_in(plain, "ko") == plain


def test_of_json_only_fields_for_sentences_are_worded():
    given = {
        "title": "Check the name.",
        "prompt": "Check the name.",
        "text": "Check the name.",
        "number": 3,
        "failure": {"sentence": "Check the name.", "code": "internal"},
        "warnings": ["Check the name.", "else"],
    }
    assert values_in(given, "ko") == {
        **given,
        "failure": {"sentence": "이름을 확인하세요.", "code": "internal"},
        "warnings": ["이름을 확인하세요.", "else"],
    }
