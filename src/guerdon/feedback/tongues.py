"""Tongues: in which language a text is, of those that instructions ask for.

The script decides first: the one in which most letters are written. Where several languages write it, each counts the words of the text that are among
its commonest, and the letters that it alone of them has. Languages are named as ISO 639-1 does; a text without letters is in none.
"""

import re
import unicodedata
from collections import Counter

_SCRIPTS = {  # as the names of letters begin, and who writes them
    "LATIN": ("en", "es", "pt", "fr", "de", "it", "vi", "fi", "sw", "pl", "nl", "sv", "ro", "tr", "id"),
    "CYRILLIC": ("ru", "uk", "bg"),
    "ARABIC": ("ar", "fa", "ur"),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "BENGALI": ("bn",),
    "GURMUKHI": ("pa",),
    "GUJARATI": ("gu",),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "KANNADA": ("kn",),
    "MALAYALAM": ("ml",),
    "THAI": ("th",),
    "HANGUL": ("ko",),
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "CJK": ("zh",),
    "HEBREW": ("he",),
    "GREEK": ("el",),
}
_COMMON = {
    "en": "the of and to a in is that it for was on are as with be this have from or by not but what all you your we can an at which their will i my",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ya este sí porque esta son está muy también",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser está você são também",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ou être cette nous vous mais je elle c'est",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei ich wir sind",
    "it": "di e il la che in a per un è del le si una con da non sono i al dei nel più della come anche lo ma gli alla questo ha delle su questa essere",
    "vi": "và của là có không được cho trong một các với người này đã những để khi từ ra về cũng như đến bạn tôi nhiều nó rất làm vào thể",
    "fi": "ja on ei se että en hän oli ovat mutta kun myös niin kuin jos tai minä sinä olla voi ole sen joka hänen tämä mitä vain kanssa sekä minun me",
    "sw": "ya na wa kwa ni katika za la kuwa hii cha yake ili kama huo hiyo vya watu hilo mimi wewe au lakini pia wao yangu sana mtu kila hakuna huu",
    "pl": "i w na z do się nie to że jest o jak a po co ale od za ich przez dla był tym są czy tego przy jej może go być te ma oraz",
    "nl": "de het een van en in is dat op te zijn met voor niet aan er om ook als dan maar bij uit door naar wordt ze hij deze heeft kan je",
    "sv": "och i att det som en på är av för med den till inte har de ett om var men jag så vi kan från eller när efter ska mycket hon",
    "ro": "și de la în a cu nu pe care este un o ca să mai din pentru sunt se au fi dar sau ce al lui prin acest foarte după",
    "tr": "ve bir bu da de için ile çok ne daha olarak gibi kadar sonra var en ben o ama olan her değil mi ya şey iyi onun",
    "id": "yang dan di dengan untuk ini itu dari dalam tidak pada adalah akan ke juga saya anda kami atau mereka bisa ada karena oleh sebagai lebih",
    "ru": "и в не на я что он с как это по но она так его то все у к за из мы от бы ты же был для о было её",
    "uk": "і в не на що я з як це у та до він але за від її його так або ми по вона для ви які є бути також",
    "bg": "и на да се в за не от са с по че е като до това си ще но аз който един при тя той много или към има",
    "ar": "في من على إلى أن هذا هذه التي الذي عن مع ما لا هو هي كان أو كل بعد ذلك قد بين كما لم ثم أنا",
    "fa": "و در به از که این است را با برای آن یک خود تا بر می هم شد او ها بود شود اما باید کرد من",
    "ur": "کے کی میں ہے اور سے کا کو اس پر نے ہیں کہ یہ بھی کر ایک نہیں تھا ہو کیا وہ لیے گیا جو آپ",
    "hi": "के में है की और से का को पर यह भी नहीं एक हैं कर ने तो ही हो था लिए इस कि जो साथ वह या आप",
    "mr": "आणि आहे या ते व हे मी तो ती आहेत नाही होते केले तर च मध्ये एक हा असे करण्यात त्या ही पण आपण त्यांना झाले होता",
    "ne": "र को छ मा हो यो पनि का लागि भएको गर्न थियो एक छन् तर म गरेको भने हुन्छ यस त्यो उनले गर्ने हाम्रो तपाईं छैन",
}
_OWN = {  # letters that no other language of the script has
    "es": "ñ¿¡", "pt": "ãõ", "fr": "œ", "de": "ß", "vi": "ơưđạảấầẩậắằẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "pl": "ąęłńśźż", "ro": "șță", "tr": "ğış",
    "ru": "ыэё", "uk": "іїєґ", "ar": "ةيكىإأ", "fa": "ژ", "ur": "ٹڈڑےںھ", "mr": "ळ",
}  # fmt: skip


def tongue(text: str) -> str | None:
    """The language of a text; None where it has no letters, or is in none of those known."""
    letters = [letter for letter in text.lower() if letter.isalpha()]
    scripts = Counter(_script(letter) for letter in letters)
    if not scripts:
        return None
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * scripts.total():
        return "ja"
    script = scripts.most_common(1)[0][0]
    writers = _SCRIPTS.get(script, ())
    if len(writers) <= 1:
        return writers[0] if writers else None
    words = Counter(re.findall(r"[^\s\d.,;:!?()\[\]\"“”«»*_#।॥،؟-]+", text.lower()))
    seen = Counter(letters)
    score = {name: _known(name, words) + sum(seen[letter] for letter in _OWN.get(name, "")) for name in writers}
    return max(writers, key=lambda name: score[name])


def _known(name: str, words: Counter[str]) -> int:
    return sum(words[word] for word in _WORDS[name])


_WORDS = {name: frozenset(words.split()) for name, words in _COMMON.items()}


def _script(letter: str) -> str:
    return "LATIN" if letter.isascii() else unicodedata.name(letter, "?").partition(" ")[0]
