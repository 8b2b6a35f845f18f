import pytest

from bridge_server.languages.particles import with_particles


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("테이크", "을(를) 지웁니다", "를 지웁니다"),
        ("구간", "을(를) 지웁니다", "을 지웁니다"),
        ("곡", "은(는)", "은"),
        ("파일", "(으)로", "로"),
        ("폴더", "(으)로", "로"),
        ("조건", "(으)로", "으로"),
        ("3", "이(가)", "이"),
        ("2", "이(가)", "가"),
        ("'a.wav'", "은(는)", "는"),
        ("drum", "과(와)", "과"),
        ("", "은(는)", "는"),
        ("turbo", "(이)라는", "라는"),
        ("1000", "이어야(여야)", "이어야"),
        ("64", "이어야(여야)", "여야"),
        ("song.wav", '"(으)로 쓰세요', '"로 쓰세요'),
        ("17", '"(으)로 쓰세요', '"로 쓰세요'),
        ("6", '"(으)로 쓰세요', '"으로 쓰세요'),
        ("6.3 GB", "을(를)", "를"),
        ("PCM", "이(가)", "이"),
        ("URL", "(으)로", "로"),
        ("repaint", "이(가)", "가"),
        ("extract", "은(는)", "는"),
        ("track", "을(를)", "을"),
        ("music", "은(는)", "은"),
    ],
)
def test_the_particle_fits_how_the_word_ends(word, particle, expected):
    assert with_particles(word, particle) == expected


def test_other_text_stays():
    assert with_particles("곡", " 파일을") == " 파일을"
