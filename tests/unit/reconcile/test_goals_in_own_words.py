"""What an EHR made of words that we wrote there is those words, for as long as it puts them so."""

import pytest

from coordinator.reconcile import Agreed
from coordinator.reconcile.care_plan.goal_fields import OWN_WORDS
from tests.builders import a_goal, evidence

WORDS, LOUD = "Build a support system", "BUILD A SUPPORT SYSTEM"


def agreed_with(account, **words):
    before = account(evidence(a_goal(text=WORDS)), evidence(a_goal("c-1", text=WORDS), ehr="ced")).agreed
    (key,) = before.items
    return Agreed(items={key: {**before.items[key], OWN_WORDS: words["told"]}} if "told" in words else before.items)


CASES = {
    "as it puts our words": ({"ced description": {"sent": WORDS, "held": LOUD}}, LOUD, WORDS),
    "words of its own": ({"ced description": {"sent": WORDS, "held": LOUD}}, "Call my sister", "Call my sister"),
    "what is told of another field": ({"ced dueDate": {"sent": WORDS, "held": LOUD}}, LOUD, LOUD),
    "what can't be read": ({"ced description": WORDS}, LOUD, LOUD),
}


@pytest.mark.parametrize(("told", "says", "holds"), CASES.values(), ids=CASES)
def test_own_words_of_an_ehr_are_no_edit(account, told, says, holds):
    now = [evidence(a_goal(text=WORDS)), evidence(a_goal("c-1", text=says), ehr="ced", version="2")]
    made = account(*now, agreed=agreed_with(account, told=told))
    assert ([one.values["description"] for one in made.plan.goals], made.findings) == ([holds], ())


def test_an_edit_in_the_other_ehr_is_news_beside_own_words(account):
    now = [
        evidence(a_goal(text="Call my sister"), version="2"),
        evidence(a_goal("c-1", text=LOUD), ehr="ced", version="2"),
    ]
    told = {"ced description": {"sent": WORDS, "held": LOUD}}
    made = account(*now, agreed=agreed_with(account, told=told))
    assert ([one.values["description"] for one in made.plan.goals], made.findings) == (["Call my sister"], ())
