"""How hard a question is, judged by its words alone: no model is asked. English and German."""

import re

from shared.types.model import Complexity

_LONG_WORDS = 40
_LONGISH_WORDS = 25

_COMPARING = re.compile(
    r"\b(compar\w+|versus|vs|differ\w*|similarit\w+|contrast\w*|trade-?offs?|pros and cons|advantages?|disadvantages?"
    r"|(better|worse|more|less|faster|slower|cheaper|safer|larger|smaller) \w*\s?than"
    r"|vergleich\w*|unterschied\w*|unterscheide\w*|gemeinsamkeit\w*|vor- und nachteile|vorteile?|nachteile?"
    r"|im gegensatz|gegenüber"
    r"|(besser|schlechter|mehr|weniger|schneller|langsamer|günstiger|größer|kleiner) \w*\s?als)\b",
    re.IGNORECASE,
)
_EXPLAINING = re.compile(
    r"\b(why|how come|explain|how (does|do|did|could|can|would|is|are|was|were) (?!i\b|you\b|we\b)\w+"
    r"|reasons? (for|why|that)|causes?|caused|consequences?|implications?|impact|affects?|influence[sd]?|lead to|led to"
    r"|warum|weshalb|wieso|weswegen|erklär\w*|erläuter\w*|wie (funktionier\w+|wirk\w+|häng\w+|entsteh\w+|komm\w+ es)"
    r"|ursachen?|gründe|begründ\w+|folgen|auswirk\w+|beeinfluss\w+|zusammenhang)\b",
    re.IGNORECASE,
)
_JUDGING = re.compile(
    r"\b(summari[sz]e|summary|analy[sz]e|analysis|evaluate|assess|discuss|outline|recommend|derive|infer|conclude"
    r"|step by step|in detail|across all|all (the )?(documents|reports|contracts|papers)"
    r"|fasse|zusammenfass\w*|analysier\w*|analyse|bewerte\w*|beurteil\w*|diskutier\w*|empfiehl|empfehlen|leite"
    r"|schritt für schritt|im detail|ausführlich|über alle|alle (dokumente|berichte|verträge))\b",
    re.IGNORECASE,
)
_ASKING = (
    "who|whom|whose|what|when|where|which|why|how|wer|wen|wem|wessen|was|wann|wo|welche[rsnm]?|warum|wie|womit|wofür"
)
_ASKING_AGAIN = re.compile(rf"\b(and|or|then|also|und|oder|sowie|dann)\b,?\s+(in\s+|by\s+|to\s+)?\b({_ASKING})\b", re.I)
_PARTS = re.compile(r"(?:^|\s)(?:\(?[1-9a-e][.)]|[-*•])\s+\S", re.MULTILINE)
_HOPPING = re.compile(
    r"\b(whose|of the \w+(?: \w+)? (that|which|who|where)|in which|by which|to which|of which|from which"
    r"|dessen|deren|in de[rnm] \w+,? (d[aie][sre]|welche[rs]?)|, (der|die|das|dem|den|welche[rsnm]?)\b[^,?]{8,})\b",
    re.IGNORECASE,
)
_GENITIVES = re.compile(r"\b(of (the|a|an|all|each)|'s|des|der \w+s)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(if|unless|assuming|suppose|falls|wenn|sofern|angenommen)\b", re.IGNORECASE)
_STEPS = re.compile(
    r"\b(how (do|can|should) (i|we|you)|how to|wie (kann|soll|muss|mache|richte) (ich|man|wir))\b", re.I
)
_NAMED_FILES = re.compile(r"\b[\w-]{1,80}\.(?:pdf|docx?|pptx?|xlsx?|md|txt|html?|csv|odt|epub)\b", re.IGNORECASE)
_NAMED_TITLES = re.compile(r"[\"“„»«]([^\"“”„»«]{3,120})[\"”“«»]")
_WORD = re.compile(r"\w+")


def judge(question: str, documents: int = 0) -> Complexity:
    """`documents` is how many the caller chose to ask. One strong sign is enough, or two weak ones."""
    return "complex" if _weight(question, documents) >= 2 else "simple"


def _weight(question: str, documents: int) -> int:
    words = len(_WORD.findall(question))
    strong = [
        _COMPARING.search(question),
        _EXPLAINING.search(question),
        _JUDGING.search(question),
        _ASKING_AGAIN.search(question),
        question.count("?") > 1,
        len(_PARTS.findall(question)) > 1,
        len({*_NAMED_FILES.findall(question)} | {*_NAMED_TITLES.findall(question)}) > 1,
        words > _LONG_WORDS,
    ]
    weak = [
        _HOPPING.search(question),
        len(_GENITIVES.findall(question)) > 1,
        _CONDITION.search(question),
        _STEPS.search(question),
        words > _LONGISH_WORDS,
        1 < documents <= 5,
    ]
    return 2 * any(strong) + sum(map(bool, weak))
