"""What is set and said before Ray is imported: a public address of a cluster is warned of."""

import pytest

from study.launch.connection import before_ray, exposure


@pytest.mark.parametrize("address", ["8.8.8.8:6379", "ray://8.8.8.8:10001", "8.8.8.8", "[2001:4860:4860::8888]:6379"])
def test_a_public_address_is_warned_of_in_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    said = exposure(address)
    assert said is not None
    assert "is public" in said
    assert "RAY_AUTH_MODE=token" in said
    assert "\n" not in said
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert "RAY_AUTH_MODE" not in str(exposure(address))


@pytest.mark.parametrize(
    "address", ["127.0.0.1:6379", "localhost:6379", "10.1.2.3:6379", "ray://192.168.0.7:10001", "[::1]:6379", "auto"]
)
def test_a_private_address_is_not(address: str) -> None:
    assert exposure(address) is None


def test_the_command_says_it_before_ray_starts(capsys: pytest.CaptureFixture[str]) -> None:
    before_ray("8.8.8.8:6379")
    assert capsys.readouterr().err.startswith("warning: --address 8.8.8.8 is public")
