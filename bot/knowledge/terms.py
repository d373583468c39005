"""What a text is found by: words without case, accents and endings, and pairs of characters where words have no spaces.

Documents and questions go through the same rules, so a rule need not be right, only alike on both sides. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from unicodedata import normalize

import regex

VERSION = 1
"""Raised with every change of the rules: documents are then indexed anew."""

_LONGEST = 40
_RUNS = regex.compile(
    r"(?P<pairs>[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー々]+|[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{M}]+)"
    r"|(?P<word>[\p{L}\p{N}\p{M}]+)"
)
_ACCENTS = regex.compile(r"(?<=[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}]\p{Mn}*)\p{Mn}+")


def terms(text: str, language: str) -> tuple[str, ...]:
    """In order and with repeats; words that say nothing are left out. `language` is BCP 47, or empty if unknown."""
    rules = _rules(language.partition("-")[0].lower())
    folded = _folded(text)
    for phrase, word in rules.phrases:
        folded = folded.replace(phrase, word)
    return tuple(rules.term(word) for word in _words(folded) if word not in rules.ignored)


def words(text: str) -> frozenset[str]:
    """All of its words as they stand, small ones too, without case and accents."""
    return frozenset(_words(_folded(text)))


def _words(folded: str) -> Iterator[str]:
    for run in _RUNS.finditer(folded):
        characters = run[0]
        if run["word"]:
            if not (len(characters) == 1 and characters.isascii()):
                yield characters
        elif len(characters) == 1:
            yield characters
        else:
            yield from map("".join, pairwise(characters))


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = normalize("NFD", normalize("NFKC", text).casefold())
    return normalize("NFC", _ACCENTS.sub("", decomposed))


@dataclass(frozen=True, slots=True)
class _Rules:
    stem: Callable[[str], str]
    ignored: frozenset[str]
    alike: Mapping[str, str]
    """Stem to the one that stands for all that customers use for it."""
    phrases: Sequence[tuple[str, str]]

    def term(self, word: str) -> str:
        stem = self.stem(word)[:_LONGEST]
        return self.alike.get(stem, stem)


@cache
def _rules(language: str) -> _Rules:
    ignored = frozenset(_IGNORED.get(language, "").split())
    endings = tuple(sorted(_ENDINGS.get(language, "").split(), key=len, reverse=True))
    stem = _english if language == "en" else partial(_without_ending, endings=endings)
    alike: dict[str, str] = {}
    for line in _ALIKE.get(language, "").strip().splitlines():
        first, *others = line.split()
        alike.update((stem(word), stem(first)) for word in others)
    return _Rules(stem, ignored, alike, _PHRASES.get(language, ()))


def _without_ending(word: str, endings: tuple[str, ...]) -> str:
    """The word without the longest ending that leaves three letters, and not one that is doubled at its end."""
    found = next((ending for ending in endings if word.endswith(ending) and len(word) - len(ending) >= 3), "")
    return _single(word.removesuffix(found)) if not word[0].isdigit() else word


def _single(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1].isalpha() else word


def _english(word: str) -> str:
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or word[0].isdigit():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = f"{word[:-3]}y"
    elif word.endswith("es") and word[-3] in "sxzh":
        word = word[:-2]
    elif word.endswith("s") and word[-2] not in "suio":
        word = word[:-1]
    for ending in ("ation", "ment", "ing", "ed", "e", "y"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and _VOWEL.search(rest):
            word = rest
            break
    return _single(word)


_VOWEL = regex.compile("[aeiouy]")

_FORMS = {
    "break": "broke broken",
    "buy": "bought",
    "choose": "chose chosen",
    "come": "came",
    "forget": "forgot forgotten",
    "get": "got",
    "give": "gave given",
    "go": "gone went",
    "keep": "kept",
    "leave": "left",
    "lose": "lost",
    "make": "made",
    "pay": "paid",
    "sell": "sold",
    "send": "sent",
    "steal": "stole stolen",
    "take": "took taken",
    "tear": "tore torn",
    "wear": "wore worn",
    "write": "wrote written",
}
_IRREGULAR = {form: word for word, forms in _FORMS.items() for form in forms.split()}

_ENDINGS = {
    "fr": """
    issements issement ements ement ments ment ations ation ateurs ateur aisons aison euses euse eux eurs eur ions
    iez ons ent ez er ees ee es e ir s x
    """,
    "de": """
    ungen ung heiten heit keiten keit en er em es e n s t
    """,
    "es": """
    aciones acion iones ion amientos amiento imientos imiento adores ador ados adas ado ada idos idas ido ida ar er
    ir es os as o a e s
    """,
    "it": """
    azioni azione amenti amento imenti imento are ere ire ato ata ati ate ito ita iti ite i e o a
    """,
    "pt": """
    acoes acao amentos amento imentos imento adores ador ados adas ado ada idos idas ido ida ar er ir es os as o a e
    s
    """,
    "nl": """
    ingen ing heden heid en e s t
    """,
}
"""Without accents, as they are looked up."""

_ALIKE = {
    "en": """
    deliver ship
    parcel package packet
    carrier courier postman
    damage broken faulty defective fault
    cost price fee
    time long duration
    phone telephone call
    mail email
    shop store
    invoice bill
    discount promo coupon voucher
    exchange swap
    delete remove erase close
    repair fix mend
    money cash
    """,
    "fr": """
    livraison expedition envoyer
    colis paquet
    transporteur facteur
    endommager abimer casser defectueux
    prix cout tarif frais couter
    delai temps duree
    telephone appeler
    mail email courriel
    magasin boutique shop
    reduction promo remise
    supprimer effacer
    reparer reparation
    """,
    "de": """
    liefern versand versenden zustellen
    paket sendung
    kaputt defekt beschadigt
    preis kosten gebuhr
    telefon anrufen
    mail email
    geschaft laden shop
    rechnung quittung
    gutschein rabatt rabattcode
    umtauschen umtausch tauschen
    loschen entfernen
    reparieren reparatur
    ruckgabe rucksendung zurucksenden zuruckgeben retoure
    ruckerstattung erstattung erstatten
    """,
    "es": """
    entrega envio enviar
    paquete bulto
    roto danado defectuoso
    precio coste costo
    plazo tiempo
    telefono llamar
    mail email correo
    tienda comercio
    descuento promocion cupon
    eliminar borrar
    devolver devolucion
    """,
}
"""What customers say, and what documents say: a line a meaning, the first word stands for all. Without accents."""

_PHRASES = {
    "en": (
        ("how much", "cost"),
        ("money back", "refund"),
        ("send back", "return"),
        ("send it back", "return"),
        ("sent back", "return"),
        ("sending back", "return"),
    ),
    "fr": (("combien de temps", "delai"), ("combien", "prix"), ("renvoyer", "retourner")),
}

_IGNORED = {
    "en": """
    a about again all already also am an and any anybody anyone anything are as at be because been being but by can
    cannot could d did didn do does doesn doing don e ever everything for from get gets getting got had has hasn
    have haven having he hello her here hers hey hi him his how i id if in into is isn it its just know like ll m
    many may me might mine much must my need needs no not now of oh ok okay on one ones or our ours please re really
    s said say see shall she should so some somebody someone something sorry still such t tell than thank thanks
    that the their theirs them then there these they thing things this those to today too u us ve very want wanted
    wants was wasn we well were what when where whether which while who whom whose why will with won would yeah yes
    you your yours
    """,
    "fr": """
    a ai aimerais ait alors an apres as au aucun aussi autre aux avant avec avez avoir avons besoin bien bonjour
    bonne bonsoir c ca car ce cela ces cet cette chez ci comme comment d dans de deja des dois doit donc du elle
    elles en encore es est et etait ete etes etre eu faire fait faut i il ils j je journee l la le les leur leurs
    lui m ma mais me merci mes moi mon n ne non nos notre nous ok on ont ou oui par pas peut peuvent peux plait plus
    pour pourquoi pouvez puis puisse qu quand que quel quelle quelles quels qui quoi s sa salut sans savoir se sera
    ses si sil soit son sont souhaite souhaiterais sur svp t ta te tes toi ton toujours tous tout toute tres trouve
    trouvent trouver tu un une va veux vos votre voudrais voudrait vous vraiment y
    """,
    "de": """
    ab aber alle als also am an auch auf aus bei beim bin bis bitte bist da dann das dass dein deine dem den denn
    der des die dies diese diesem diesen dieser dieses dir du durch ein eine einem einen einer eines er es etwas
    euch euer fur geht gibt gut habe haben hallo hat hatte hier ich ihm ihn ihnen ihr ihre im in ins ist ja jetzt
    kann kannst kein keine koennen konnen man mein meine meinem meinen meiner mich mir mit muss nach nicht noch nun
    nur ob oder ohne sehr sein seine sich sie sind so soll um und uns unser unsere unter vom von vor wann war warum
    was weil welche welcher wenn wer werden wie will wir wird wo zu zum zur
    """,
    "es": """
    a al algo ante antes aqui asi aunque buenas buenos como con cual cuales cuando cuanto de del desde donde dos e
    el ella ellas ellos en entre era es esa ese eso esta estan estas este esto estos estoy favor fue gracias ha
    hacer hago han hasta hay he hola la las le les lo los mas me mi mis muy nada ni no nos nosotros o os otra otro
    para pero poco por porque puede pueden puedo que quien quiero se sea ser si sin sobre son soy su sus tambien te
    tengo tiene tienen todo todos tu tus un una uno unos usted y ya yo
    """,
    "it": """
    a ai al alla alle allo anche avere buongiorno c che chi ci ciao come con cosa cui da dal dalla dai dei del della
    delle di dove e ed era essere fare gli grazie ha hai hanno ho i il in io l la le lei lo loro lui ma me mi mia
    mio nei nel nella no noi non nostro o ogni per perche piu po posso puo qual quale quando quanto quella quello
    questa questo qui se sei senza si sia siamo sono su sua sul sulla suo tra tu tutto un una uno vi voglio vorrei
    voi
    """,
    "pt": """
    a ao aos as ate com como da das de dela dele do dos e ela elas ele eles em entre era essa esse esta estao estas
    este estou eu favor foi ha isso isto ja la lhe mais mas me meu meus minha muito na nao nas no nos nossa nosso o
    obrigada obrigado ola onde os ou para pela pelo pode podem por porque posso pra qual quando que quem quero se
    sem ser seu seus si sim so sou sua suas tambem te tem tenho ter teu tudo um uma voce voces
    """,
    "nl": """
    aan al alle alles als ben bij dag dan dat de deze die dit doe doen door dus een en er ga graag had hallo hangen
    heb hebben heeft het hier hij hoe hoeveel hun ik in is ja je jij jou jouw jullie kan kun kunnen maar me meer met
    mij mijn moet na naar niet nog nu of om ons onze ook op over te tot u uit uw van veel voor waar waarom wanneer
    want waren was wat we welke wel wie wij wil worden wordt ze zeer zich zij zijn zo zonder
    """,
}
