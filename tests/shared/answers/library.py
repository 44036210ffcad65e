"""Twelve small documents, and questions that they answer or only seem to answer."""

from shared.types.passage import Found, Passage

DOCUMENTS: tuple[tuple[str, str], ...] = (
    (
        "Hollow Pine Observatory",
        "Hollow Pine Observatory was opened in 1968 on the ridge above Carrick. Its largest telescope has a "
        "mirror of 2.1 metres. Guided tours take place on the first Friday of each month. The observatory is "
        "directed by Dr. Selma Okonjo, who came from Nairobi. In winter the access road is cleared by the "
        "forestry service.",
    ),
    (
        "Remote work policy",
        "Staff may work from abroad for up to 20 days a year. A request must be filed six weeks in advance "
        "with the people team. The company pays 35 euros a month towards the internet connection. Laptops are "
        "replaced every four years. Whoever works at home more than two days a week gives up the fixed desk.",
    ),
    (
        "Bellweather Cider",
        "Bellweather Cider is pressed in Herefordshire from eleven kinds of apple. The firm was started by "
        "the sisters June and Ada Marsh. It sells 90,000 bottles a year, most of them at farm shops. The dry "
        "variety has an alcohol content of 6.2 percent. Deliveries are free for orders above £60.",
    ),
    (
        "Tramline 9",
        "Tramline 9 runs from Harbour Square to the university hospital. The line is 7.4 kilometres long and "
        "has 16 stops. Trams leave every eight minutes at peak times. The last tram departs at 00:25. The "
        "vehicles were built in Poland and can carry 210 people each.",
    ),
    (
        "The Amber Casket",
        "The Amber Casket is a novel by Teresa Lindgren. It tells of a forger in Gdańsk and was translated "
        "into fourteen languages. The book won the Northern Prize in 2009. The cover was drawn by Pål Eide. "
        "Lindgren wrote it in eleven months while she lived on a houseboat.",
    ),
    (
        "Incident report 2231",
        "The outage of the payment gateway lasted 47 minutes. It was caused by an expired certificate on the "
        "load balancer. Rashid Karimi noticed the failure at 03:12 and renewed the certificate. About 1,900 "
        "transactions were lost. As a consequence, certificates are now checked every night.",
    ),
    (
        "Kite Hill Farm",
        "Kite Hill Farm keeps 140 dairy goats. They are milked twice a day by the family and two apprentices. "
        "The cheese ripens for ten weeks in a former railway tunnel. Visitors are welcome on Saturdays "
        "between nine and noon. The farm switched to organic methods in 2004.",
    ),
    (
        "Polar lantern PL-7",
        "The PL-7 lantern shines for 60 hours on one charge. It weighs 310 grams and survives a fall from two "
        "metres. The housing is made of recycled aluminium. The lantern costs 74 dollars. Charging takes "
        "three hours by USB-C.",
    ),
    (
        "Saint Odile Hospital",
        "Saint Odile Hospital has 320 beds and nine operating theatres. Its chief physician is Professor "
        "Karel Novotny. Visiting hours are from two to seven in the afternoon. The children's ward was "
        "renovated in 2016 with a gift from the Lowell Foundation. Parking is free for the first hour.",
    ),
    (
        "Glacier survey",
        "The Tormund glacier has lost 41 metres of thickness since 1980. Measurements are made each September "
        "by a team from Innsbruck. The tongue of the glacier ends at 2,460 metres above the sea. Radar showed "
        "a lake beneath the ice in 2018. The survey is paid for by the Alpine Council.",
    ),
    (
        "Lease of Unit 14",
        "Unit 14 is let to Corbel Prints Ltd for five years. The rent of 2,150 pounds is due on the third "
        "working day of the month. Either party may end the lease with six months' notice. The tenant must "
        "not store solvents on the premises. Repairs to the roof are the landlord's duty.",
    ),
    (
        "Chess club newsletter",
        "The Marlin chess club meets on Thursdays in the back room of the Red Lion. Wanda Zielinska won the "
        "spring tournament with eight points out of nine. Juniors pay half the membership fee. A simultaneous "
        "display by grandmaster Ilya Brodsky drew 35 players. The club owns 24 digital clocks.",
    ),
)

