"""The console: the pages in which a brand's people look and act. Rooms know nothing of it.

In: an operator's request.   Out: HTML in the operator's language, personal data masked unless the role may see it.
Ask: dangol.console.django.web_settings(settings), dangol.console.asgi.application.
"""
