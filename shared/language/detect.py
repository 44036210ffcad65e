"""Detects the language of a text by its script, its function words and its letters."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

DEFAULT = "en"
_READ = 3000
"""Characters that are looked at: enough to be sure, few enough for a fifth of a millisecond."""

_PRIOR = 0.3
"""How much sooner a text is taken for English: one shared word is no sign, nothing at all is the default."""

_SURE = 0.5
"""A lead of this much, half an unshared word, leaves no other language possible."""

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f\u1e00-\u1eff]")
_WORDS = re.compile(r"\b[^\W\d_]+\b")
_UKRAINIAN = frozenset("іїєґ")
_DIACRITICS = re.compile(r"[\u00a1\u00bf\u00df-\u024f]")

_FUNCTION_WORDS = {
    "en": "the of and to in is was are were be been that which this these those it its with for from by on as at an "
    "or not but have has had he she they we you his her their our your who whom what when where why how does "
    "do did can could would should will than then there i my if about into also many much any some all "
    "between a because during both may each after before more such used using use only against other "
    "within without under over",
    "de": "der die das und den dem des ein eine einer einem einen eines ist sind war waren wird werden wurde wurden "
    "nicht mit von vom zu zum zur im auf für bei aus nach auch sich als wie was wer wen wem wo wann warum "
    "welche welcher welches welchen wieviel viele es er sie wir ihr ich mein sein seine ihre unser oder aber "
    "dass daß kann können hat haben hatte hatten durch über unter zwischen nur noch so dieser diese dieses "
    "bis an um am kein keine welchem worauf womit wofür wodurch wieso weshalb wozu worin woran welcherlei "
    "jahr man nennt heißt hieß ab seit während gegen laut fand findet gibt gab",
    "fr": "le la les un une des du de et est sont était étaient été être dans pour par sur avec que qui quoi quand "
    "où comment pourquoi quel quelle quels quelles ce cette ces cet il elle ils elles nous vous je son sa ses "
    "leur leurs au aux ne pas plus ou mais comme se sans entre aussi ont avait combien en y à c d l n s qu j "
    "laquelle lequel depuis chez sous",
    "es": "el la los las un una unos unas de del y es son era eran fue fueron ser en por para con que qué quién "
    "quiénes cuál cuáles cuándo cuánto cuántos cuánta cuántas dónde cómo se no su sus al lo como más pero o "
    "ha han había este esta estos estas ese esa entre sobre también muy sin yo nosotros ellos le les hay está "
    "están cual cuantos quien donde cuando porque desde hasta",
    "it": "il lo la i gli le un uno una di del dello della dei degli delle e è sono era erano essere stato stata in "
    "nel nello nella nei negli nelle per con che chi cosa quale quali quando dove come perché quanto quanti "
    "quante si non al alla ai alle da dal dalla su sul sulla suo sua suoi ma o anche più ha hanno aveva "
    "questo questa questi tra fra ci ed ad l d agli dall dell nell quell",
    "pt": "o a os as um uma uns umas de do da dos das e é são era eram foi foram ser em no na nos nas por para pelo "
    "pela pelos pelas com que quem qual quais quando onde como quanto quantos quantas se não seu sua seus "
    "suas ao aos à às mais mas ou também tem têm tinha este esta isso entre sobre muito ele ela eles elas "
    "está estão há nós porque desde até muitos muitas",
    "nl": "de het een en van in is zijn was waren werd werden wordt worden dat die dit deze niet met voor op te ten "
    "ter aan bij uit naar ook zich als hoe wat wie waar wanneer waarom welke hoeveel ik je jij hij zij wij "
    "hun haar heeft hebben had hadden door over onder tussen maar of dan er nog om kan kunnen geen veel meer "
    "waarin waarop waarvoor sinds tegen jaar",
    "sv": "och att det som en ett är var av för på med till den de inte han hon jag vi ni från har hade om men när "
    "vad vem vilken vilket vilka hur varför eller sig sin sitt sina kan ska skulle vara blev blir under "
    "mellan också i många mycket efter vid denna detta dessa där här finns ingen mot sedan år åt",
    "da": "og at det som en et er var af for på med til den de ikke han hun jeg vi fra har havde om men når hvad "
    "hvem hvilken hvilket hvilke hvordan hvorfor hvor hvornår eller sig sin sit sine kan skal skulle være "
    "blev bliver under mellem også i mange meget efter ved denne dette disse der her ingen blevet kun mod "
    "siden år årsag",
    "no": "og at det som en et er var av for på med til den de ikke han hun jeg vi fra har hadde om men når hva "
    "hvem hvilken hvilket hvilke hvordan hvorfor hvor eller seg sin sitt sine kan skal skulle være ble blir "
    "under mellom også i mange mye etter ved denne dette disse der her ingen blitt bare ei mot siden år",
    "fi": "ja on ei se että oli olivat ovat olla ole hän he me te minä sinä joka jotka mikä mitä mitkä kuka ketkä "
    "missä milloin miksi miten kuinka tai mutta kun kuin myös sen sitä ne niin jos vain hänen heidän tämä "
    "tämän nämä ollut monta moni paljon sekä eivät mukaan kanssa jälkeen ennen",
    "hu": "a az és hogy nem is egy ez volt van voltak vannak meg mi ki mit kik hol mikor miért hogyan mennyi hány "
    "melyik de vagy csak még már mint ha azt ezt amely akik aki ami között után előtt által lesz lett lehet "
    "minden sem el",
    "ro": "și şi în la de a al ale cu pe din pentru este sunt era erau fost fi că care ce cine când unde cum cât "
    "câți câte nu o un una unei unui mai sau dar prin după între despre sa său lui ei lor au avea acest "
    "această aceste ca se le",
    "tr": "ve bir bu da de için ile olan olarak çok daha gibi ne kim nerede zaman nasıl neden niçin hangi kaç ama "
    "veya değil var yok ise en o şu her kadar sonra önce olduğu oldu tarafından mi mı mu mü ki ben biz onlar "
    "arasında",
    "pl": "i w z na do nie się jest są był była było byli być to że który która które kto co kiedy gdzie jak "
    "dlaczego ile czy od po za przez dla ale lub oraz jego jej ich tym tego ten ta o a przy między jako",
    "cs": "a v na se je jsou byl byla bylo byli být to že který která které kdo co kdy kde jak proč kolik nebo ale "
    "od po za pro při jeho její jejich tento tato s z k o do i ve ze jako mezi by",
}
_LETTERS = {
    "de": "ßäöü",
    "fr": "çœèêùûëïâîô",
    "es": "ñ¿¡áóíú",
    "it": "òìàùè",
    "pt": "ãõçáâêó",
    "nl": "ĳ",
    "sv": "åäö",
    "da": "øæå",
    "no": "øæå",
    "fi": "äö",
    "hu": "őűáéöü",
    "ro": "ășțşţâ",
    "tr": "ğışçöü",
    "pl": "łąęśżźćń",
    "cs": "ěřůščžýá",
}


def detect(text: str) -> str:
    """Returns the language as ISO 639-1; "en" where a text in Latin letters (or in none) gives no sign."""
    return possible(text)[0]


def possible(text: str) -> tuple[str, ...]:
    """The languages that the text may be in, the likeliest first: one where the signs are clear, many where a few
    words give none. For a text of one word in Latin letters these are all that are written so."""
    read = text[:_READ]
    script = _script(read)
    if script == "ru":
        return ("uk" if _UKRAINIAN & set(read.lower()) else "ru",)
    return (script,) if script else _latin(read.lower())


@cache
def function_words(language: str) -> frozenset[str]:
    """The function words by which a language is detected; none for one that is detected by its script."""
    return frozenset(_FUNCTION_WORDS.get(language, "").split())


def _script(text: str) -> str | None:
    """The language of the first script that makes up a third of the letters; None for Latin."""
    if text.isascii():
        return None
    latin = len(_LATIN.findall(text))
    for language, letters in _SCRIPTS:
        found = len(letters.findall(text))
        if found * 2 > latin and found:
            return language
    return None


def _latin(text: str) -> tuple[str, ...]:
    scores = dict.fromkeys(_FUNCTION_WORDS, 0.0)
    scores[DEFAULT] = _PRIOR
    for sign in _WORDS.findall(text) + _DIACRITICS.findall(text):
        for language, weight in _SIGNS.get(sign, ()):
            scores[language] += weight
    likeliest = sorted(scores, key=lambda language: -scores[language])
    return tuple(language for language in likeliest if scores[language] > scores[likeliest[0]] - _SURE)


def _pairs(table: dict[str, str], words: bool) -> Iterator[tuple[str, str]]:
    for language, signs in table.items():
        for sign in set(signs.split() if words else signs):
            yield sign, language


def _weighted() -> dict[str, tuple[tuple[str, float], ...]]:
    """Maps each sign to its languages and weights: the fewer languages share a sign, the more it weighs."""
    languages: dict[str, list[str]] = defaultdict(list)
    for sign, language in (*_pairs(_FUNCTION_WORDS, words=True), *_pairs(_LETTERS, words=False)):
        if language not in languages[sign]:
            languages[sign].append(language)
    return {sign: tuple((name, _weight(sign) / len(names)) for name in names) for sign, names in languages.items()}


def _weight(sign: str) -> float:
    """The weight of a sign. One or two ASCII letters weigh less: formulas, initials and abbreviations have them too."""
    return {1: 0.3, 2: 0.6}.get(len(sign), 1.0) if sign.isascii() else 1.0


_SIGNS = _weighted()
