"""Everyday words that ask for or state the same thing, in English and German: what a paraphrase most often swaps.

A line is one meaning; a word may have several. Words are compared by their stem, `_` joins the words of a phrase.
"""

from functools import cache

from shared.answers.stems import stem

_MEANINGS = """
founded founder how_old establish establishment set_up start started began begin begun create origin start_out gründen gründung gegründet gründer errichtet entstehen entstanden beginnen
built build construct construction constructed erect erected building_work put_up complete completed finished gebaut bauen erbaut errichtet errichten bau fertiggestellt
employ employee employees staff workforce worker workers headcount personnel people_work colleague mitarbeiter beschäftigt beschäftigen angestellte belegschaft personal
ceo chief_executive boss head heads run runs lead leads led leader director manage manager manages managing_director in_charge chair chairs chairman president geschäftsführer chef leiter leiten leitet leitung vorsitzende direktor führt verwalter
headquarters headquartered main_office head_office based base located location seat hauptsitz sitz ansässig zentrale
lie lies located location situated stands where_is liegt liegen gelegen lage befindet
price cost costs pay paid charge charged fee fees sold retail worth expensive tariff fare rate preis kosten kostet zahlen bezahlen gebühr teuer kaufpreis entgelt
fine penalty surcharge strafe
revenue turnover sales earn earned earnings income proceeds takings umsatz einnahmen erlös verdienst verdienen
profit profits net_income surplus gewinn
salary wage wages pay paid earn earns gehalt lohn verdient verdienen
budget funding funded fund financed finance paid_by grant loan sponsor money finanziert finanzierung bezahlt geld haushalt
tall height high elevation altitude rises hoch höhe höher
long length lang länge
deep depth tief tiefe
wide width broad breit breite
heavy weigh weighs weight wiegen wiegt gewicht schwer
large big size area extent cover covers surface extend extends groß größe fläche ausdehnung
big large size measure measures measured across diameter groß größe misst
fast speed knots velocity top_speed quick schnell geschwindigkeit tempo
loud noise noise_level decibel decibels quiet laut lautstärke leise
hot cold temperature degrees warm heat heiß kalt temperatur grad
how_old age aged alt alter
power wattage watts watt energy draw draws electricity leistung watt strom
battery charge socket charging akku batterie ladung
memory ram speicher arbeitsspeicher
speak speaks language languages spoken sprache sprechen
written write writes wrote author writer book novel published geschrieben schreiben autor verfasst verfasser buch
licence license licensed released_under lizenz
born how_old birth birthday date_of_birth geboren geburt geburtstag geburtsdatum
comes_from home_town born geboren native raised grew_up birthplace heimat stammt aufgewachsen
died dead death die passed_away gestorben starb tod sterben
married marry spouse wife husband wedding married_to verheiratet heiraten heiratete ehefrau ehemann frau mann
child children son sons daughter daughters kids kind kinder sohn tochter
parent parents father mother vater mutter eltern
studied study university college school attend attended attends degree educated education graduated studieren studiert studierte universität schule ausbildung studium
award awards prize medal honour honoured honored decorated won auszeichnung preis medaille geehrt ausgezeichnet
play plays instrument music musical spielen instrument musik
paint painted painter picture painting gemalt maler gemälde
sing sang singer song voice singen sänger lied
design designed designer architect drew drawn plans planned shape entworfen entwurf architekt geplant pläne entwerfen
discover discovered discovery found finds finder first_described entdeckt entdecker entdecken entdeckung
invent invented inventor developed develop develops developer devised erfunden erfinder entwickelt erfinden
made make makes manufacture manufactured manufacturer produce produced production producer hergestellt hersteller produziert herstellen
material made_of built_of consist consists consist_of walls material besteht bestehen
colour available_in black white red blue green yellow silver grey brown teal schwarz weiß rot blau grün gelb color colours colors shade shades hue farbe farben
supply supplies supplied supplier supplies deliver delivered provider buy buys bought purchase lieferant liefert geliefert kaufen beziehen
sell sells sold selling sale verkaufen verkauft verkauf
donate donated donation gave given give gift spende gespendet geschenkt
acquire acquired acquisition bought took_over take_over purchased übernommen kaufte gekauft übernahme
own owner owners owned owns belong belongs property besitzer eigentümer gehört besitzt gehören
customer customers client clients kunde kunden
competitor competitors rival rivals wettbewerber konkurrent
partner partners partnership cooperate collaborates partner zusammenarbeit
member members membership mitglied mitglieder
visitor visitors visit visits visited come_to_see tourists guests guest besucher besuchen besucht gäste
seat seats capacity room_for fit hold holds people_fit accommodate accommodates places passengers plätze sitzplätze kapazität fassen platz
bed beds sleeps berths sleeping schlafplätze betten schlafplatz bett
open visit opens opened opening opening_time opening_hours accessible access geöffnet öffnet eröffnet öffnungszeiten eröffnung offen
close closed closes shut shuts closing given_up discontinued ended end ends stop stopped geschlossen schließt schließen zu geschlossene endete ende eingestellt
last lasts take takes duration run_time lasted how_long dauert dauern dauer
release released appeared came_out come_out launch launched published introduced issued veröffentlicht erschienen erschien eingeführt
version release update edition version ausgabe
support supports supported handle handles work_with compatible unterstützt unterstützen
limit maximum max most at_most up_to no_more upper ceiling grenze höchstens maximal höchste maximum
minimum least at_least mindestens minimum mindest
need needs require required requires requirement requirements necessary must have_to benötigt brauchen braucht nötig notwendig erforderlich
allow allowed permit permitted may possible erlaubt dürfen darf möglich gestattet
forbid forbidden prohibited banned not_allowed verboten untersagt
approve approval agree agrees consent authorise authorises sign_off authorize genehmigen genehmigung zustimmen zustimmung
log_out logged_out logs session sessions log_off sign_out abmelden sitzung
idle inactivity without_activity inactive
hash hashes hashed hashing
backup back_up snapshot snapshots backups sicherung datensicherung
maintain maintains maintained maintainer look_after looks_after looked_after guard guards ranger care cared tended tend keeper warden gepflegt betreut betreuen wartet kümmert pflegt
repair repaired repairs restore restored restoration renovate renovated renovation mend fix fixed refurbished repariert restauriert saniert renoviert sanierung
replace replaced replacement stand_in stood_in successor instead succeeded ersetzt nachfolger ersetzen
elect elected appoint appointed new vote voted gewählt ernannt
resign resigned resignation step_down stepped_down left leave zurückgetreten rücktritt
cause caused causes reason why because due led_to trigger triggered damaged destroyed loss lost ursache grund warum wegen weil verursacht
fire burn burned burnt blaze burning feuer brand brannte
flood flooding flooded hochwasser überschwemmung flut
damage damaged destroyed destroy ruined ruin broke schaden zerstört beschädigt zerstören
warranty guarantee guarantees guaranteed garantie gewährleistung
vacation holiday holidays leave annual_leave time_off days_off urlaub urlaubstage ferien
remote work_from_home working_from_home home_office homeoffice
deadline due submit submitted hand_in handed_in due_date until frist abgeben einreichen abgabe
return returns returned come_back came_back comes_back coming_back back orbit zurück rückgabe rückkehr
reimburse reimbursed reimbursement refund refunded refunds erstattet erstattung erstatten
interest percent interest_rate yields zins zinsen prozent
withdraw withdrawal withdrawals taking_out take_out abheben
deposit deposits savings kaution anzahlung einlage
rain rainfall precipitation regen niederschlag
snow snowfall schnee
animal home_to animals wildlife fauna species tiere tierwelt
plant plants flora vegetation pflanzen
live lives lived home habitat resident reside inhabitants population residents wohnt wohnen lebt leben einwohner bevölkerung
use used uses purpose serve serves genutzt benutzt nutzen verwendet verwendung zweck dient
store stored storage kept keep keeps belongs lagern lagerung aufbewahren aufbewahrt
check checked inspect inspected inspection test tested tests examined sample samples audit prüfen geprüft prüfung kontrolliert kontrolle
call called calls alert alerts phone notify notifies telephone rufen anrufen telefon
phone telephone phone_number telefonnummer telefon
email e-mail mail_address
name named called known known_as title heißt name genannt bekannt
kill killed kills victims casualties getötet opfer
win won winner wins victory gewonnen sieger gewinnen gewinner
score scored scores goal goals tor tore erzielt
coach coached coaches trainer trained trainer
teach teaches taught teacher unterrichten lehrer
join joined joins came_to beitreten beigetreten
gather assemble assembly assembly_point meet meeting meeting_point treffen sammelpunkt versammlung
attend attended present took_part participants participant teilnehmer anwesend teilgenommen
arrive arrives arrival reach reaches get_to ankunft ankommen erreicht
depart departs departure leave leaves abfahrt abfahren
ascent climb climbs climbing aufstieg anstieg steigung
prune cut cut_back pruned schneiden
sow sown sowing plant planted säen gesät
rest rests ferment ferments prove gehen ruhen
garbage rubbish waste trash refuse abfall müll
pet pets dog dogs cat haustier haustiere hund
rent tenancy miete mieten monatsmiete
contract agreement vertrag vereinbarung
notice notice_period kündigung kündigungsfrist
collect collected collection pick_up abgeholt abholung abholen
train railway rail zug bahn
car vehicle automobile auto wagen fahrzeug
ship vessel boat schiff boot
doctor physician arzt ärztin
medicine drug medication medikament arznei
illness disease sick sickness krankheit krank
job profession occupation works_as treats beruf tätigkeit
harvest harvested yield yielded crop ernte geerntet
meal meals dish dishes food mahlzeit essen gericht
year annual annually yearly per_year a_year each_year jährlich jahr
month monthly monat monatlich
week weekly woche wöchentlich
day daily tag täglich
often frequency frequently intervals interval every how_often times regularly once twice häufig oft turnus
default unless_told normally standard standardmäßig
port listens accept_connections connections
first initial earliest erste zuerst
today now present current currently heute jetzt derzeit aktuell
password passwords passwort kennwort
country land nation
city town stadt
captain skipper commander command commanded commands kapitän
star stars starring leading_part lead_role main_role plays actor actress cast hauptrolle schauspieler
film filmed movie shot shooting recorded gedreht film
direct directed director directs regie regisseur
compose composed composer score music soundtrack komponiert komponist musik
screenplay script drehbuch
late delay delayed behind_schedule overdue behind verspätet verspätung verzögert
dose dosage tablet tablets dosis tabletten
prescribe prescribed treat treats treatment treated therapy against used_for indicated cure behandelt behandlung
side_effect side_effects unwanted adverse undesirable nebenwirkung nebenwirkungen
combine combined taken_together together_with mix mixed interact kombiniert
reserve reserved reservation reservations book booked booking table buchen reservieren gebucht
pupil pupils child children student students schoolchildren learners attend schüler
teacher teachers teaching_staff lehrer lehrerin lehrkräfte
head_teacher headmaster headmistress principal head leads schulleiter
speciality specialty signature house_dish famous_for known_for spezialität
train trained training learn learned learnt apprenticeship lernte gelernt ausbildung
exclude excluded except exempt not_covered wearing ausgeschlossen
include included includes covered contains contain covers enthält enthalten inbegriffen
erase erased delete deleted remove removed wipe gelöscht löschen
record recording recordings recorded video footage filmed aufnahme aufnahmen
responsible responsibility in_charge officer charge zuständig verantwortlich
consent permission written_consent agreement approval einwilligung
file files records record data akten
transport transported carry carried shipped conveyed befördert transport
supplies provisions goods lieferungen
observe observes observer watch watches monitored beobachtet beobachter
coldest lowest minimum minus kälteste
hottest highest_temperature warmest maximum heißeste
spend spent used_up used consumed ausgegeben
behind after following hinter
win won awarded received_prize gewann
screen shown premiere premiered first_shown uraufführung premiere
passenger passengers traveller travellers traveler travelers riders fahrgäste reisende passagiere
flight flights fly flies flying plane aircraft flug fliegen
airline airlines carrier fluggesellschaft
bus coach shuttle
parking park leave_a_car car_park parkplatz parken
distance far away kilometres miles entfernt entfernung weit
centre center downtown middle zentrum mitte
north northern norden nördlich
south southern süden südlich
mayor head_of_town bürgermeister
king queen monarch ruler ruled reign reigned könig königin herrscher
president presidency präsident
battle war fight fought schlacht krieg
treaty pact accord vertrag
destroy destroyed demolished torn_down razed abgerissen zerstört
rebuild rebuilt reconstructed reconstruction wiederaufgebaut
expand expanded expansion extension enlarged extended erweitert erweiterung
merge merged merger fusion fusioniert
subsidiary branch branches daughter_company filiale niederlassung
investor invested investment invests shareholder stake investiert investor beteiligung
loan credit mortgage borrowed lend kredit darlehen
debt liabilities owe owed schulden
tax taxes taxation steuer steuern
insurance insured policy cover versicherung versichert
discount reduction rebate reduced half ermäßigung rabatt
export exports exported ausfuhr exportiert
import imports imported einfuhr
grow grown cultivate cultivated crop anbau angebaut
feed feeds eat eats diet food prey fressen frisst nahrung
breed breeding nest nests build_nest reproduce lay_eggs egg eggs brut brüten
lifespan life_expectancy live_to lives_for lebenserwartung
habitat live found_in occurs native_to home_to lebensraum kommt_vor
endangered threatened rare extinct bedroht gefährdet
summit peak top gipfel
source spring rises headwaters quelle entspringt
mouth flows_into empties mündet mündung
bridge crossing ferry cross brücke überfahrt
journey trip travel travels tour crossing voyage reise fahrt
path trail route hike walk weg wanderweg
shelter hut refuge lodge hütte
hotel inn accommodation lodging overnight stay unterkunft übernachtung
ticket tickets admission entrance entry eintritt fahrkarte ticket
exhibit exhibition exhibited display shown museum ausstellung ausgestellt
collection collect archive holdings sammlung
festival fair celebration celebrated feast fest gefeiert
concert performance perform performed recital gig konzert auftritt
audience listeners spectators heard public crowd publikum zuschauer zuhörer
conductor conducted conducts dirigent
choir singers singer chorus chor
team squad players crew mannschaft
league championship tournament cup liga meisterschaft turnier
injury injured torn wound wounded hurt verletzung verletzt
miss missed absent cost_her cost_him verpasst fehlte
wear wore number shirt trug
retire retired retirement pension ruhestand rente
hire hired recruit recruited recruitment joined eingestellt
dismiss dismissed fired sacked laid_off entlassen
promote promoted promotion advance befördert
shift working_hours work_time week regular_week arbeitszeit
core_time present attendance kernzeit
overtime extra_hours überstunden
break pause rest pausen
sick illness sick_leave krankheit krankmeldung
parental maternity paternity elternzeit
bonus premium allowance benefit zulage prämie
travel_expenses journey trip dienstreise reisekosten
receipt receipts invoice invoices bill beleg belege rechnung
payment pay_by transfer instalment zahlung
terminate cancel cancelled cancellation kündigen storniert
sign signed signature unterzeichnet unterschrift
complain complaint complaints claim claims beschwerde
court judge judgment ruling trial gericht urteil
law act regulation statute gesetz verordnung
punish punished sentence sentenced jail strafe verurteilt
encrypt encrypted encryption cipher verschlüsselt verschlüsselung
authenticate authentication log_in login sign_in anmelden anmeldung
database storage_engine store datenbank
protocol interface api schnittstelle
server host node machine rechner
crash crashes fail failed failure outage broke_down breakdown ausfall absturz defekt
error bug fault defect fehler mangel
upgrade update migrate migration upgrading aktualisieren
install installation installed set_up einrichten installieren
configure configured configuration setting settings option konfiguration einstellung
deploy deployed roll-out rollout rolled_out
test trial pilot experiment versuch
measure measured measurement gauge gemessen messung
temperature degrees celsius grad
pressure bar psi druck
voltage volts volt spannung
frequency hertz tuned frequenz
screen display inch bildschirm
camera lens picture kamera
engine motor engines drive antrieb
fuel petrol diesel consumption burn burns kraftstoff verbrauch
tank capacity litres volume fassungsvermögen
water supply spring drinking wasser
electricity current outage blackout power_cut strom stromausfall
emergency alarm danger notfall
evacuate evacuation leave exit escape räumung
extinguisher fire feuerlöscher
clean cleaned cleaning wash washed reinigen gereinigt
protect protects protection prevent prevents avoid schutz schützen verhindern
risk danger hazard threat warn warns worry gefahr risiko
benefit advantage proceeds for_the_benefit vorteil
goal aim purpose objective target ziel zweck
result outcome consequence effect ergebnis folge
research study studies investigate scientists researchers scientist researcher forschung forscher wissenschaftler
publish published paper article journal veröffentlicht
theory hypothesis claim argued suggested theorie
method technique approach procedure verfahren methode
sample samples specimen probe
survey poll questioned asked umfrage
average mean typical durchschnitt durchschnittlich
increase increased rise rose grew growth more zunahme gestiegen stieg
decrease decreased fell drop dropped decline reduce abnahme gesunken sank
majority most mehrheit meisten
dedicate dedicated named_after named_for honour benannt gewidmet
symbol emblem logo coat_of_arms wappen
religion faith church worship kirche glaube
bishop priest pastor monk bischof pfarrer
inherit inherited heir legacy bequest erbe geerbt
steal stolen theft robbery gestohlen diebstahl
lose lost missing disappear disappeared left_in verloren verschwunden
rescue rescued saved gerettet rettung
accident crash collision unfall
arrest arrested detained verhaftet
escape escaped flee fled geflohen
move moved relocate relocated transferred umgezogen zog
divorce divorced separated geschieden
brother sister sibling siblings bruder schwester geschwister
grandfather grandmother großvater großmutter
nickname alias known_as called spitzname
hobby pastime spare spare_time hobbies freizeit hobby
speak_languages fluent languages
"""


