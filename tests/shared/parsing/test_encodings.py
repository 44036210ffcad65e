"""Short texts are read in the encoding they were written in, whatever it is."""

import pytest

from shared.formats.text import peek
from shared.parsing.decoding import decode

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
    "Der Leuchtturm wurde 1901 erbaut.\nDer Wärter heißt Aune.": "utf-16-le utf-16-be utf-32-le utf-32-be",
    "Поезд прибывает в полночь.\nДа.": "utf-16-le utf-16-be",
}


CASES = [(text, each) for text, named in TEXTS.items() for each in named.split()]


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
