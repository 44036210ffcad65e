"""Rows and records are units: looked up by their key, answered by the cell asked for, refused where they are not."""

import pytest

from shared.answers.extractive import ExtractiveAnswerer
from shared.types.passage import Found, Passage
from tests.shared.answers.staff_files import WRITERS, Rows, found_in


def lines_as_rows(separator: str, *lines: str) -> Rows:
    return tuple(tuple(line.split(separator)) for line in lines)


COLUMNS = ("Name", "Department", "Salary", "Start date", "Workplace")
STAFF = lines_as_rows(
    ",",
    "Astrid Nygaard,Welding,62400,2019-04-01,Hall 2",
    "Bjarne Oksen,Painting,48150,2021-09-15,Hall 5",
    "Cecilie Ruud,Logistics,55900,2018-01-08,Hall 1",
    "Daniel Holm,Welding,60750,2020-11-30,Hall 2",
    "Eva Tangen,Accounts,71200,2016-06-20,Office 3",
    "Frode Ulvang,Painting,47300,2022-02-14,Hall 5",
    "Guri Vestby,Safety,66850,2017-08-01,Office 1",
    "Henrik Wold,Logistics,53400,2023-05-22,Hall 1",
    "Ida Lund,Welding,58900,2020-03-02,Hall 3",
    "Jonas Brekke,Safety,64100,2015-10-12,Office 2",
)
PRESENT = (
    ("What is the salary of Eva Tangen?", "Eva"),
    ("How much does Daniel Holm earn?", "Daniel"),
    ("What does Frode Ulvang earn?", "Frode"),
    ("How much is Ida Lund paid?", "Ida"),
    ("In which department does Bjarne Oksen work?", "Bjarne"),
    ("Which department is Guri Vestby in?", "Guri"),
    ("Which department does Jonas Brekke belong to?", "Jonas"),
    ("When did Cecilie Ruud start?", "Cecilie"),
    ("When did Henrik Wold begin?", "Henrik"),
    ("Since when has Frode Ulvang worked here?", "Frode"),
    ("What is Ida Lund's start date?", "Ida"),
    ("What is the start date of Jonas Brekke?", "Jonas"),
    ("Where is the workplace of Guri Vestby?", "Guri"),
    ("Where does Astrid Nygaard work?", "Astrid"),
    ("Who started on 2023-05-22?", "Henrik"),
    ("Who earns 71200?", "Eva"),
    ("Who works in Accounts?", "Eva"),
    ("Who has the workplace Office 3?", "Eva"),
    ("Wie hoch ist das Gehalt von Eva Tangen?", "Eva"),
    ("In welcher Abteilung arbeitet Bjarne Oksen?", "Bjarne"),
    ("Wo arbeitet Astrid Nygaard?", "Astrid"),
    ("Wann hat Cecilie Ruud angefangen?", "Cecilie"),
)
ABSENT = (
    "What is the salary of Knut Lervik?",
    "What is the salary of Eva Tangem?",
    "What is the salary of Eva Holm?",
    "When did Astrid Tangen start?",
    "Where does Bjarne Wold work?",
    "What is the phone number of Eva Tangen?",
    "What is the e-mail address of Guri Vestby?",
    "How old is Daniel Holm?",
    "When was Eva Tangen born?",
    "When did Cecilie Ruud leave?",
    "Who started on 2023-05-23?",
    "Who earns 71201?",
    "Who works in Catering?",
    "What is the bonus of Eva Tangen?",
    "Who is the manager of Eva Tangen?",
    "Is Frode Ulvang married?",
    "What is the salary of Astrid's sister?",
    "Where does Jonas Brekke live?",
    "What is the address of Ida Lund?",
    "How many children has Henrik Wold?",
    "Where was Guri Vestby born?",
    "Wie hoch ist das Gehalt von Knut Lervik?",
    "Wann wurde Eva Tangen geboren?",
    "In welcher Abteilung arbeitet Eva Holm?",
)


