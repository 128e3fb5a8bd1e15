"""Settings from the environment; every one has a default that works on one machine.

The list of variables, with what each is for, stands in docs/configuration.md.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from server.statics import keep_none_that_changed, version_of_files

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where we are -----------------------------------------------------------------------------
PORT = env.int("PORT", default=8000)
# Providers and browsers see us here: webhook signatures, callback URLs and the socket's Origin
# check use it, never the Host header, which anybody can write.
PUBLIC_URL = env("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL must look like https://sms.example.hu, not {PUBLIC_URL!r}.")
IS_LOCAL = _public.hostname in {"127.0.0.1", "localhost", "::1"}
IS_HTTPS = _public.scheme == "https"

DEBUG = False
DEMO = env.bool("DEMO", default=False)
DEMO_SECRET_KEY = "demo-secret-key-for-one-machine-only-never-for-the-internet-0123456789"
SECRET_KEY = env("SECRET_KEY", default=DEMO_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
if not IS_LOCAL and (DEMO or SECRET_KEY == DEMO_SECRET_KEY):
    raise ImproperlyConfigured(
        f"PUBLIC_URL is {PUBLIC_URL}, so this is production: set SECRET_KEY to a secret of your own "
        "(python -c 'import secrets; print(secrets.token_urlsafe(50))') and leave DEMO unset."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_public.hostname, "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Rooms ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "server.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tasks_db",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "server",
    "server.accounts",
    "server.events",
    "server.lines",
    "server.contacts",
    "server.messaging",
    "server.calls",
    "server.history",
    "server.privacy",
    "gateway",
    "chatui",
    "operations",
    # The demo company and the customer's phone beside the messenger; production has neither.
    *(["simulator"] if DEMO else []),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "server.accounts.middleware.CircumstancesMiddleware",
    "server.accounts.middleware.SeenMiddleware",
    "chatui.acting.ActingMiddleware",
    "chatui.middleware.LanguageOfUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "server.urls"
ASGI_APPLICATION = "server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatui.context.shell",
            ],
        },
    },
]

# --- Rows: SQLite for one machine, PostgreSQL for more ----------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'data' / 'fonal.sqlite3'}")}
_database = DATABASES["default"]
# Persistent connections run out under ASGI: every request's thread would keep one.
_database["CONN_MAX_AGE"] = 0
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # Without IMMEDIATE a read-then-write transaction fails at once when another writes.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # The dispatcher moves the log into the database every two seconds (gateway/chores.py); at each thousand
        # pages, as SQLite would by itself, it cost a webhook a fifth of its time. 8,000 pages are 32 MB.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;"
        "PRAGMA wal_autocheckpoint=8000;",
    }
    if str(_database["NAME"]) != ":memory:":
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    # One round trip each time a connection is taken out of the pool: after a restart of PostgreSQL those in it are broken.
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=20), "timeout": 5},
        "connect_timeout": 2,
        # A provider waits 15 s at most: better a clear 503 that it repeats than a hanging lock.
        # We ask for pages of fifty rows: compiling a statement, planning to remember rows of a join, or trying every
        # order of more than four joins takes longer than it could ever save.
        "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c jit=off -c enable_memoize=off -c join_collapse_limit=4",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Live -------------------------------------------------------------------------------------
REDIS_URL = env("REDIS_URL", default="")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "fonal"},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
LIVE_HEARTBEAT_SECONDS = env.float("LIVE_HEARTBEAT_SECONDS", default=20)
LIVE_RECHECK_SECONDS = env.float("LIVE_RECHECK_SECONDS", default=60)

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Five wrong passwords for one name from one address: fifteen minutes' rest. Others are not locked out.
AXES_CLIENT_IP_CALLABLE = "server.accounts.middleware.client_address"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "chatui.views.log_in.locked_out"
AXES_USERNAME_CALLABLE = "chatui.views.log_in.name_tried"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# A link to a new password.
PASSWORD_RESET_TIMEOUT = 24 * 3600
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS

OTP_TOTP_ISSUER = "Fonal"
# Telephones know the time: the code of now, of half a minute before or after, never further with each log-in.
OTP_TOTP_SYNC = False

# --- Doors ------------------------------------------------------------------------------------
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^gateway/", r"^health/$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF, PUBLIC_URL.replace("http", "ws", 1)],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
# How many proxies of ours stand before us, each of which adds to X-Forwarded-For.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
WEBHOOK_MAX_BYTES = 64 * 1024

# --- Words ------------------------------------------------------------------------------------
LANGUAGE_CODE = "hu"
LANGUAGES = [("hu", _("Hungarian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Budapest"

# --- Files ------------------------------------------------------------------------------------
# One word for all of them: modules import each other by relative addresses, and never an old one a new one.
STATIC_VERSION = version_of_files(BASE_DIR)
STATIC_URL = f"static/{STATIC_VERSION}/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
# A file that is changed under the running server would else be cut at its old length.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_MAX_AGE = 0
WHITENOISE_IMMUTABLE_FILE_TEST = None if DEMO else "."
WHITENOISE_ADD_HEADERS_FUNCTION = keep_none_that_changed
# Files are served from the rooms they are in: nothing needs to be collected first.
warnings.filterwarnings("ignore", message="No directory at")
# Messages as files, for a day: no address leads there, chatui hands them out. Web and worker must see the same folder.
EXPORT_DIR = Path(env("EXPORT_DIR", default=str(BASE_DIR / "data" / "exports")))
# Contacts on their way in, until they are imported.
IMPORT_DIR = Path(env("IMPORT_DIR", default=str(BASE_DIR / "data" / "imports")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "exports": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": EXPORT_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "imports": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": IMPORT_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
}

# --- Others -----------------------------------------------------------------------------------
# An e-mail must not wait for somebody's million rows; imports of contacts are in the queue of exports, too.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "exports"]}}
_email = env.email_url("EMAIL_URL", default="consolemail://" if IS_LOCAL else "smtp://127.0.0.1:25")
_is_smtp = _email["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
MAILERS = {
    "default": {
        "BACKEND": _email["EMAIL_BACKEND"],
        "OPTIONS": {
            "host": _email["EMAIL_HOST"],
            "port": _email["EMAIL_PORT"] or 25,
            "username": _email["EMAIL_HOST_USER"] or "",
            "password": _email["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": _email.get("EMAIL_USE_TLS", False),
            "use_ssl": _email.get("EMAIL_USE_SSL", False),
            "timeout": 10,
        }
        if _is_smtp
        else {},
    }
}
# Told of what companies ask for, besides the operator's staff who have an address.
OPERATOR_EMAIL = env("OPERATOR_EMAIL", default="")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default=f"Fonal <noreply@{_public.hostname}>")
TWILIO_API_BASE_URL = env("TWILIO_API_BASE_URL", default="https://api.twilio.com").rstrip("/")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"without_proofs": {"()": "server.quiet_logs.WithoutProofs"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_proofs"]}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        # At INFO it prints query strings, which hold telephone numbers.
        "twilio.http_client": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "django_tasks_db": {"level": "WARNING"},
    },
}
