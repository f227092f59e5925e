"""Where DAGs go and how Airflow is asked: what cannot work is refused at its key."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.orchestrators.specs.airflow_dags import GitDags, is_bucket, is_folder

HERE = {"kind": "venv", "folder": "/srv/churn"}


def settings(**more: object) -> Airflow:
    return Airflow.model_validate({"kind": "airflow", "dags": "build/dags", **more})


def refusal(**more: object) -> str:
    with pytest.raises(ValidationError) as refused:
        settings(**more)
    return str(refused.value)


def test_the_three_places_of_dags() -> None:
    assert is_folder(settings(dags="./build//dags").dags)
    assert settings(dags="./build//dags").dags == "build/dags"
    bucket = settings(dags="gs://team-bucket/dags/", execution=HERE).dags
    assert is_bucket(bucket)
    assert bucket == "gs://team-bucket/dags"
    dags = settings(dags={"repository": "https://h/r.git"}, execution=HERE).dags
    assert isinstance(dags, GitDags)
    assert (dags.branch, dags.folder, is_folder(dags), is_bucket(dags)) == ("main", ".", False, False)


@pytest.mark.parametrize(
    "dags", ["gs://", "gs://UPPER/dags", "gs://team-bucket/../x", "gs://b ucket/x", "../out", "/abs"]
)
def test_a_place_that_is_none_is_refused(dags: str) -> None:
    assert refusal(dags=dags, execution=HERE)


@pytest.mark.parametrize(
    "repository",
    ["ext::sh -c id", "--upload-pack=id", "-x", "relative/path", "https://user:word@host/r.git", "git://host/r", ""],
)
def test_a_repository_that_would_run_or_leak_something_is_refused(repository: str) -> None:
    with pytest.raises(ValidationError):
        GitDags(repository=repository)


@pytest.mark.parametrize("branch", ["-x", "a..b", "a//b", "/a", "a/", "a.lock", "a b", "a:b", "@{-1}", "refs/heads/.x"])
def test_a_branch_that_is_none_is_refused(branch: str) -> None:
    with pytest.raises(ValidationError):
        GitDags(repository="/srv/r.git", branch=branch)


@pytest.mark.parametrize("author", ["robot", "<a@b.c>", "a <b>", "a\n<b@c>", "a <b@c> <d@e>"])
def test_an_author_without_name_and_address_is_refused(author: str) -> None:
    with pytest.raises(ValidationError):
        GitDags(repository="/srv/r.git", author=author)


def test_a_token_goes_over_tls_only() -> None:
    token = {"secret": "T"}
    with pytest.raises(ValidationError, match="https"):
        GitDags.model_validate({"repository": "http://host/r.git", "token": token})
    assert GitDags.model_validate({"repository": "https://host/r.git", "token": token}).token


def test_the_worker_has_to_find_the_project() -> None:
    assert "does not find the project's folder" in refusal(dags="gs://team-bucket/dags")
    assert settings(dags="gs://team-bucket/dags", execution={"kind": "docker"}, image="r/i@sha256:" + "0" * 64)


def test_googles_tokens_go_to_google_or_to_one_audience() -> None:
    composer = "https://1a2b-dot-europe-west3.composer.googleusercontent.com"
    assert settings(auth="google", url=composer).auth == "google"
    assert settings(auth="google", url="https://airflow.example.com", audience="123.apps").audience == "123.apps"
    for url in (
        "https://airflow.example.com", "http://1a2b.composer.googleusercontent.com",
        "https://composer.googleusercontent.com.evil.example", "https://evil.example/x.composer.googleusercontent.com",
        "http://127.0.0.1.evil.example/",
    ):  # fmt: skip
        assert "sent to Cloud Composer only" in refusal(auth="google", url=url)
    assert "no meaning" in refusal(auth="google", url=composer, username="ann")
    assert "auth: google" in refusal(url=composer, audience="x")
