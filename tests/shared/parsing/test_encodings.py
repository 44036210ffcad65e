"""Short texts are read in the encoding they were written in, whatever it is."""

import pytest

from shared.formats.text import peek
from shared.parsing.decoding import decode
from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits

WESTERN = "cp1252 iso8859_15 mac_roman cp850 cp437"
NORDIC = "cp1252 iso8859_15 mac_roman cp850"
QUOTED = "cp1252 mac_roman"
CENTRAL = "cp1250 iso8859_2 cp852 mac_latin2"
BALTIC = "cp1257 iso8859_13 iso8859_4 cp775"
TURKISH = "cp1254 iso8859_9 cp857"
CYRILLIC = "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"
GREEK = "cp1253 iso8859_7 cp737"
HEBREW = "cp1255 iso8859_8 cp862"
JAPANESE = "euc_jp shift_jis"

TEXTS = {
    "Поезд прибывает в полночь. Билеты продаются у входа.": "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic",
    "вход со двора": "cp1251 koi8_r cp866 iso8859_5",
    "Потяг прибуває опівночі, квитки біля входу.": "cp1251 koi8_u",
    "Το τρένο φτάνει τα μεσάνυχτα.": "cp1253 iso8859_7",
    "הרכבת מגיעה בחצות לרציף השני.": "cp1255",
    "يصل القطار عند منتصف الليل.": "cp1256 iso8859_6",
    "Pociąg przyjeżdża o północy, wejście od podwórza.": "cp1250 iso8859_2",
    "Zażółć gęślą jaźń.": "cp1250 iso8859_2",
    "Vlak přijíždí o půlnoci, vchod ze dvora.": "cp1250 iso8859_2",
    "A vonat éjfélkor érkezik, a belépő ötszáz forint. Őszi szünet.": "cp1250 iso8859_2",
    "Tren gece yarısı geliyor, giriş avludan. Çıkış kapısı açık.": "cp1254",
    "火车半夜到达。入口在院子里。": "gbk",
    "火車半夜到達。入口在院子裡。": "big5",
    "列車は深夜に到着します。入口は中庭です。": "shift_jis euc_jp iso2022_jp",
    "기차는 자정에 도착합니다. 입구는 마당에 있습니다.": "euc_kr",
    "Der Zug kommt um Mitternacht. Straße, Größe, Tür.": "cp1252",
    "L'été déjà à Noël, où êtes-vous ?": "cp1252",
    "รถไฟมาถึงตอนเที่ยงคืน": "cp874",
    "Traukinys atvyksta vidurnaktį, įėjimas iš kiemo.": "cp1257",
    "Möwe für Söhne": WESTERN,
    "Straße gesperrt, Brücke zu": WESTERN,
    "Grüße": WESTERN,
    "ACHTUNG: ÜBERFÜHRUNG GESPERRT": WESTERN,
    "Temperatur 5° im Schatten": WESTERN,
    "Pont fermé à midi": WESTERN,
    "Où êtes-vous passés ? Déjà partis à la forêt.": WESTERN,
    "El niño salió mañana": WESTERN,
    "La città è chiusa perché piove": WESTERN,
    "Não há água, informação": NORDIC,
    "Smørrebrød på øen": NORDIC,
    "Våren är här, sjön är öppen": WESTERN,
    "Þjónusta við höfnina": "cp1252 iso8859_15 cp850",
    "Preis: 5 € für Möwen": "cp1252 iso8859_15 mac_roman",
    "© 2020 Harbour Ltd": "cp1252 iso8859_15 mac_roman",
    "30 £ per night": WESTERN,
    "The “north” quay – closed": QUOTED,
    "It’s the ferry’s last day": QUOTED,
    "„Guten Tag“, sagte er – müde": QUOTED,
    "L’été est arrivé à Noël": QUOTED,
    "Wait…": QUOTED,
    "Zamknięte": CENTRAL,
    "Łódź płynie": CENTRAL,
    "Loď odplouvá v devět, přístav je zavřený": CENTRAL,
    "Vchod zo dvora, ďakujeme": CENTRAL,
    "Őszi szünet, tűzőgép": CENTRAL,
    "Brod čeka na šestoj stanici": CENTRAL,
    "Vapur pleacă la nouă, este închis": "cp1250 iso8859_2 cp852",
    "Şehir içi ulaşım ücretsiz değildir": TURKISH,
    "Šiandien uždaryta": BALTIC,
    "Kuģis atiet deviņos, osta ir slēgta": BALTIC,
    "Спасибо": CYRILLIC,
    "Привет мир": CYRILLIC,
    "ВНИМАНИЕ! Причал закрыт": CYRILLIC,
    "Код товара: АБ-17, цена 5 руб.": CYRILLIC,
    "Πλοίο φεύγει στις εννέα": GREEK,
    "ΠΡΟΣΟΧΗ: Το πλοίο": GREEK,
    "סגור היום": HEBREW,
    "مغلق اليوم": "cp1256 iso8859_6",
    "关闭": "gb18030",
    "渡輪停駛": "big5",
    "カメラ": JAPANESE,
    "東京都": JAPANESE,
    "港は閉鎖": JAPANESE,
    "오늘 휴무": "euc_kr",
    "Der Leuchtturm wurde 1901 erbaut.\nDer Wärter heißt Aune.": "utf-16-le utf-16-be utf-32-le utf-32-be",
    "Поезд прибывает в полночь.\nДа.": "utf-16-le utf-16-be",
}


