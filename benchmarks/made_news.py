"""Made news texts: events told twice in other words, forms with other facts, and edited copies."""

import itertools
import random
import re

STARTS = [
    "Bal",
    "Cor",
    "Dun",
    "Fen",
    "Gar",
    "Hol",
    "Ist",
    "Kel",
    "Lor",
    "Mar",
    "Nor",
    "Orm",
    "Pel",
    "Quin",
    "Ras",
    "Sel",
    "Tor",
    "Ul",
    "Ver",
    "Wen",
    "Yar",
]
ENDS = [
    "a",
    "ach",
    "ander",
    "by",
    "dale",
    "en",
    "er",
    "ford",
    "gate",
    "ham",
    "holm",
    "ia",
    "ick",
    "mere",
    "ov",
    "stad",
    "ton",
    "wick",
    "yn",
]
ORGS = ("council", "ministry", "port authority", "hospital trust", "water board", "rail operator",
        "union", "chamber of trade", "university", "regional court", "energy agency",
        "housing fund", "fishing fleet", "growers' association", "museum")  # fmt: skip
THINGS = ("bridge", "harbour wall", "tram line", "school roof", "ferry", "wind farm", "clinic",
          "reservoir", "market hall", "flood barrier", "night train", "cable", "stadium",
          "grain store", "library", "data centre", "ring road")  # fmt: skip
CAUSES = ("a storm", "a cut in grants", "a strike", "a faulty valve", "rising rents",
          "a late delivery", "a court order", "a ship that ran aground", "record rain",
          "a software fault", "a dispute over wages", "an audit")  # fmt: skip
