"""The layout `people`: how two people of a brand are compared, and the odds a model begins with before it has seen the brand's data.

The shipped odds say how records of Korean customers err: m from what the quality literature reports of typed names, dates and numbers
(one value in ten to twenty differs between two records of one human; e-mail and phone change more often than they are mistyped),
u from counting: a day of birth is shared by one pair in 20,000, the commonest surname by one in 22, a random mobile number by one in
ten million. They only have to be good enough to rank; `train` replaces each where the brand's data say enough.
"""

from __future__ import annotations

from dangol.identity.matching.layout import (
    Alike,
    All,
    Block,
    Comparison,
    Crossed,
    Key,
    Kind,
    Lacks,
    Layout,
    Level,
    Near,
    Not,
    Overlap,
    Same,
    Shared,
    Some,
    Test,
)


def _across_scripts(test: Test) -> Test:
    """Sounds are coarse: they are compared where one of the two has no 한글. 은주 and 은정 are two names."""
    return All((Lacks("hangul"), test))


_NAME = Comparison(
    "name",
    ("sound",),
    (
        Level("same_writing", Some((Same("hangul"), All((Lacks("hangul"), Same("latin"))))), 0.76, 4e-4, frequency="sound"),
        Level("same_sound", All((Overlap("sounds"), Lacks("hangul"))), 0.08, 3e-4, frequency="sound"),
        Level(
            "slip",
            Some((Near("jamo", 1, shortest=5), Near("latin", 1, shortest=6), _across_scripts(Near("sound", 1, shortest=6)))),
            0.05,
            3e-3,
        ),
        Level("alike", Some((Alike("latin", 0.92), _across_scripts(Alike("sound", 0.93)))), 0.03, 6e-3),
        Level("same_given", Same("given"), 0.025, 6e-3),
        Level("same_surname", Same("surname"), 0.015, 0.08),
    ),
    m=0.04,
    u=0.91,
    shown="names",
)
_BIRTH = Comparison(
    "birth",
    ("birth",),
    (
        Level("same", Same("birth"), 0.93, 5e-5),
        Level("day_month_swapped", Crossed("birth", "birth_swapped"), 0.005, 5e-5),
        Level("slip", Near("birth", 1, shortest=8), 0.03, 1.2e-3),
        Level("same_day_other_year", Same("birth_day"), 0.01, 2.6e-3),
        Level("same_year", Same("birth_year"), 0.01, 0.018),
    ),
    m=0.015,
    u=0.978,
    shown="birth",
)
#: No level for mailboxes that are merely alike: most are made of the name, so they would say again what the name has said. The digits
#: in it are what tells namesakes apart: where they differ, it is another mailbox and not a slip.
_EMAIL = Comparison(
    "email",
    ("email",),
    (
        Level("same", Overlap("emails"), 0.40, 1e-6, frequency="email"),
        Level("slip", All((Same("mailbox_digits"), Some((Near("email", 1, shortest=10), Near("mailbox", 1, shortest=8))))), 0.06, 2e-6),
        Level("same_mailbox", Overlap("mailboxes"), 0.14, 4e-6, frequency="mailbox"),
    ),
    m=0.40,
    u=0.9999,
    shown="emails",
    # An address that came along the number which the two share is the number once more, and no second witness.
    silent=All((Overlap("emails"), Overlap("phones"), Not(Overlap("own_emails")))),
)
_PHONE = Comparison(
    "phone",
    ("phone",),
    (
        Level("same", Overlap("phones"), 0.55, 4e-6, frequency="phone"),
        Level("same_tail", Overlap("tails"), 0.01, 1e-6),
        Level("slip", Near("phone", 1, shortest=9), 0.03, 2e-5),
    ),
    m=0.41,
    u=0.99997,
    shown="phones",
)
_ADDRESS = Comparison(
    "address",
    ("address", "postcode"),
    (
        Level("same_home", Same("home"), 0.50, 1e-6, frequency="home"),
        Level("same_building", Same("building"), 0.08, 1e-4),
        Level("most_words", Shared("places", 0.7), 0.12, 3e-4),
        Level("same_postcode", Same("postcode"), 0.05, 3e-4),
        Level("same_district", Same("district"), 0.10, 0.02),
    ),
    m=0.15,
    u=0.98,
    shown="address",
)
_GENDER = Comparison("gender", ("gender",), (Level("same", Same("gender"), 0.985, 0.5),), m=0.015, u=0.5, shown="gender")

