"""Settings are read once and complained about once."""

from pathlib import Path

import pytest

from hub.errors import Unusable
from hub.settings import Settings


def test_without_variables_the_embedded_database_is_used() -> None:
    settings = Settings.from_env({})
    assert settings.database_url is None
    assert settings.data_dir == Path("hub-data")


def test_variables_are_read() -> None:
    settings = Settings.from_env(
        {"HUB_PORT": "9000", "HUB_DATA_DIR": "/srv/hub", "HUB_DATABASE_URL": "postgresql:///hub"}
    )
    assert (settings.port, settings.data_dir) == (9000, Path("/srv/hub"))
    assert "postgresql" not in repr(settings)


def test_every_bad_variable_is_named_at_once_and_no_value_is() -> None:
    env = {
        "HUB_DATABASE_URL": "mysql://hub:topsecret@host/hub",
        "HUB_PORT": "70000",
        "HUB_POOL_MAX": "many",
        "HUB_STATEMENT_TIMEOUT_MS": "-5",
        "HUB_LIMIT_PAGE": "all",
    }
    with pytest.raises(Unusable) as refused:
        Settings.from_env(env)
    said = str(refused.value)
    assert all(variable in said for variable in env)
    assert "topsecret" not in said
    with pytest.raises(Unusable, match="HUB_POOL_MIN"):
        Settings.from_env({"HUB_POOL_MIN": "20"})


def test_a_password_with_its_at_sign_is_not_taken_for_a_host() -> None:
    with pytest.raises(Unusable, match="in a password it is written %40") as refused:
        Settings.from_env({"HUB_DATABASE_URL": "postgresql://hub:top@secret@host/hub"})
    assert "secret" not in str(refused.value)


def test_purposes_are_codes_and_only_known_ones_are_covert() -> None:
    settings = Settings.from_env(
        {"HUB_PURPOSES": "tender, enforcement", "HUB_COVERT_PURPOSES": "enforcement:180", "HUB_SHARING_YEARS": "3"}
    )
    assert settings.purposes == ("tender", "enforcement")
    assert settings.covert_purposes == {"enforcement": 180}
    assert settings.sharing_years == 3
    assert Settings.from_env({}).covert_purposes == {"enforcement": 90, "judicial": 90}
    assert Settings.from_env({"HUB_PURPOSES": "tender,judicial"}).covert_purposes == {"judicial": 90}
    assert Settings.from_env({"HUB_COVERT_PURPOSES": "none"}).covert_purposes == {}
    with pytest.raises(Unusable, match="HUB_COVERT_PURPOSES names spying"):
        Settings.from_env({"HUB_COVERT_PURPOSES": "spying:7"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HUB_PURPOSES", "tender,tender"),
        ("HUB_PURPOSES", "Tender"),
        ("HUB_COVERT_PURPOSES", "enforcement"),
        ("HUB_COVERT_PURPOSES", "enforcement:0"),
        ("HUB_SHARING_YEARS", "0"),
        ("HUB_PUBLICATION_TRANSITION", "longer-end"),
        ("HUB_SERIOUS_FINE_YUAN", "0"),
        ("HUB_MINOR_FINE_YUAN", "1.5"),
        ("HUB_MINOR_PUBLISHED", "perhaps"),
        ("HUB_RUN_ON_REGIONS", "41"),
        ("HUB_RUN_ON_REGIONS", "410000,"),
        ("HUB_BASE_URL", "http://hub.example"),
        ("HUB_BASE_URL", "https://user@hub.example"),
        ("HUB_BASE_URL", "https://hub.example?x=1"),
        ("HUB_BASE_URL", "https://Hub.example"),
        ("HUB_BASE_URL", "HTTPS://hub.example"),
        ("HUB_BASE_URL", "https://hub.example:443/credit"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(variable: str, value: str) -> None:
    with pytest.raises(Unusable, match=variable):
        Settings.from_env({variable: value})


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "partner.example",
        "https://partner.example/",
        "https://partner.example:443",
        "http://partner.example:80",
        "https://partner.example:65536",
        "https://user@partner.example",
        "https://例子.example",
        "https://a b",
        "http://[::1",
    ],
)
def test_an_origin_that_no_browser_names_is_refused(origin: str) -> None:
    with pytest.raises(Unusable, match="HUB_CORS_ORIGINS must be origins as browsers write them"):
        Settings.from_env({"HUB_CORS_ORIGINS": f"https://other.example, {origin}"})


def test_origins_are_compared_as_browsers_write_them() -> None:
    given = "https://Partner.example, http://127.0.0.1:8080, http://[::1]:3000, https://xn--fsqu00a.example"
    assert Settings.from_env({"HUB_CORS_ORIGINS": given}).cors_origins == given.lower()


def test_the_base_url_has_no_slash_at_its_end() -> None:
    assert Settings.from_env({"HUB_BASE_URL": "https://hub.example/"}).base_url == "https://hub.example"
    behind = "https://hub.example:8443/Credit"
    assert Settings.from_env({"HUB_BASE_URL": f"{behind}/"}).base_url == behind


def test_the_access_log_is_kept_five_years_at_least() -> None:
    assert Settings.from_env({"HUB_ACCESS_LOG_YEARS": "10"}).access_log_years == 10
    with pytest.raises(Unusable, match="HUB_ACCESS_LOG_YEARS must be a whole number from 5 to 100"):
        Settings.from_env({"HUB_ACCESS_LOG_YEARS": "4"})


def test_a_role_has_a_name_that_postgresql_does_not_cut() -> None:
    assert Settings.from_env({"HUB_APPLICATION_ROLE": "hub_app"}).application_role == "hub_app"
    with pytest.raises(Unusable, match="HUB_APPLICATION_ROLE"):
        Settings.from_env({"HUB_APPLICATION_ROLE": "r" * 64})


def test_a_fine_is_not_both_minor_and_serious() -> None:
    env = {"HUB_SERIOUS_FINE_YUAN": "5000", "HUB_MINOR_FINE_YUAN": "5000"}
    with pytest.raises(Unusable, match="HUB_SERIOUS_FINE_YUAN must be greater than HUB_MINOR_FINE_YUAN"):
        Settings.from_env(env)


def test_budgets_and_collectors_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(Unusable, match="HUB_LIMIT_COST_PER_MINUTE must be 0 or at least HUB_LIMIT_COST, 10"):
        Settings.from_env({"HUB_LIMIT_COST_PER_MINUTE": "5", "HUB_LIMIT_COST": "10"})
    assert Settings.from_env({"HUB_LIMIT_COST_PER_MINUTE": "0"}).limits.cost_per_minute == 0
    with pytest.raises(Unusable, match="HUB_LIMIT_DEPTH must be a whole number from 1 to 99999999999"):
        Settings.from_env({"HUB_LIMIT_DEPTH": "999999999999"})
    with pytest.raises(Unusable, match="OTEL_EXPORTER_OTLP_ENDPOINT must begin with http"):
        Settings.from_env({"OTEL_EXPORTER_OTLP_ENDPOINT": "nope"})