def found(*texts: str, context: str = "staff") -> list[Found]:
    return [
        Found(Passage(f"psg_{at}", "doc_0", generation=1, position=at, text=text, context=context), 1.0)
        for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize("suffix", WRITERS)
async def test_a_row_is_looked_up_by_its_key_and_an_absent_one_is_refused(
    answerer: ExtractiveAnswerer, suffix: str
) -> None:
    sources = found_in(f"staff.{suffix}", WRITERS[suffix]((COLUMNS, *STAFF)))
    for question, key in PRESENT:
        statements = (await answerer.answer(question, sources)).statements
        assert [key in one.quote and one.quote in one.passage.text for one in statements] == [True], question
        assert sum(row[0] in statements[0].quote for row in STAFF) == 1, question
    for question in ABSENT:
        assert not (await answerer.answer(question, sources)).answered, question


CREW = lines_as_rows(
    "|",
    "Employee|Position|Team|Annual pay|Joined|Phone|Office",
    "Mara Lindqvist|Machinist|Turning|52,000|12 March 2019|+47 555 0101|B2",
    "Tomasz Wrona|Team lead|Turning|68,500|1 June 2014|+47 555 0102|B2",
    "Ana-Sofia Reyes|Engineer|Milling|74,000|20 August 2016|+47 555 0105|C4",
    "John Smith|Driver|Logistics|41,000|2 May 2020||Yard 14",
    "John Smith|Welder|Turning|50,300|9 October 2018|+47 555 0107|B2",
)
CLUB = lines_as_rows(
    ";",
    "Vorname;Nachname;Funktion;Beitrag;Eintritt;Ort",
    "Petra;Kühn;Vorsitzende;120,00;03.05.2009;Köln",
    "Jens;Öztürk;Kassenwart;96,50;17.11.2015;Bonn",
    "Petra;Sommer;Trainerin;80,00;01.02.2020;Köln",
)
BILLS = lines_as_rows(
    "|",
    "Invoice No|Customer|Date|Amount|Status",
    "2024-001|Brandt GmbH|2024-01-12|1,250.00|paid",
    "2024-002|Café Lune|2024-01-30|480.50|open",
    "2024-003|Brandt GmbH|2024-02-14|2,310.00|open",
)
TOOLS = lines_as_rows(
    "|",
    "Artikel|Art.-Nr.|Preis|Gewicht|Lagerort|Bestand",
    "Akkuschrauber Falke 12|AF-1204|129,90 €|1,4 kg|Regal A3|14",
    "Werkzeugkoffer groß|WK-0009|59,95 €|4,2 kg|Regal C1|31",
    "Werkzeugkoffer klein|WK-0008|1.039,95 €|2,6 kg|Regal C1|18",
)
CELLS = (
    (CREW, "What is Mara Lindqvist's salary?", "Mara Lindqvist's annual pay is 52,000"),
    (CREW, "When was Tomasz Wrona hired?", "Tomasz Wrona: joined 1 June 2014"),
    (CREW, "What number can I call Tomasz Wrona on?", "Tomasz Wrona's phone is +47 555 0102"),
    (CREW, "Who has the phone number +47 555 0105?", "Ana-Sofia Reyes: phone +47 555 0105"),
    (CREW, "Who earns 74000?", "Ana-Sofia Reyes: annual pay 74,000"),
    (CREW, "What is the salary of the engineer?", "The annual pay of Ana-Sofia Reyes (Engineer) is 74,000"),
    (CREW, "What does John Smith earn?", "The annual pay of John Smith (Driver) is 41,000"),
    (CREW, "What was John Smith's salary in 2018?", None),
    (CREW, "What did Mara Lindqvist earn before?", None),
    (CREW, "What is the salary of Mara Wrona?", None),
    (CREW, "Who joined on 2 June 2014?", None),
    (CREW, "What is the phone number of the driver?", None),
    (CREW, "What does Per Wrona earn?", None),
    (CLUB, "Welchen Beitrag zahlt Jens Öztürk?", "Beitrag von Jens Öztürk: 96,50"),
    (CLUB, "Wer ist der Kassenwart?", "Jens Öztürk: Funktion Kassenwart"),
    (CLUB, "Seit wann ist Petra Sommer Mitglied?", "Eintritt von Petra Sommer: 01.02.2020"),
    (CLUB, "Welchen Beitrag zahlt Jens Kühn?", None),
    (BILLS, "When was invoice 2024-002 issued?", "The date of 2024-002 is 2024-01-30"),
    (BILLS, "What is the due date of invoice 2024-002?", None),
    (TOOLS, "Wo lagert der große Werkzeugkoffer?", "Lagerort von Werkzeugkoffer groß: Regal C1"),
    (TOOLS, "Welcher Artikel hat die Nummer WK-0008?", "Werkzeugkoffer klein: Art.-Nr. WK-0008"),
    (TOOLS, "Welcher Artikel kostet 1039,95 €?", "Werkzeugkoffer klein: Preis 1.039,95 €"),
    (TOOLS, "Was kostet der Akkuschrauber Falke 14?", None),
    (TOOLS, "Welche Farbe hat der Akkuschrauber Falke 12?", None),
)


@pytest.mark.parametrize(("rows", "question", "sentence"), CELLS)
async def test_a_cell_is_stated_in_a_short_sentence_of_the_table(
    answerer: ExtractiveAnswerer, rows: Rows, question: str, sentence: str | None
) -> None:
    statements = (await answerer.answer(question, found_in("list.csv", WRITERS["csv"](rows)))).statements
    assert [one.text for one in statements][:1] == ([sentence] if sentence else [])
    assert len(statements) == (2 if question.startswith("What does John") else 1 if sentence else 0)


WHOLE = (
    (
        CREW,
        "How many people work in Turning?",
        "3 people: Mara Lindqvist, Tomasz Wrona John Smith",
        "Mara Tomasz Welder",
    ),
    (CREW, "How many employees are there?", "5 employees: ", "Mara Tomasz Ana-Sofia Driver Welder"),
    (CREW, "Who earns most?", "Ana-Sofia Reyes: annual pay 74,000", "Ana-Sofia"),
    (CREW, "Who earns the least in Turning?", "John Smith: annual pay 50,300", "Welder"),
    (CREW, "What is the total annual pay of Turning?", "Total annual pay: 170,800, of ", "Mara Tomasz Welder"),
    (CREW, "What is the average salary?", "Average annual pay: 57,160, of ", "Mara Tomasz Ana-Sofia Driver Welder"),
    (CREW, "Who joined last?", "John Smith: joined 2 May 2020", "Driver"),
    (CREW, "Who has been here longest?", "Tomasz Wrona: joined 1 June 2014", "Tomasz"),
    (CREW, "Who earns more than 60,000?", "Tomasz Wrona, Ana-Sofia Reyes", "Tomasz Ana-Sofia"),
    (CREW, "How many people joined before 2017?", "2 people: Tomasz Wrona, Ana-Sofia Reyes", "Tomasz Ana-Sofia"),
    (CREW, "List all employees in Turning.", "Mara Lindqvist, Tomasz Wrona John Smith", "Mara Tomasz Welder"),
    (CREW, "Who works in Turning?", "Mara Lindqvist, Tomasz Wrona John Smith", "Mara Tomasz Welder"),
    (CREW, "Who is the oldest employee?", "", ""),
    (CREW, "How many women work in Turning?", "", ""),
    (CREW, "How many people work in Catering?", "", ""),
    (CREW, "How many people do not work in Turning?", "", ""),
    (CREW, "Which team has the most people?", "", ""),
    (CLUB, "Wie viele Mitglieder kommen aus Köln?", "2 Mitglieder: Petra Kühn, Petra Sommer", "Kühn Sommer"),
    (CLUB, "Wer ist am längsten dabei?", "Petra Kühn: Eintritt 03.05.2009", "Kühn"),
    (BILLS, "What is the total of open invoices?", "Total amount: 2,790.50", "2024-002 2024-003"),
    (TOOLS, "Welcher Artikel ist am teuersten?", "Werkzeugkoffer klein: Preis 1.039,95 €", "klein"),
    (TOOLS, "Wie viele Artikel liegen in Regal C1?", "2 Artikel: Werkzeugkoffer groß, ", "groß klein"),
    (TOOLS, "Wie hoch ist der Gesamtbestand?", "Summe Bestand: 63, von ", "Falke groß klein"),
    (TOOLS, "Was ist der Durchschnittspreis?", "Durchschnitt Preis: 409,93 €, von ", "Falke groß klein"),
    (TOOLS, "Welche Artikel kosten mehr als 100 €?", "Akkuschrauber Falke 12 Werkzeugkoffer klein", "Falke klein"),
    (TOOLS, "Welcher Artikel ist am längsten?", "", ""),
)


@pytest.mark.parametrize("suffix", ["csv", "json", "xml"])
async def test_what_a_whole_table_says_is_counted_and_compared_and_its_rows_are_cited(
    answerer: ExtractiveAnswerer, suffix: str
) -> None:
    for rows, question, text, cited in WHOLE:
        sources = found_in(f"list.{suffix}", WRITERS[suffix](rows))
        statements = (await answerer.answer(question, sources, {"doc_0": len(sources)})).statements
        flat = " ".join(one.text for one in statements).replace(", ", " ")
        assert flat.lower().startswith(text.replace(", ", " ").lower()) and bool(text) == bool(statements), (
            question,
            flat,
        )
        quotes = " ".join(one.quote for one in statements)
        others = {row[0] for row in rows[1:]} - {
            row[0] for row in rows if any(key in row[0] + row[1] for key in cited.split())
        }
        assert all(key in quotes for key in cited.split()) and not any(name in quotes for name in others), question
        assert all(one.quote in one.passage.text for one in statements)


PARTS = lines_as_rows(
    "|",
    "Part|Price|Stock|Discontinued|Approved|Checked",
    "Bolt|4|12|false|yes|x",
    "Hinge|9|0|true|no|",
    "Latch|6|7|false|yes|x",
    "Rivet|1|31|false|yes|",
)
REGALE = lines_as_rows("|", "Regal|Preis|Geprüft", "Eiche|80|ja", "Buche|95|nein", "Fichte|40|ja", "Kiefer|45|nein")
GRANTS = lines_as_rows(
    "|",
    "Grant|Amount|Currency|Year",
    "Harbour|500|GBP|2019",
    "Museum|900|USD|2020",
    "Orchard|300|GBP|2021",
    "Quarry|250|GBP|2022",
)
HONEYS = lines_as_rows("|", "Honig|Preis|je", "Linde|6,50 €|Glas", "Raps|9,00 €|kg", "Wald|7,20 €|Glas")
AFFIRMED = (
    (GRANTS, "What is the total amount?", ""),
    (GRANTS, "What is the average amount of the grants?", ""),
    (GRANTS, "Which grant has the highest amount?", ""),
    (GRANTS, "Which grants have an amount over 400?", ""),
    (GRANTS, "What is the total amount in GBP?", "Total amount: 1050, of Harbour, Orchard, Quarry"),
    (GRANTS, "How many grants are there?", "4 grants: "),
    (GRANTS, "Which grant is from 2020?", "Museum: "),
    (HONEYS, "Welcher Honig ist am teuersten?", ""),
    (HONEYS, "Was ist der Durchschnittspreis?", ""),
    (PARTS, "How many parts are discontinued?", "1 part: Hinge"),
    (PARTS, "How many parts were approved?", "3 parts: Bolt, Latch, Rivet"),
    (PARTS, "How many parts are checked?", "2 parts: Bolt, Latch"),
    (PARTS, "What is the average price of approved parts?", "Average price: 3.67, of Bolt, Latch, Rivet"),
    (PARTS, "What is the total stock of the checked parts?", "Total stock: 19, of Bolt, Latch"),
    (PARTS, "What is the total stock?", "Total stock: 50, of Bolt, Hinge, Latch, Rivet"),
    (PARTS, "Which parts are discontinued?", "Hinge"),
    (PARTS, "How many parts are not approved?", ""),
    (PARTS, "How many parts aren't approved?", ""),
    (PARTS, "How many parts are unapproved?", ""),
    (PARTS, "How many parts are continued?", ""),
    (PARTS, "How many parts are in stock?", ""),
    (PARTS, "How many parts have a price?", "4 parts: "),
    (REGALE, "Wie viele Regale sind geprüft?", "2 Regale: Eiche, Fichte"),
    (REGALE, "Wie viele Regale sind ungeprüft?", ""),
)


FILES = (
    (
        "people.csv",
        "Index;Customer Id;First Name;Last Name;Company;City;Country;Email\n"
        "1;DD37Cf93aecA6Dc;Sheryl;Baxter;Rasmussen Group;East Leonard;Chile;zuni.va@smith.example\n"
        "2;1Ef7b82A4CAAD10;Preston;Lozano;Vega-Gentry;East Jimmychester;Djibouti;vmata@colon.example\n"
        "3;6F94879bDAfE5a6;Roy;Berry;Murillo-Perry;Isabelborough;Antigua and Barbuda;beckycarr@hogan.example",
        (
            ("What is Preston Baxter's email?", ""),
            ("What is Preston Lozano's email?", "Preston Lozano's email is vmata@colon.example"),
            ("In which country does Roy Berry live?", "Roy Berry's country is Antigua and Barbuda"),
            ("Where does Roy Berry live?", "Roy Berry's city is Isabelborough"),
            ("In which country does Preston Berry live?", ""),
        ),
    ),
    (
        "books.xml",
        '<books><book id="b1"><titel>Momo</titel><ausleihe>Petra Kern</ausleihe></book>'
        '<book id="b2"><titel>Krabat</titel><ausleihe/></book></books>',
        (
            ("Wer hat Krabat ausgeliehen?", ""),
            ("Welche Ausleihe hat Krabat?", ""),
            ("Wer hat Momo ausgeliehen?", "ausleihe von b1 (Momo): Petra Kern"),
        ),
    ),
    (
        "machines.csv",
        "Machine,Maker,Purchased\nLathe,Boehringer,May 2018\nMill,Deckel,March 2020\nSaw,Kasto,June 2021",
        (
            ("How many machines were sold after 2019?", ""),
            ("When was the Mill sold?", ""),
            ("Who bought the Mill?", ""),
            ("How many machines were bought after 2019?", "2 machines: Mill, Saw"),
        ),
    ),
    (
        "flights.csv",
        "Flight,To,Status\nBA 811,Oslo,cancelled\nLH 20,Bonn,on time\nAF 7,Rome,on time",
        (
            ("How many flights are cancelled?", "1 flight: BA 811"),
            ("How many flights are on time?", "2 flights: LH 20, AF 7"),
            ("How many flights are delayed?", ""),
            ("Which flight is cancelled?", "BA 811: status cancelled"),
        ),
    ),
)


@pytest.mark.parametrize(("name", "content", "asked"), FILES)
async def test_no_other_person_act_or_empty_cell_answers_and_a_count_says_its_number(
    answerer: ExtractiveAnswerer, name: str, content: str, asked: tuple[tuple[str, str], ...]
) -> None:
    sources = found_in(name, content.encode())
    for question, text in asked:
        statements = (await answerer.answer(question, sources, {"doc_0": len(sources)})).statements
        assert ", ".join(one.text or one.quote for one in statements) == text, question


@pytest.mark.parametrize("suffix", ["json", "csv"])
async def test_only_rows_that_say_yes_and_amounts_of_one_unit_are_counted_and_added(
    answerer: ExtractiveAnswerer, suffix: str
) -> None:
    for rows, question, text in AFFIRMED:
        sources = found_in(f"list.{suffix}", WRITERS[suffix](rows))
        statements = (await answerer.answer(question, sources, {"doc_0": len(sources)})).statements
        flat = ", ".join(one.text or one.quote for one in statements)
        assert flat.lower().startswith(text.lower()) and bool(text) == bool(statements), (question, flat)


async def test_a_table_that_is_not_whole_in_the_sources_is_not_counted(answerer: ExtractiveAnswerer) -> None:
    content = WRITERS["csv"]((COLUMNS, *STAFF))
    sources = found_in("staff.csv", content)
    for part, lengths in ((sources, {}), (sources[:1], {"doc_0": 2}), (sources[1:], {"doc_0": 2})):
        assert not (await answerer.answer("How many people work in Painting?", part, lengths)).answered
        assert not (await answerer.answer("Who earns most?", part, lengths)).answered
    assert (await answerer.answer("How many people work in Painting?", sources, {"doc_0": 2})).answered
    followed = found("# Staff\n\n" + sources[0].passage.text + "\n\nThat is all.")
    assert (await answerer.answer("Who earns most?", followed)).answered


FORM = "## Visitor form\n\n| Field | Entry |\n| --- | --- |\n| Name | Ingrid Solberg |\n| Arrival | on 4 May 2026 |"
FAQ = (
    "# Questions of guests\n\n**Can I bring my dog?**\n\nYes, on a leash.\n\n## Where can I park?\n\nBehind the mill."
    "\n\nWie kann ich kündigen?\nSchriftlich bis zum Monatsende."
)
CHANGES = (
    "# Changes of Tern\n\n## Version 4.2 (released 3 May 2026)\n\n- Faster start\n\n"
    "## Version 4.1 (released 1 May 2025)\n\n- Mended"
)
MAIL = (
    "# Tender for the new jetty\n\nFrom: Kari Lund <kari@example.org>\nTo: Per Holm <per@example.org>\n"
    "Date: Thu, 12 Feb 2026 10:00:00 +0100\n\nDear Per,\n\nthe tender must be handed in by 30 March. The estimated "
    "cost is 2.4 million kroner."
)
CODE = (
    "Call `parseHttpBody` for the body. The setting max_retry_count is 5. The setting max_retry_delay is 30 seconds. "
    "Error code E-4711 means that the pump is dry. Error code E-4712 means that the valve is stuck. A quern is a stone "
    "mill for grain.\n\nTorvik: a village at the western fjord.\n\nGRP (glass reinforced plastic) is used for the hull."
    "\n\nEine Muffe ist ein Verbindungsstück von Rohren."
)
STATIONS = (
    "The keeper at Kilometre 133 is Dieter Vogt. The lamp was cleaned 21 times.\n\n"
    "The keeper at Kilometre 21 is Anna Stahl. The lamp was cleaned 12 times."
)
POOL = (
    "Die Kantine ist von 11 bis 14 Uhr geöffnet. Das Schwimmbad schließt um 21 Uhr. "
    "Die Jahresgebühr beträgt 48 Euro, für Studierende 24 Euro."
)
OTHERS = (
    (FORM, "When does the visitor Ingrid Solberg arrive?", "4 May 2026"),
    (FORM, "When does the visitor Ingrid Holm arrive?", None),
    (FAQ, "Can I bring my dog?", "on a leash"),
    (FAQ, "Where can I park?", "Behind the mill"),
    (FAQ, "Wie kann ich kündigen?", "Monatsende"),
    (FAQ, "Can I bring my cat?", None),
    (CHANGES, "When was version 4.2 of Tern released?", "3 May 2026"),
    (CHANGES, "When was version 4.1 of Tern released?", "1 May 2025"),
    (CHANGES, "When was version 3.9 of Tern released?", None),
    (MAIL, "Who wrote the mail about the tender for the new jetty?", "Kari Lund"),
    (MAIL, "When was the mail about the tender for the new jetty sent?", "12 Feb 2026"),
    (MAIL, "What is the estimated cost of the new jetty?", "2.4 million"),
    (MAIL, "Who wrote the mail about the new bridge?", None),
    (POOL, "Wann schließt die Sauna?", None),
    (POOL, "Wann öffnet die Bücherei?", None),
    (POOL, "Wann schließt das Schwimmbad?", "21 Uhr"),
    (POOL, "Wie hoch ist die Jahresgebühr für Studierende?", "24 Euro"),
    (CODE, "What is maxRetryDelay?", "30 seconds"),
    (CODE, "What is max_retry_count?", "is 5"),
    (CODE, "What does parseHTTPBody do?", "for the body"),
    (CODE, "What does E-4712 mean?", "valve"),
    (CODE, "What does error code E-4713 mean?", None),
    (CODE, "What is a quern?", "stone mill"),
    (CODE, "What is Torvik?", "a village"),
    (CODE, "What does GRP stand for?", "glass reinforced"),
    (CODE, "What is a mangle?", None),
    (CODE, "Was ist eine Muffe?", "Verbindungsstück"),
    (CODE, "Was ist eine Mutter?", None),
    (STATIONS, "Who is the keeper at Kilometre 21?", "Anna Stahl"),
    (STATIONS, "Who is the keeper at Kilometre 22?", None),
    ("次の会議は京都（きょうと）で開かれます。", "次の会議はどこで開かれますか？", "京都"),
    ("会議は金曜日の十時に第三会議室です。", "会議はいつですか？", "金曜日"),
    ("会議は金曜日の十時に第三会議室です。", "昼食はいつですか？", None),
    ("The oﬃce ﬁle is ﬂat and lies in drawer nine.", "Where does the office file lie?", "drawer nine"),
    (
        "| Rooms |\n| --- |\n| Blue |\n\n| The blue room is closed on Fridays. |\n| --- |",
        "On which day is the blue room closed?",
        "Friday",
    ),
)


@pytest.mark.parametrize(("text", "question", "gold"), OTHERS)
async def test_forms_questions_headings_and_heads_of_mails_answer(
    answerer: ExtractiveAnswerer, text: str, question: str, gold: str | None
) -> None:
    context = text.partition("\n")[0].strip("# ") if text.startswith("# ") else "document"
    statements = (await answerer.answer(question, found(text, context=context))).statements
    assert gold in statements[0].quote if gold and statements else bool(gold) == bool(statements), statements
