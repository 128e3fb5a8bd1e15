"""Finding a company by what somebody on the telephone says: its name, a number of it, a person."""

from __future__ import annotations

from django.db.models import Q

from server import phone
from server.accounts.models import Subscriber, User
from server.lines.models import Line
from server.wording import fold, words_in

SHORTEST_NUMBER = 3


def found_by(text: str) -> list[int]:
    """The ids of the companies that a text may mean (all, when it is empty), by name.

    The names are compared here: no database of ours knows that "arviz" may stand for "Árvíz", and there are thousands at most.
    """
    names = [
        (" ".join(words_in(name)), fold(name), slug, pk) for pk, name, slug in Subscriber.objects.values_list("pk", "name", "slug")
    ]
    wanted = fold(text).split()
    by_others = _by_lines_and_people(text.strip()) if wanted else set()
    return [pk for _, name, slug, pk in sorted(names) if pk in by_others or all(word in name or word in slug for word in wanted)]


def _by_lines_and_people(text: str) -> set[int]:
    lines = Q(label__icontains=text) | Q(number__icontains=text)
    if phone.may_be_part_of_number(text):
        digits = {phone.digits_of(text), phone.bare_digits_of(text)}
        for each in digits:
            if len(each) >= SHORTEST_NUMBER:
                lines |= Q(number__contains=each)
    people = User.objects.filter(Q(email__icontains=text) | Q(username__icontains=text), subscriber__isnull=False)
    by_line = Line.objects.filter(lines).values_list("subscriber", flat=True)
    return {*by_line, *people.values_list("subscriber_id", flat=True)}