#: Fields that a family has in common. However much of them agrees, it says "one home": at most this many bits, the prior included;
#: whether it is one person of that home, the other fields must say.
HOUSEHOLD = ("phone", "address")
HOUSEHOLD_AT_MOST = -1.0
#: In one home another field's agreement says less than among strangers: about one pair in a hundred shares a day of birth (twins are 1.5 %
#: of births), uses one mailbox, or left the other's name with an order. log2(1 / 0.01).
IN_HOME_AT_MOST = 6.6

_YEAR, _GIVEN, _SURNAME = Key("birth_year"), Key("given"), Key("surname")

_TEXTS = (
    *(
        "name",
        "hangul",
        "jamo",
        "latin",
        "sound",
        "surname",
        "given",
        "birth",
        "birth_swapped",
        "birth_either",
        "birth_day",
        "birth_year",
        "gender",
    ),
    *("email", "mailbox", "mailbox_digits", "phone", "address", "building", "home", "district", "postcode"),
)

PEOPLE = Layout(
    name="people",
    columns=dict.fromkeys(
        _TEXTS,
        Kind.TEXT,
    )
    | dict.fromkeys(("names", "sounds", "emails", "own_emails", "mailboxes", "phones", "tails", "places"), Kind.TEXTS),
    comparisons=(_NAME, _BIRTH, _EMAIL, _PHONE, _ADDRESS, _GENDER),
    blocks=(
        Block("email", (Key("emails", each=True),), (Key("sound"),)),
        Block("mailbox", (Key("mailboxes", each=True),), (Key("sound"),)),
        Block("phone", (Key("tails", each=True),), (Key("sound"),)),
        Block("home", (Key("home"),), (_GIVEN,)),
        Block("name and day of birth", (Key("sounds", each=True), Key("birth"))),
        Block("day and month swapped, name", (Key("birth_either"), Key("sound"))),
        Block("home and given name", (Key("building"), _GIVEN)),
        # Addresses are one slip apart only where the digits in them are the same.
        Block("begin of e-mail and its digits", (Key("mailbox", letters=5), Key("mailbox_digits")), (_YEAR, _SURNAME)),
        # A slip in the given name or in the surname leaves its begin or its end: of millions these keep those of one birthday few enough, and
        # the pairs go to them rather than to namesakes of one year, who hardly ever are one without a number, an address or a home in common.
        Block("day of birth, surname, begin of given name", (Key("birth"), _SURNAME, Key("given", letters=2)), share=2.5),
        Block("day of birth, given name, begin of surname", (Key("birth"), _GIVEN, Key("surname", letters=1)), share=0.5),
        Block("day of birth, given name, end of surname", (Key("birth"), _GIVEN, Key("surname", letters=-1)), share=0.5),
        Block("day of birth, surname, end of given name", (Key("birth"), _SURNAME, Key("given", letters=-2)), share=2.5),
        Block("day of birth and given name", (Key("birth"), _GIVEN), share=0.5),
        Block("day of birth and surname", (Key("birth"), _SURNAME), (Key("given", letters=1),), share=0.5),
        Block("name and year of birth", (Key("sounds", each=True), _YEAR), (Key("birth_day", letters=2),), share=0.5),
        Block("name", (Key("sounds", each=True),), (Key("postcode"),), share=0.5),
    ),
    prior=1e-4,
    prior_records=10_000,
    household=HOUSEHOLD,
    household_at_most=HOUSEHOLD_AT_MOST,
    in_home_at_most=IN_HOME_AT_MOST,
)
