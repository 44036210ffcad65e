"""Kinds of rows and of questions about them: numbered rows, labels, times, ways, units, empty cells, long forms."""

import pytest

from shared.answers.extractive import ExtractiveAnswerer
from shared.types.passage import Found
from tests.shared.answers.staff_files import found_in

FLIGHTS = (
    "Flight,From,To,Leaves,Status\nBA 811,Oslo,London,06:40,cancelled\nLH 20,Bonn,Oslo,07:15,on time\n"
    "AF 7,London,Rome,21:05,on time\nSK 9,Bonn,London,22:10,on time"
)
BOOKS = (
    "#,Genre,Title,Author,Added\n1,Fiction,The Hollow Quay,Ines Brandt,1902\n2,Science,Salt and Light,Omar Reyes,1988\n"
    "3,Science,Quiet Engines,Ines Brandt,1990"
)
LOADS = "Crate,Weight\nNorth,900 kg\nSouth,2 t\nEast,300 kg\nWest,1.5 t"
GRANTS = "Grant,Amount,Currency,Visitors\nHarbour,500,GBP,20\nMuseum,900,USD,35\nOrchard,300,GBP,15\nQuarry,250,GBP,40"
PHONES = "Name,Team,Phone\nAda Moor,Yard,555 0101\nBen Holt,Yard,\nCleo Park,Shop,555 0103"
SWITCH = (
    "# Switchboard\n\n| Rated voltage | kV | : | 130 |\n| --- | --- | --- | --- |\n| Rated frequency | Hz | : | 50 |\n"
    "| Ambient temp. | ºC | : | Min. -5, max. +40 |\n| Location |  | : | Indoor |"
)
HERD = (
    "# Herd\n\nThe herd consists of cows.\n\nTable 1 Characteristics of the herd.\n\n| Item | Unit | Average |\n"
    "| --- | --- | --- |\n| Milking cows | # | 165 |\n| Body weight | kg | 553 |"
)
MAIL = "# Keys\n\nFrom: Kari Lund (yard)  \nTo: Per Holm (quay)\n\nDear Per, they are here."
TERMS = (
    "# Notes\n\nFeed is weighed per kg of daily EVM (kg per cow).\n\nOutput is stated in energy-valued milk (EVM).\n\n"
    "The Bureau for Inland Ways (BIW) decides.\n\nA lock mask is a plate that hides a lock.\n\n"
    "| Term | Meaning |\n| --- | --- |\n| TWR | tidal water rise |\n| Lock mask | FOR (PLATE) is HIDE |"
)
NAMES = "Figure,Name in German,Name in French\nHuey,Tick,Riri\nDewey,Trick,Fifi"
ASKED = (
    ("flights.csv", FLIGHTS, "When does flight BA 811 leave?", "06:40"),
    ("flights.csv", FLIGHTS, "Which flights go to London?", "BA 811, SK 9"),
    ("flights.csv", FLIGHTS, "Which flights go from London?", "AF 7"),
    ("flights.csv", FLIGHTS, "Which flights go from Rome?", ""),
    ("flights.csv", FLIGHTS, "How many flights are cancelled?", "1 flight: BA 811"),
    ("flights.csv", FLIGHTS, "How many flights go to London?", "2 flights: BA 811, SK 9"),
    ("books.csv", BOOKS, "Who wrote Salt and Light?", "The author of Salt and Light is Omar Reyes"),
    ("books.csv", BOOKS, "Which books did Ines Brandt write?", "The Hollow Quay, Quiet Engines"),
    ("books.csv", BOOKS, "Who wrote Salt and Smoke?", ""),
    ("loads.csv", LOADS, "Which crate is the heaviest?", "South: weight 2 t"),
    ("loads.csv", LOADS, "Which crate is the lightest?", "East: weight 300 kg"),
    ("loads.csv", LOADS, "Which crates are heavier than 1 t?", "South, West"),
    ("loads.csv", LOADS, "Which crates are heavier than 800 kg?", "North, South, West"),
    ("loads.csv", LOADS, "What is the total weight of the crates?", "Total weight: 4700 kg"),
    ("grants.csv", GRANTS, "What is the total number of visitors?", "Total visitors: 110"),
    ("grants.csv", GRANTS, "Which grant has the highest amount?", ""),
    ("phones.csv", PHONES, "List the phone numbers of the Yard team.", "Ada Moor: phone 555 0101, Ben Holt"),
    ("phones.csv", PHONES, "Who in the Yard team has a phone?", "Ada Moor"),
    ("phones.csv", PHONES, "What is Ben Holt's phone number?", ""),
    ("switch.md", SWITCH, "What is the rated frequency of the switchboard?", "Rated frequency: 50 Hz"),
    ("switch.md", SWITCH, "What is the rated voltage of the switchboard?", "Rated voltage: 130 kV"),
    ("switch.md", SWITCH, "What is the maximum ambient temperature?", "Ambient temp.: Min. -5, max. +40"),
    ("switch.md", SWITCH, "What is the rated current of the switchboard?", ""),
    ("herd.md", HERD, "How many milking cows are in the herd?", "The average of Milking cows is 165"),
    ("herd.md", HERD, "What is the body weight of the cows?", "The average of Body weight is 553"),
    ("herd.md", HERD, "What is the body weight of the bulls?", ""),
    ("keys.md", MAIL, "Who sent the mail about the keys?", "Kari Lund"),
    ("keys.md", MAIL, "To whom was the mail about the keys sent?", "Per Holm"),
    ("keys.md", MAIL, "Who sent the mail about the keys to Kari?", ""),
    ("terms.md", TERMS, "What does EVM stand for?", "energy-valued milk"),
    ("terms.md", TERMS, "What does BIW stand for?", "Bureau for Inland Ways"),
    ("terms.md", TERMS, "Wofür steht TWR?", "tidal water rise"),
    ("terms.md", TERMS, "What does EVN stand for?", ""),
    ("terms.md", TERMS, "What is a lock mask?", "a plate that hides a lock"),
    ("names.csv", NAMES, "Wie heißt Huey auf Deutsch?", "Tick"),
    ("names.csv", NAMES, "Wie heißt Huey auf Spanisch?", ""),
)


@pytest.mark.parametrize(("name", "content", "question", "text"), ASKED)
async def test_a_row_of_any_kind_answers_what_it_says_and_nothing_else(
    answerer: ExtractiveAnswerer, name: str, content: str, question: str, text: str
) -> None:
    sources = found_in(name, content.encode())
    statements = (await answerer.answer(question, sources, {"doc_0": len(sources)})).statements
    flat = ", ".join(one.text or one.quote for one in statements)
    assert text in flat and bool(text) == bool(statements), flat
    assert all(one.quote in one.passage.text for one in statements)


async def test_two_documents_that_say_the_same_answer_and_two_that_differ_do_not(answerer: ExtractiveAnswerer) -> None:
    def asked_of(other: str) -> list[Found]:
        return found_in("a.csv", FLIGHTS.encode(), "doc_0") + found_in("b.csv", other.encode(), "doc_1")

    question = "When does flight BA 811 leave?"
    assert (await answerer.answer(question, asked_of(FLIGHTS.replace("cancelled", "gone")), {})).answered
    assert not (await answerer.answer(question, asked_of(FLIGHTS.replace("06:40", "06:50")), {})).answered
