"""How Django knows who asks: the session holds an operator's id; passwords are judged by the operators room alone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from dangol.operators.models import Operator


class EmailBackend:
    """Finds the operator of a session. It authenticates nobody: `dangol.operators.sign_in` does, with its throttle."""

    def authenticate(self, _request: HttpRequest | None, **_given: Any) -> None:
        """Nobody signs in by this door."""

    def get_user(self, user_id: int) -> Operator | None:
        """The operator with this id who may still sign in."""
        return Operator.objects.filter(pk=user_id, disabled_at__isnull=True).first()