_OPPOSITES = """
highest lowest
maximum minimum
most least
first last
oldest youngest
largest smallest
longest shortest
arrive depart
reach leave
arrival departure
open close
opening closing
start end
begin finish
before after
buy sell
rise fall
increase decrease
hot cold
indoors outdoors
summer winter
north south
east west
mother father
husband wife
import export
income expense
höchste niedrigste
größte kleinste
erste letzte
ankunft abfahrt
vor nach
kauf verkauf
"""


@cache
def opposites() -> dict[str, frozenset[str]]:
    """From a stem to the stems that say the contrary."""
    found: dict[str, set[str]] = {}
    for line in _OPPOSITES.strip().splitlines():
        one, other = (stem(word) for word in line.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {root: frozenset(others) for root, others in found.items()}


def _table() -> dict[str, frozenset[int]]:
    table: dict[str, set[int]] = {}
    for number, line in enumerate(_MEANINGS.strip().splitlines()):
        for entry in line.split():
            key = " ".join(stem(word) for word in entry.split("_"))
            table.setdefault(key, set()).add(number)
    return {key: frozenset(numbers) for key, numbers in table.items()}


@cache
def meanings() -> dict[str, frozenset[int]]:
    """From a stem, or the stems of a phrase with a space between, to the numbers of its meanings."""
    return _table()