DIRECT: tuple[tuple[str, str], ...] = (
    ("When was Hollow Pine Observatory opened?", "1968"),
    ("How many days a year may staff work from abroad?", "20 days"),
    ("Where is Bellweather Cider pressed?", "Herefordshire"),
    ("How many stops does Tramline 9 have?", "16"),
    ("Who drew the cover of The Amber Casket?", "Pål Eide"),
    ("How long did the outage of the payment gateway last?", "47 minutes"),
    ("How many dairy goats does Kite Hill Farm keep?", "140"),
    ("What is the housing of the PL-7 lantern made of?", "recycled aluminium"),
    ("Who is the chief physician of Saint Odile Hospital?", "Karel Novotny"),
    ("How much thickness has the Tormund glacier lost since 1980?", "41 metres"),
    ("When is the rent of Unit 14 due?", "third working day"),
    ("Who won the spring tournament of the Marlin chess club?", "Wanda Zielinska"),
)

PARAPHRASED: tuple[tuple[str, str], ...] = (
    ("Who runs Hollow Pine Observatory?", "Selma Okonjo"),
    ("How often do employees get a new laptop?", "four years"),
    ("Who founded Bellweather Cider?", "June and Ada Marsh"),
    ("What is the capacity of a tram on Tramline 9?", "210"),
    ("Which award was The Amber Casket given?", "Northern Prize"),
    ("Why did the payment gateway fail?", "expired certificate"),
    ("On which day can people come to see Kite Hill Farm?", "Saturdays"),
    ("How heavy is the PL-7 lantern?", "310 grams"),
    ("Who gave the money for the children's ward at Saint Odile Hospital?", "Lowell Foundation"),
    ("Who finances the survey of the Tormund glacier?", "Alpine Council"),
    ("What may Corbel Prints not keep in Unit 14?", "solvents"),
    ("Where does the Marlin chess club come together?", "Red Lion"),
)

NEAR_MISSES: tuple[str, ...] = (
    "How much does a guided tour of Hollow Pine Observatory cost?",
    "How many staff work from abroad?",
    "Who is the chief executive of Bellweather Cider?",
    "When was Tramline 9 opened?",
    "How many pages does The Amber Casket have?",
    "How much money was lost in the outage of the payment gateway?",
    "How many hectares does Kite Hill Farm have?",
    "What colour is the PL-7 lantern?",
    "When was Saint Odile Hospital founded?",
    "How long is the Tormund glacier?",
    "How many square metres does Unit 14 have?",
    "How much is the membership fee of the Marlin chess club?",
    "Where was Dr. Selma Okonjo born?",
    "Which company provides the laptops?",
    "How many people work for Bellweather Cider?",
    "What does a ticket for Tramline 9 cost?",
    "Who translated The Amber Casket into German?",
    "How old is Rashid Karimi?",
    "What is the name of the owner of Kite Hill Farm?",
    "Who invented the PL-7 lantern?",
    "How many nurses work at Saint Odile Hospital?",
    "Who discovered the Tormund glacier?",
    "Who is the landlord of Unit 14?",
    "When was the Marlin chess club founded?",
)


def passages() -> list[Passage]:
    return [
        Passage(f"psg_{at}", f"doc_{at}", generation=1, position=0, text=text, context=title)
        for at, (title, text) in enumerate(DOCUMENTS)
    ]


def found() -> list[Found]:
    """All of them, as a search that knows nothing would hand them over."""
    return [Found(passage, 1.0 / (1 + rank)) for rank, passage in enumerate(passages())]
