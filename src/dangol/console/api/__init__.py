"""The public REST API: what programs may ask of Dangol and tell it, under /api/v1.

In: HTTP requests with a bearer token, or from a signed-in operator's browser.   Out: JSON, problem+json, server-sent events.
Ask: ApiApplication(settings), an ASGI application that stands in front of the console's pages: a profile read must not
pay for sessions, templates and forms that it does not use.
"""