QUOTES = (
    ("we will not pay for the same {thing} twice", "nobody will be asked to pay again"),
    ("it took {n} months to find {cause} and a night to repair it", "the search was the long part"),
    ("people in {town} have waited since {year}", "{year} was when the waiting began here"),
    ("the figures that {org} gave us were out by {m} percent", "{org} was wrong by {m} percent"),
    ("I would rather open late than open twice", "a later opening is the smaller evil"),
    ("there is no plan for what happens in {month}", "{month} is a blank page so far"),
)  # fmt: skip
# Each fact in the words of one reporter, and in those of another.
FACTS = (
    ("{Org} of {town} closed the {thing} on {day} after {cause}, {person} said.",
     "Because of {cause} there is no way to use the {thing} in {town} since {day}."),
    ("Repairs will cost {n} million crowns and take until {month}.",
     "Until {month} builders will be at work; the bill stands at {n} million crowns."),
    ("{person}, who has led {org} since {year}, called the delay \u201c{quote}\u201d.",
     "For {person}, head of {org} from {year} on, {other_quote}."),
    ("About {m} people in {town} and {place} depend on it every day.",
     "Each day {m} inhabitants, half of them from {place}, need it."),
    ("{rival}, the opposition's speaker in {place}, asked for an inquiry by {weekday}.",
     "An inquiry before {weekday} is what {rival} of the opposition in {place} wants."),
    ("A first estimate in {year} had put the price at {k} million.",
     "Planners in {year} had reckoned with {k} million and no more."),
    ("\u201c{quote},\u201d {rival} told a meeting of {k} residents.",
     "In front of {k} residents {rival} put it like this: {other_quote}."),
    ("The {thing} opened in {year} and was last inspected {n} weeks ago.",
     "Inspectors last saw the {thing}, in use since {year}, some {n} weeks before."),
    ("Buses from {place} run every {k} minutes until further notice.",
     "Whoever comes from {place} has a bus each {k} minutes for now."),
    ("{Org} has {m} staff, of whom {n} were sent home on {weekday}.",
     "On {weekday} {n} of the {m} employees of {org} had to stay at home."),
    ("Traders at the {place} market put their losses at {m} crowns a day.",
     "Every day costs the shops of {place} {m} crowns, they reckon."),
    ("In {month} the regional court will hear a complaint that {rival} filed over {cause}.",
     "{rival} has gone to court over {cause}; judges will sit in {month}."),
    ("The insurer pays at most {n} million, according to a letter of {day}.",
     "More than {n} million the insurer will not give, it wrote on {day}."),
    ("Work on a second {thing} near {place} stopped in {year} when {cause} ate up the money.",
     "Money for another {thing} by {place} ran out in {year}, for which many blame {cause}."),
    ("Schools in {town} sent {m} children home early on {weekday}.",
     "For {m} pupils lessons in {town} ended before noon on {weekday}."),
    ("{person} expects {k} offers from builders, the last of them in {month}.",
     "By {month} some {k} firms should have sent their offers, says {person}."),
)  # fmt: skip
FORMS = {
    "weather": (
        "The weather for {town} on {weekday}: {sky} in the morning, {wind} later. The "
        "highest temperature of the day will be {n} degrees, the lowest of the night {k}. "
        "Wind comes from the {side} with up to {m} kilometres an hour, at sea with more. The"
        " chance of rain is {p} percent. The sun rises at {k} minutes past six and sets at "
        "{n} minutes past five. The outlook for the next days: {sky}, then {wind}; "
        "temperatures stay near {n} degrees. This forecast is made by the weather service of"
        " {town} and is renewed every six hours."
    ),
    "stock market": (
        "Shares in {town} ended {weekday} {move}. The index of the {k} leading companies "
        "closed at {m} points, {p} percent {move} than the day before. {Name} gained the "
        "most with {n} percent after results, while {Other} lost {k} percent. Trading volume"
        " was {m} million crowns. The crown stood at {n} cents to the dollar in late "
        "trading, and a barrel of oil cost {p} dollars. Analysts expect quiet trading on the"
        " next day, when figures of {Third} are due. All prices are those at the end of "
        "trading and come from the exchange."
    ),
    "sports result": (
        "{Name} beat {Other} {k} to {p} in {town} on {weekday} in front of {m} spectators. "
        "{person} scored after {n} minutes and {rival} after {k}. At half time it had been "
        "{p} to {k}. {Name} are now {n}th in the table with {m} points, while {Other} stay "
        "{k}th with {p}. The next match of {Name} is against {Third} on {day}. Tickets are "
        "sold at the ground from ten in the morning on and cost {n} crowns for adults and "
        "{k} crowns for children."
    ),
    "market prices": (
        "Prices at the wholesale market of {town} on {weekday}, in crowns for a box: apples "
        "{n}, pears {k}, plums {p}, cabbage {m}, leeks {n}, carrots {p}, onions {k}, "
        "potatoes {m}. Cod cost {p} a box, herring {n} and plaice {k}. {move} than a week "
        "ago were apples and cod. The market opens at four in the morning from Monday to "
        "Saturday and closes at ten; dealers need a card, which the office in the main hall "
        "hands out between eight and nine."
    ),
}
FOOTERS = (
    (
        "This article was provided to {outlet} by a news agency and has not been edited by "
        "us. Subscribe to our morning letter for what matters in {town}, follow us where you"
        " read your news, and write to the desk if you know more. All rights reserved."
    ),
    (
        "{outlet} is paid for by its readers. If you think that {town} needs a paper which "
        "looks closely, support us from five crowns a month on. More on this subject: our "
        "map of all building sites, and the guide to who pays for what. Reprints only with "
        "leave of the publisher."
    ),
)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Newsroom:
    """Makes texts; the same seed makes the same ones."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def name(self):
        return self.draw.choice(STARTS) + self.draw.choice(ENDS)

    def facts(self):
        """Return what is known of one event."""
        draw = self.draw
        town = self.name()
        org = f"the {town} {draw.choice(ORGS)}"
        facts = {
            "town": town, "place": self.name(), "org": org, "Org": org.capitalize(),
            "thing": draw.choice(THINGS), "cause": draw.choice(CAUSES),
            "person": f"{self.name()} {self.name()}", "rival": f"{self.name()} {self.name()}",
            "year": draw.randrange(1960, 2031), "month": draw.choice(MONTHS),
            "weekday": draw.choice(DAYS), "day": f"{draw.randrange(1, 29)} {draw.choice(MONTHS)}",
            "n": draw.randrange(11, 100), "m": draw.randrange(101, 9000),
            "k": draw.randrange(3, 60), "p": draw.randrange(2, 99),
            "Name": self.name(), "Other": self.name(), "Third": self.name(),
            "sky": draw.choice(("clouds", "sun", "mist", "snow", "showers", "a clear sky")),
            "wind": draw.choice(("a light breeze", "gusts", "calm", "storm from the sea")),
            "side": draw.choice(("north", "west", "south", "east")),
            "move": draw.choice(("higher", "lower", "dearer", "cheaper")),
        }  # fmt: skip
        quotes = draw.choice(QUOTES)
        facts["quote"], facts["other_quote"] = (quote.format(**facts) for quote in quotes)
        return facts

    def event(self):
        """Return the facts of an event by sentence: each of 16 sentences knows some of its own."""
        shared = self.facts()
        own = ("town", "place", "org", "Org", "thing", "person", "rival")
        sentences = list(range(len(FACTS)))
        self.draw.shuffle(sentences)
        return [(each, self.facts() | {key: shared[key] for key in own}) for each in sentences]

    def told(self, event, voice):
        """Return the paragraphs of an article on an event by one of two reporters."""
        told = [FACTS[each][voice].format(**facts) for each, facts in event]
        if voice:  # the other one begins with what the first one ends with
            told.reverse()
        return [" ".join(told[at : at + 2]) for at in range(0, len(told), 2)]

    def form(self, kind):
        """Return a text of a form that is filled in anew."""
        return FORMS[kind].format(**self.facts())

    def footer(self):
        return self.draw.choice(FOOTERS).format(outlet=f"The {self.name()} Post", town=self.name())


def paragraphs_of(text):
    """Return the paragraphs of a text; of one without any, three sentences each."""
    found = [each for each in text.split("\n") if each.strip()]
    if len(found) > 2:
        return found
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    return [" ".join(sentences[at : at + 3]) for at in range(0, len(sentences), 3)]


def replaced(share):
    """Return an edit that replaces so many of the words, in runs of one to three."""

    def edit(paragraphs, room):
        words = [each.split() for each in paragraphs]
        left = round(share * sum(map(len, words)))
        while left > 0:
            one = room.draw.choice(words)
            at, run = room.draw.randrange(len(one)), min(left, room.draw.randrange(1, 4))
            one[at : at + run] = [room.name().lower() for _ in one[at : at + run]]
            left -= run
        return [" ".join(each) for each in words]

    return edit


def cut(share):
    """Return an edit that keeps the first so many of the words, to the end of a sentence."""

    def edit(paragraphs, _):
        words = "\n".join(paragraphs).split(" ")
        kept = words[: max(1, round(share * len(words)))]
        while len(kept) < len(words) and not kept[-1].endswith((".", "\u201d", "!", "?")):
            kept.append(words[len(kept)])
        return " ".join(kept).split("\n")

    return edit


def shuffled(paragraphs, room):
    return room.draw.sample(paragraphs, len(paragraphs))


def set_anew(paragraphs, _):
    """Change quotes, dashes, case of the first words, spaces and the form of letters."""
    text = (
        "\n\n".join(paragraphs)
        .replace("\u201c", '"')
        .replace("\u201d", '"')
        .replace("fi", "\ufb01")
    )
    first, _, rest = text.partition(" ")
    return [f"{first.upper()}  {rest}"]


def with_headline(paragraphs, room):
    words = paragraphs[0].split()[:4]
    return [f"{room.name()} {' '.join(words)}: what {room.name()} must know now", *paragraphs]


def with_footer(paragraphs, room):
    return [*paragraphs, room.footer()]


def with_dateline(paragraphs, room):
    return [f"{room.name().upper()}, {room.draw.randrange(1, 29)} {room.draw.choice(MONTHS)} "
            f"({room.name()} News) \u2014 {paragraphs[0]}", *paragraphs[1:]]  # fmt: skip


def with_lead(paragraphs, room):
    """Write the first paragraph anew."""
    lead = " ".join(room.told(room.event(), 0)[0].split()[:30])
    return [lead, *paragraphs[1:]]


def localised(paragraphs, room):
    """Do what a local paper does: a dateline, three quarters of the text, a footer."""
    return with_footer(with_dateline(cut(0.75)(paragraphs, room), room), room)


def cut_local(paragraphs, room):
    return with_footer(cut(0.4)(with_headline(paragraphs, room), room), room)


EDITS = {
    "set in another way": set_anew,
    "another headline above the text": with_headline,
    "another dateline": with_dateline,
    "another outlet's footer": with_footer,
    "first paragraph written anew": with_lead,
    "paragraphs in another order": shuffled,
    "2 % of the words replaced": replaced(0.02),
    "5 % of the words replaced": replaced(0.05),
    "10 % of the words replaced": replaced(0.1),
    "cut to three quarters": cut(0.75),
    "cut to half": cut(0.5),
    "cut to a third": cut(1 / 3),
    "dateline, cut to three quarters, footer": localised,
    "headline, cut to 40 %, footer": cut_local,
}


class Fragments:
    """Makes texts of a given length fast: pieces of four to seven words, drawn at random."""

    def __init__(self, seed, count=50_000):
        self.draw = random.Random(seed)
        room = Newsroom(seed)
        words = [room.name().lower() + self.draw.choice("abcdeiklmnorstu") for _ in range(20_000)]
        weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(words))))
        self.pieces = [
            " ".join(self.draw.choices(words, cum_weights=weights, k=self.draw.randrange(4, 8)))
            for _ in range(count)
        ]

    def text(self, words=200):
        pieces = self.draw.choices(self.pieces, k=max(1, words * 2 // 11))
        return ". ".join(pieces) + "."

    def edited(self, text):
        """Return the text with a few words replaced, or cut, or with something below it."""
        kind = self.draw.randrange(4)
        if kind == 0:
            return text
        words = text.split()
        if kind == 1:
            words[self.draw.randrange(len(words))] = "otherwise"
        elif kind == 2:
            words = words[: max(1, len(words) // 2)]
        else:
            words += self.text(15).split()
        return " ".join(words)
