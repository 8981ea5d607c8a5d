"""Courses by the thousand, no two alike: titles, subjects, tags, languages and prices as a large catalog has them.

What a number stands for never changes, so that two installations of any size can be compared.
"""

import random
from dataclasses import dataclass
from functools import cache

SUBJECTS = {
    "Arts": {
        "Drawing": ("Portraits", "Perspective", "Watercolour", "Comics"),
        "Music": ("Harmony", "Jazz piano", "Choir singing", "Sound recording"),
    },
    "Business": {
        "Finance": ("Bookkeeping", "Budgets", "Company valuation", "Taxes"),
        "Leadership": ("Difficult conversations", "Meetings", "Hiring", "Negotiation"),
    },
    "Computing": {
        "Programming": ("Python", "Databases", "Web applications", "Algorithms"),
        "Security": ("Cryptography", "Network defence", "Threat models", "Privacy"),
    },
    "Education": {
        "Classroom": ("Lesson planning", "Assessment", "Reading aloud", "Feedback"),
        "Policy": ("Inclusion", "School law", "Curricula", "Early childhood"),
    },
    "Health": {
        "Nursing": ("Wound care", "Medication", "Palliative care", "First aid"),
        "Nutrition": ("Vitamins", "Diets", "Food allergies", "Cooking for many"),
    },
    "History": {
        "Antiquity": ("Athens", "The Roman road", "Egyptian tombs", "Carthage"),
        "Modern": ("Revolutions", "Railways", "The Cold War", "Migration"),
    },
    "Languages": {
        "European": ("Spanish", "German", "Finnish", "Portuguese"),
        "Asian": ("Japanese", "Mandarin", "Hindi", "Korean"),
    },
    "Law": {
        "Private law": ("Contracts", "Inheritance", "Tenancy", "Copyright"),
        "Public law": ("Human rights", "Elections", "Constitutions", "Planning law"),
    },
    "Mathematics": {
        "Pure": ("Number theory", "Topology", "Groups", "Proofs"),
        "Applied": ("Statistics", "Optimization", "Game theory", "Forecasting"),
    },
    "Science": {
        "Biology": ("Cells", "Genetics", "Birds", "Evolution"),
        "Physics": ("Mechanics", "Optics", "Thermodynamics", "Quantum theory"),
    },
}  # fmt: skip
FRAMES = (
    "Introduction to {}", "{} in practice", "{} without fear", "A short history of {}", "{} for beginners",
    "Advanced {}", "{}: a workshop", "Thinking about {}", "{} step by step", "Questions of {}", "The craft of {}",
    "{} at work",
)  # fmt: skip
PLACES = ("the evening", "small groups", "twelve weeks", "one weekend", "your own time", "the field", "the summer")
SENTENCES = (
    "This course begins where everyday experience ends, and asks what {} really is.",
    "Each week brings a text to read, an exercise to hand in and a discussion of what remains open.",
    "Students work on a small project of their own and present it to the others at the end.",
    "No earlier knowledge is needed beyond patience and a pencil.",
    "Those who have met {} before will find enough that is new to them.",
    "The examples come from practice: from schools, workshops, hospitals and town halls.",
    "We look at what goes wrong in {}, because mistakes teach more than rules.",
    "By the end you can explain the main ideas of {} to somebody who has never heard of them.",
    "The course closes with an exam that may be repeated.",
    "Guests from the profession tell what they would have liked to know at the start.",
)
QUALITIES = (
    "practice", "theory", "certificate", "project", "self-paced", "group-work", "career", "weekend", "exam", "classic",
    "discussion", "reading", "writing", "excursion", "laboratory", "seminar", "lecture", "repetition", "basics",
    "refresher", "teachers", "parents", "school", "university", "retirement", "evening", "online", "summer", "winter",
    "guests",
)  # fmt: skip
LEVELS = ("beginner", "beginner", "intermediate", "intermediate", "advanced")
LANGUAGES = ("en",) * 12 + ("de",) * 3 + ("es",) * 3 + ("fr",) * 2 + ("pt", "pt-BR", "ja", "hi", "ar", "fi")
ENROLLMENT_TYPES = ("open",) * 7 + ("approval",) * 2 + ("invite",)
PRICES = ("0",) * 9 + ("9.90", "19", "29", "49", "49.50", "79", "99", "149", "299")
CURRENCIES = ("USD", "USD", "EUR")


@dataclass(frozen=True, slots=True)
class Sample:
    """One course of the many."""

    title: str
    description: str
    category: str
    sub_category: str
    level: str
    language: str
    price: str
    currency: str
    enrollment_type: str
    tags: tuple[str, ...]


@cache
def _topics() -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (category, sub_category, topic)
        for category, parts in SUBJECTS.items()
        for sub_category, topics in parts.items()
        for topic in topics
    )


def sample(number: int) -> Sample:
    """The course of this number."""
    chance = random.Random(number)
    category, sub_category, topic = chance.choice(_topics())
    frame, place = chance.choice(FRAMES), chance.choice(PLACES)
    sentences = chance.sample(SENTENCES, 5)
    return Sample(
        title=f"{frame.format(topic)}, in {place}",
        description=" ".join(sentence.format(topic.lower()) for sentence in sentences),
        category=category,
        sub_category=sub_category,
        level=chance.choice(LEVELS),
        language=chance.choice(LANGUAGES),
        price=chance.choice(PRICES),
        currency=chance.choice(CURRENCIES),
        enrollment_type=chance.choice(ENROLLMENT_TYPES),
        tags=(topic.lower().replace(" ", "-"), sub_category.lower(), *chance.sample(QUALITIES, chance.randint(1, 3))),
    )
