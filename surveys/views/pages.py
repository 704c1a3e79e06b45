"""Pages that people without a key see: the welcome page and the hosted survey page."""

from surveys.base.web import Routes

routes = Routes("pages", __name__, description="For respondents: no key needed.")
