"""Tables of operators: the people and programs that may look and act, and what each may do."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

ROLES = ("owner", "marketer", "analyst", "agent", "store", "developer", "privacy_officer")


class OperatorManager(BaseUserManager):
    """Finds operators by e-mail."""

    def get_by_natural_key(self, username: str | None) -> Operator:
        """The operator with this e-mail, whatever its case."""
        return self.get(email__iexact=username)


class Operator(AbstractBaseUser):
    """A person of the brand who signs in."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES])
    language = models.CharField(max_length=2, default="ko")
    disabled_at = models.DateTimeField(null=True, blank=True)
    #: Set when the password was given by somebody else and must be changed at the first sign-in.
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    objects = OperatorManager()

    class Meta:
        db_table = "operator"

    @property
    def is_active(self) -> bool:
        """Whether this operator may sign in."""
        return self.disabled_at is None


class ApiToken(models.Model):
    """A program's key to the API. Only its SHA-256 is kept."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES])
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_token"


class SignInAttempt(models.Model):
    """A failed sign-in; too many in a window and the address must wait."""

    id = models.BigAutoField(primary_key=True)
    email = models.TextField()
    ip = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "sign_in_attempt"
        indexes = [models.Index(fields=["email", "at"], name="sign_in_email"), models.Index(fields=["ip", "at"], name="sign_in_ip")]
