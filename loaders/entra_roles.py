"""Directory roles of Entra ID: their names, and what they let their holders do (formats.md 4.3; learn.microsoft.com, "Microsoft Entra built-in roles").

A role is one tenant's: its key ends in the domain of most of the tenant's mailboxes (that of its mail system), or the tenant's id where no
domain is known; a source that tells neither gives a key without, which is the case's only tenant's where there is just one
(graphmodel/resolve.py).
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.recipients import Node

# By the id of the role's template, which is the same in every tenant; display names may be in any language.
ROLE_NAMES = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator", "966707d0-3269-4727-9be2-8c3a10f19b9d": "Password Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "4ba39ca4-527c-499a-b93d-d9b492c50246": "Partner Tier1 Support", "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": "Partner Tier2 Support",
}  # fmt: skip
_FORMER_NAMES = {
    "company administrator": "Global Administrator", "tenantadmins": "Global Administrator", "exchange service administrator": "Exchange Administrator",
    "user account administrator": "User Administrator", "helpdeskadmin": "Helpdesk Administrator",
}  # fmt: skip
# What a holder may do to what belongs to the tenant: rights of CONTROLS. The first resets nobody who holds an administrative role.
RESET, RESET_ANY, ADD_SECRET, ASSIGN = "ResetPassword", "ResetAnyPassword", "AddSecret", "AssignRole"
RIGHTS: dict[str, tuple[str, ...]] = {
    "global administrator": (RESET_ANY, ADD_SECRET), "privileged authentication administrator": (RESET_ANY,), "partner tier2 support": (RESET_ANY,),
    "helpdesk administrator": (RESET,), "user administrator": (RESET,), "authentication administrator": (RESET,), "password administrator": (RESET,),
    "partner tier1 support": (RESET,), "application administrator": (ADD_SECRET,), "cloud application administrator": (ADD_SECRET,),
    "privileged role administrator": (ASSIGN,),
}  # fmt: skip
ACTIVATED = "activated"
"""Why somebody has a role: an eligible holder switched it on for a time (Privileged Identity Management)."""
_MAIL_ADMINS = frozenset(("global administrator", "exchange administrator"))


def role_name(name: str, template: str | None = None) -> str:
    """A directory role's name as it is today."""
    return ROLE_NAMES.get(template or "") or _FORMER_NAMES.get(name.casefold(), name)


def role_node(name: str, tenant: str) -> Node:
    """The role of a tenant, by its domain or id; "" where the source does not tell it."""
    return ("Role", identity.role_key("entra", name, tenant))


def gives_any_mailbox(name: str) -> bool:
    """Whether holders of the role may give themselves any mailbox of the tenant's mail system."""
    return name.casefold() in _MAIL_ADMINS


def state_tenant(out: FactBuffer, tenant: str, place: str) -> Node:
    """State the tenant, to which accounts and applications belong."""
    node = ("Container", identity.tenant_key(tenant))
    out.node("Container", node[1], place, name=f"tenant of {tenant}" if tenant else "the tenant", type="tenant", domain=tenant if "." in tenant else None)
    return node


def state_role(out: FactBuffer, name: str, tenant: str, mail_system: Node | None, place: str) -> Node:
    """State the role and what it lets its holders do: any mailbox of the mail system, passwords, applications' credentials."""
    role = role_node(name, tenant)
    out.node("Role", role[1], place, name=name, system="entra")
    if mail_system and gives_any_mailbox(name):
        out.edge("ADMIN_TO", role, mail_system, place, via="exchange role", basis=name)
    if rights := RIGHTS.get(name.casefold(), ()):
        node = state_tenant(out, tenant, place)
        for right in rights:
            out.edge("CONTROLS", role, node, place, right=right)
    return role
