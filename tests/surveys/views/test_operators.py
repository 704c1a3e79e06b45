"""What operators ask, and who is no operator."""

import pytest

from tests.conftest import World

#: What a proxy adds to what it passes on; one of them is enough.
BY_PROXIES = [
    ("X-Forwarded-For", "9.9.9.9"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "surveys.example"),
    ("X-Forwarded-Prefix", "/surveys"),
    ("Forwarded", "for=9.9.9.9"),
    ("Via", "1.1 varnish"),
    ("via", ""),
    ("X-Real-IP", "9.9.9.9"),
    ("True-Client-IP", "9.9.9.9"),
    ("CF-Connecting-IP", "9.9.9.9"),
    ("CDN-Loop", "cloudflare"),
    ("Fly-Client-IP", "9.9.9.9"),
    ("X-Azure-ClientIP", "9.9.9.9"),
    ("X-Varnish", "32770"),
    ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"),
    ("X-Scheme", "https"),
]


def test_metrics_are_for_this_machine_and_through_no_proxy(world):
    def status(address="127.0.0.1", **headers):
        peer = {"REMOTE_ADDR": address}
        return world.client.get("/metrics", headers=headers, environ_base=peer).status_code

    assert (status(), status("::1"), status("127.8.8.8")) == (200, 200, 200)
    assert (status("192.0.2.1"), status("::"), status("")) == (404, 404, 404)
    assert {name: status(**{name: value}) for name, value in BY_PROXIES} == {
        name: 404 for name, _ in BY_PROXIES
    }


class TestWithAToken:
    """With METRICS_TOKEN."""

    @pytest.fixture
    def settings_overrides(self) -> dict[str, str]:
        """A token."""
        return {"METRICS_TOKEN": "t0ken"}

    def test_a_scraper_elsewhere_shows_it(self, world: World) -> None:
        def status(token: str) -> int:
            headers = {"Authorization": token, "Via": "1.1 varnish"}
            peer = {"REMOTE_ADDR": "192.0.2.1"}
            return world.client.get("/metrics", headers=headers, environ_base=peer).status_code

        assert [status(f"Bearer {token}") for token in ("t0ken", "other", "")] == [
            200,
            404,
            404,
        ]
        # Schemes have no case, and two blanks are as good as one (RFC 9110, 11.1 and 11.4).
        assert [status(given) for given in ("bearer t0ken", "BEARER  t0ken", "t0ken", "Basic t0ken")] == [
            200,
            200,
            404,
            404,
        ]
