"""What Django must be told for the console to be served: middleware, templates, cookies, content security policy."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Any

from dangol.durable import make_folder, sync
from dangol.settings import Settings

HERE = Path(__file__).parent

#: Seconds an operator stays signed in without asking for a page: one working day.
SESSION_SECONDS = 12 * 3600

#: Everything comes from our own address; no inline script or style, no eval, no frame.
CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002 - one source per line is easier to read
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "manifest-src 'self'",
    )
)

#: Apps the console needs beside the rooms.
APPS = (
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "dangol.console",
)

MIDDLEWARE = (
    "dangol.console.middleware.SecurityHeaders",
    "dangol.console.middleware.Borrowed",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dangol.console.middleware.Preferences",
    "dangol.console.middleware.SignInRequired",
    "dangol.console.middleware.WholeText",
)


def web_settings(settings: Settings) -> dict[str, Any]:
    """Django settings of the console for this workspace.

    INSTALLED_APPS holds only what the console adds; the composition root puts the rooms before it.
    """
    secure = settings.console.public_url.startswith("https://")
    return {
        "SECRET_KEY": secret_key(settings),
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"],
        "ROOT_URLCONF": "dangol.console.urls",
        "ASGI_APPLICATION": "dangol.console.asgi.application",
        "INSTALLED_APPS": list(APPS),
        "MIDDLEWARE": list(MIDDLEWARE),
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / "templates"],
                "OPTIONS": {
                    "context_processors": ["django.template.context_processors.request", "dangol.console.shell.shell"],
                    "builtins": ["django.templatetags.i18n", "dangol.console.templatetags.console"],
                    "loaders": [
                        (
                            "django.template.loaders.cached.Loader",
                            ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                        )
                    ],
                },
            }
        ],
        "AUTH_USER_MODEL": "operators.Operator",
        "AUTHENTICATION_BACKENDS": ["dangol.console.signin.EmailBackend"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "LOGIN_URL": "/sign-in",
        "SESSION_COOKIE_NAME": "dangol_session",
        "SESSION_COOKIE_AGE": SESSION_SECONDS,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_NAME": "dangol_csrf",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_TRUSTED_ORIGINS": [settings.console.public_url.rstrip("/")] if settings.console.public_url else [],
        "CSRF_FAILURE_VIEW": "dangol.console.pages.errors.form_expired",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if secure else None,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "X_FRAME_OPTIONS": "DENY",
        "APPEND_SLASH": False,
        "USE_I18N": True,
        "USE_TZ": True,
        "TIME_ZONE": settings.brand.timezone,
        "LANGUAGE_CODE": settings.brand.language,
        "LANGUAGES": [("ko", "한국어"), ("en", "English")],
        "LOCALE_PATHS": [HERE / "locale"],
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 5_000_000,
    }


def secret_key(settings: Settings) -> str:
    """The key that signs sessions, made once per workspace and readable by its owner alone."""
    path = settings.secrets_dir / "console.key"
    if not path.exists():
        make_folder(path.parent, 0o700)
        fresh = path.with_name(f".console.key.{secrets.token_hex(4)}")
        fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
        fresh.chmod(0o600)
        sync(fresh)  # nobody could sign in with the empty key that a power cut would leave
        # Linking fails when another process was first, so two processes never sign with different keys.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
        sync(path.parent)
    return path.read_text(encoding="ascii")
