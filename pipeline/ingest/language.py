"""The language of articles: declared by their source, or found by a packaged model."""

from functools import cache
from typing import Any, Final

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.ingest.rows import Article

# Characters of title and text that the model reads: more cost time and change next to nothing.
_READ: Final = 500
# Below this probability the language is not known: texts of a few words, names, two languages.
_SURE: Final = 0.9
# What the model calls a text without words.
_NO_LANGUAGE: Final = "zxx"
_DETECTED: Final = "detected"

# ISO 639-1 code: name in English, own name, codes of three letters.
_NAMES: Final = {
    "ar": "arabic العربية ara",
    "bg": "bulgarian български bul",
    "bn": "bengali বাংলা ben",
    "bs": "bosnian bosanski bos",
    "ca": "catalan català cat",
    "cs": "czech čeština ces cze",
    "da": "danish dansk dan",
    "de": "german deutsch deu ger",
    "el": "greek ελληνικά ell gre",
    "en": "english eng",
    "es": "spanish español castellano spa",
    "et": "estonian eesti est",
    "fa": "persian farsi فارسی fas per",
    "fi": "finnish suomi fin",
    "fr": "french français francais fra fre",
    "he": "hebrew עברית heb iw",
    "hi": "hindi हिन्दी hin",
    "hr": "croatian hrvatski hrv",
    "hu": "hungarian magyar hun",
    "id": "indonesian ind in",
    "it": "italian italiano ita",
    "ja": "japanese 日本語 jpn",
    "ko": "korean 한국어 kor",
    "lt": "lithuanian lietuvių lit",
    "lv": "latvian latviešu lav",
    "mk": "macedonian македонски mkd mac",
    "ms": "malay melayu msa may",
    "nl": "dutch nederlands flemish nld dut",
    "no": "norwegian norsk nor nb nob bokmål nn nno nynorsk",
    "pl": "polish polski pol",
    "pt": "portuguese português por",
    "ro": "romanian română ron rum",
    "ru": "russian русский rus",
    "sk": "slovak slovenčina slk slo",
    "sl": "slovenian slovene slovenščina slv",
    "sq": "albanian shqip sqi alb",
    "sr": "serbian српски srpski srp",
    "sv": "swedish svenska swe",
    "ta": "tamil தமிழ் tam",
    "th": "thai ไทย tha",
    "tr": "turkish türkçe tur",
    "uk": "ukrainian українська ukr",
    "ur": "urdu اردو urd",
    "vi": "vietnamese tiếng việt vie",
    "zh": "chinese mandarin 中文 zho chi cmn",
}
_CODES: Final = {name: code for code, names in _NAMES.items() for name in (code, *names.split())}


class UnwantedLanguageError(Exception):
    """The article is in a language that is not asked for; the message is one plain sentence."""


def language_code(language: str) -> str:
    """Return `en` for `en-GB`, `en_US`, `English` and `eng`; a code without a table as it is."""
    folded = language.strip().casefold()
    main = folded.replace("_", "-").partition("-")[0].split(" ")[0].strip("(),;")
    return _CODES.get(folded) or _CODES.get(main) or main


class Languages:
    """Gives articles their language, and refuses those in languages that are not asked for."""

    def __init__(self, section: config.Ingest) -> None:
        """Take `languages` and `detect_language`; ConfigError where a language is not known."""
        wanted = section.languages
        self._wanted = None if wanted is None else frozenset(map(_checked, wanted))
        self._detects = section.detect_language or wanted is not None

    def settle(self, article: Article) -> Article:
        """Return the article with `language` and `language_from`; UnwantedLanguageError.

        A declared language stays as it is written. Where none is declared and the model is not
        sure, it stays unknown; such an article is kept whatever is asked for.
        """
        if article.language is None and self._detects:
            found = detected(article.title, article.text)
            if found is not None:
                article = article._replace(language=found, language_from=_DETECTED)
        language = article.language
        if language and self._wanted is not None and language_code(language) not in self._wanted:
            raise UnwantedLanguageError(
                f"language is '{language}' ({article.language_from}); "
                f"asked for: {', '.join(sorted(self._wanted))}"
            )
        return article


def _checked(language: str) -> str:
    code = language_code(language)
    if code in _CODES or code in _model().labels:
        return code
    raise ConfigError(
        f"ingest.languages: {language!r} is no language that is known; write a code such as en"
    )


def detected(title: str | None, text: str) -> str | None:
    """Return the code of the language, or None where the model is not sure of it."""
    found, probability = _model().classify(f"{title}\n{text}"[:_READ] if title else text[:_READ])
    return None if probability < _SURE or found == _NO_LANGUAGE else str(found)


@cache
def _model() -> Any:
    """Return the packaged model (numbers, no pickle), which takes about a second to load."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