CASES = [(text, each) for text, named in TEXTS.items() for each in named.split()]


def test_an_encoding_that_is_guessed_is_named() -> None:
    known = parse("light", "text/plain", "a.txt", "Größe".encode(), ParsingLimits())
    guessed = parse("light", "text/plain", "a.txt", "Größe".encode("mac_roman"), ParsingLimits())
    page = parse("light", "text/html", "a.html", '<meta charset="mac-roman">Größe'.encode("mac_roman"), ParsingLimits())
    assert [document.parser for document in (known, guessed, page)] == [
        "light",
        "light, encoding guessed: mac_roman",
        "light",
    ]


@pytest.mark.parametrize(("text", "encoding"), CASES)
def test_a_short_text_is_read_in_its_own_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


UNICODE = (
    "Der Preis: 5 € – “gut”",
    "Don’t",
    "„Guten Tag“, sagte er – müde",
    "Prix : 5 € – « bon »",
    "Ŝipo ☎ 555",
    "Ref\r\nA1\r\n",
    "Закрыто",
    "ΩΣ-7",
    "סגור היום",
    "مغلق اليوم",
    "เรือออกเก้าโมง",
    "오늘 휴무",
    "港は閉鎖",
    "东京都 5 号",
    "码头关闭",
    "船票五元",
    "東京都",
)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_short_unicode_text_without_a_mark_is_text(encoding: str) -> None:
    texts = [text.encode(encoding) for text in UNICODE]
    assert [(peek(text), decode(text)) for text in texts] == [(text, text.replace("\r", "")) for text in UNICODE]


def test_bytes_of_numbers_are_no_text() -> None:
    assert peek(b"".join(number.to_bytes(4, "little") for number in range(1000, 99_000, 977))) is None
    assert peek(bytes(range(0, 250, 7)) * 3) is None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_lines_of_two_programs_in_one_file_are_each_read_in_their_encoding(newline: bytes) -> None:
    lines = ["Preis für Öl", "Die Straße kostet 3 € je Tag", "ASCII alone", "Café – „Ruhetag“"]
    content = newline.join(line.encode("cp1252" if place % 2 else "utf-8") for place, line in enumerate(lines))
    assert decode(content).split("\n") == lines


@pytest.mark.parametrize("charset", ["", "; charset=iso-8859-1"])
def test_the_head_of_a_mail_is_read_though_its_encoding_is_not_declared(charset: str) -> None:
    mail = f"From: Jürgen Müller <j@example.org>\nSubject: Grüße aus Köln\nContent-Type: text/plain{charset}\n\nKäse\n"
    document = parse("light", "message/rfc822", "a.eml", mail.encode("cp1252"), ParsingLimits())
    text = "\n".join(block.text for block in document.blocks)
    assert "Grüße aus Köln" in text and "Jürgen Müller" in text and "Käse" in text
