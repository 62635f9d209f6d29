"""What an organization would be shown of a person: the same account, made of what it may receive and nothing else."""

from dataclasses import replace
from datetime import datetime

from coordinator.disclosure import Recipient, Ruling, sight
from coordinator.errors import NotFound
from coordinator.reconcile import Agreed
from coordinator.sync.gather import WHOLE, Dossier, Setting


def shown_to(dossier: Dossier, organization: str, setting: Setting, *, actor: str, now: datetime) -> Dossier:
    """Return the dossier as an organization may know it for treatment, now.

    Raises NotFound for an organization that the tenant does not know, and where nothing of this person may be shown:
    the words then tell as little as for a person who does not exist.
    """
    if organization not in setting.policy.organizations:
        raise NotFound(
            f"There is no organization {organization!r}.",
            operation="show account",
            hint=f"There are: {', '.join(sorted(setting.policy.organizations)) or 'none'}.",
        )
    ruling = Ruling(actor=actor, consents=dossier.consents, policy=setting.policy, now=now)
    seen = sight(dossier.evidence, dossier.decisions, Recipient(organization=organization), ruling=ruling)
    patients = {(one.ehr, one.document.id) for one in seen.evidence if one.document.type == "Patient"}
    if not patients:
        raise NotFound(
            f"{organization} would be shown nobody under this id.",
            operation="show account",
            hint="Without --as you see what this tenant knows.",
        )
    own = sorted(name for name, one in setting.connections.items() if one.organization == organization)
    agreed = next((dossier.agreed[name] for name in own if name in dossier.agreed), Agreed())
    return replace(
        dossier,
        links=tuple(one for one in dossier.links if (one.ehr, one.patient) in patients),
        evidence=seen.evidence,
        decisions=seen.decisions,
        agreed={WHOLE: agreed},
        entries=(),
    )
