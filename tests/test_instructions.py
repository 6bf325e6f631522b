"""Instructions that a program can check: the published checker's verdicts, the languages, and the columns as data have them."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.feedback.instructed import CHECKS, capitals, follows, loosened, sentences
from guerdon.feedback.rewards.instructions import Instructions
from guerdon.feedback.tongues import tongue
from instruction_verdicts import VERDICTS


def test_the_verdicts_are_those_of_the_published_checker():
    wrong = [
        row for row in VERDICTS if any(follows(row[0], row[1], text) for text in (loosened(row[2]) if row[3] else [row[2]])) is not row[4]
    ]
    assert not wrong
    seen = Counter((name, verdict) for name, _, _, _, verdict in VERDICTS)
    assert len(CHECKS) == 25 and all(seen[name, verdict] >= 6 for name in CHECKS for verdict in (True, False))


def test_the_part_judges_rows_as_the_table_does():
    strict = [row for row in VERDICTS if not row[3]]
    found = Instructions()(
        ["q"] * len(strict),
        [row[2] for row in strict],
        instruction_id_list=[[row[0]] for row in strict],
        kwargs=[[json.dumps(row[1])] for row in strict],
    )
    assert found == [float(row[4]) for row in strict]


TONGUES = {
    "en": "The weather was fine, so we walked along the river and talked about the house.",
    "de": "Das Wetter war schön, und wir gingen mit den Kindern an den Fluss.",
    "fr": "Nous avons marché le long de la rivière avec les enfants, et il faisait beau.",
    "es": "Hacía buen tiempo y caminamos por el río con los niños de la casa.",
    "pt": "O tempo estava bom e nós caminhamos pelo rio com as crianças da casa.",
    "it": "Il tempo era bello e abbiamo camminato lungo il fiume con i bambini della casa.",
    "vi": "Thời tiết rất đẹp và chúng tôi đã đi dọc theo con sông với các em nhỏ.",
    "fi": "Sää oli kaunis ja me kävelimme joen rannalla, mutta lapset eivät olleet kotona.",
    "sw": "Hali ya hewa ilikuwa nzuri na watu wote walitembea kwa mto katika mji wa kwao.",
    "pl": "Pogoda była ładna i poszliśmy nad rzekę, ale nie było tam dzieci z naszego domu.",
    "nl": "Het weer was mooi en we liepen met de kinderen langs de rivier, maar niet naar het huis.",
    "ru": "Погода была хорошая, и мы гуляли с детьми у реки, но это было не так далеко.",
    "uk": "Погода була гарна, і ми гуляли з дітьми біля річки, але це було не так далеко.",
    "bg": "Времето беше хубаво и ние се разхождахме с децата по реката, но това не е далече от къщата.",
    "ar": "كان الطقس جميلا وذهبنا إلى النهر مع الأطفال في هذا اليوم.",
    "fa": "هوا خوب بود و ما با بچه‌ها به کنار رود رفتیم که در آن روز آرام بود.",
    "ur": "موسم اچھا تھا اور ہم بچوں کے ساتھ دریا کے کنارے گئے لیکن وہ گھر میں نہیں تھے۔",
    "he": "מזג האוויר היה יפה והלכנו לאורך הנהר.",
    "hi": "मौसम अच्छा था और हम बच्चों के साथ नदी के किनारे गए, लेकिन वह घर में नहीं था।",
    "mr": "हवामान छान होते आणि आम्ही मुलांसोबत नदीकाठी गेलो, पण ते घरी नाही आहे.",
    "ne": "मौसम राम्रो थियो र हामी नदीको छेउमा गयौं, तर यो घर छैन भने हुन्छ।",
    "bn": "আবহাওয়া ভালো ছিল এবং আমরা নদীর ধারে গিয়েছিলাম।",
    "pa": "ਮੌਸਮ ਚੰਗਾ ਸੀ ਅਤੇ ਅਸੀਂ ਨਦੀ ਦੇ ਕੰਢੇ ਗਏ।",
    "gu": "હવામાન સારું હતું અને અમે નદી કિનારે ગયા.",
    "ta": "வானிலை நன்றாக இருந்தது, நாங்கள் ஆற்றங்கரைக்குச் சென்றோம்.",
    "te": "వాతావరణం బాగుంది మరియు మేము నది ఒడ్డుకు వెళ్ళాము.",
    "kn": "ಹವಾಮಾನ ಚೆನ್ನಾಗಿತ್ತು ಮತ್ತು ನಾವು ನದಿಯ ದಡಕ್ಕೆ ಹೋದೆವು.",
    "ml": "കാലാവസ്ഥ നല്ലതായിരുന്നു, ഞങ്ങൾ നദീതീരത്ത് പോയി.",
    "th": "อากาศดีและเราเดินไปตามแม่น้ำ",
    "ko": "날씨가 좋아서 우리는 강을 따라 걸었습니다.",
    "ja": "天気が良かったので、川に沿って歩きました。",
    "zh": "天气很好，我们沿着河走。",
    "el": "Ο καιρός ήταν καλός και περπατήσαμε στο ποτάμι.",
}


@pytest.mark.parametrize("name", TONGUES)
def test_languages(name):
    assert tongue(TONGUES[name]) == name
    assert tongue(f"1. **{TONGUES[name]}** (2024)") == name


def test_a_text_without_letters_is_in_no_language_and_in_any():
    assert tongue("12 ** !") is None and follows("language:response_language", {"language": "hi"}, "12")


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("One.", 1), ("One. Two! Three?", 3), ("Dr. Smith left. He ran", 2), ('He said "no." Then', 2), ("It is 3.5 now", 1), ("Why?! No...  ok", 3)],
)  # fmt: skip
def test_sentences(text, count):
    assert sentences(text) == count


@pytest.mark.parametrize(("text", "count"), [("A B-C d", 2), ("AI-based U.S. OK.", 2), ("I'M", 2), ("NASA, (ESA) [X]", 3), ("none", 0)])
def test_words_in_capitals(text, count):
    assert capitals(text) == count


def test_settings_that_tables_fill_with_nothing_are_none():
    every = {"num_words": None, "relation": None, "keywords": ["f(x"]}
    assert follows("keywords:existence", every, "let F(X) be") and not follows("keywords:existence", every, "f x")


@pytest.mark.parametrize(
    ("names", "own", "says"),
    [
        (["punctuation:no_comas"], [{}], "no_comma"),
        (["length_constraints:number_words"], [{"num_words": 3}], "relation"),
        (["length_constraints:number_words"], [{"num_words": 3, "relation": "about"}], "less than"),
        (["punctuation:no_comma"], [{}, {}], "a dictionary for each"),
        (["punctuation:no_comma"], [5], "dictionary"),
    ],
)
def test_rows_that_cannot_be_checked_are_refused(names, own, says):
    with pytest.raises(InputError, match=says):
        Instructions().judge(["q"], ["a"], [names], [own])


def test_a_row_without_instructions_has_no_reward_and_levels_are_two():
    assert Instructions().judge(["q"], ["a"], [[]], [[]]) == Instructions().judge(["q"], ["a"], [None], [None]) == [None]
    with pytest.raises(InputError, match="prompt or instruction"):
        Instructions("row")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_what_is_followed_strictly_is_followed_loosely_and_no_text_breaks_a_check(text):
    some = {name: own for name, own, *_ in VERDICTS}
    for name, own in some.items():
        strict = follows(name, own, text)
        assert isinstance(strict, bool) and (not strict or any(follows(name, own, one) for one in loosened(text)))
