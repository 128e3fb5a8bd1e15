"""Who may do what: subscribers, the services they have, their people, and what was done."""

from server.accounts.models.audit import AuditEntry, record_audit
from server.accounts.models.people import CallNotice, Notice, Role, Team, User, UserManager, UserSession
from server.accounts.models.subscribers import Activation, ClosedDay, Language, Service, ServiceRequest, Subscriber
from server.accounts.models.support import Support

__all__ = [
    "Activation",
    "AuditEntry",
    "CallNotice",
    "ClosedDay",
    "Language",
    "Notice",
    "Role",
    "Service",
    "ServiceRequest",
    "Subscriber",
    "Support",
    "Team",
    "User",
    "UserManager",
    "UserSession",
    "record_audit",
]
