"""The files for a CI, whole, against golden files; ``MLOPSCTL_REGENERATE=1`` writes those again."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from mlopsctl.delivery.ci.scaffold import compare_files, make_files, write_made
from mlopsctl.ground.errors import InvalidProject, Problem, UsageProblem
from tests.ci_projects import CHAIN, CLOUD_BUILD, GOOGLE, PLAIN, put

GOLDEN = Path(__file__).parents[3] / "golden" / "ci"
FULL = CHAIN + "ci:\n  - kind: github_actions\n    sample: {rows: 50}\n" + GOOGLE + CLOUD_BUILD


@pytest.mark.parametrize(("name", "text", "below"), [("plain", PLAIN, ""), ("chain", FULL, "models/chain")])
def test_the_files_are_as_written_down(tmp_path: Path, name: str, text: str, below: str) -> None:
    place = put(tmp_path / below, text, tests=bool(below), repository=tmp_path)
    made = make_files(place, None if below else "github_actions")
    if os.environ.get("MLOPSCTL_REGENERATE") == "1":
        for old in (GOLDEN / name).glob("*"):
            old.unlink()
        (GOLDEN / name).mkdir(parents=True, exist_ok=True)
        for path, content in made.files.items():
            (GOLDEN / name / Path(path).name).write_text(content)
    assert {Path(path).name: content for path, content in made.files.items()} == {
        file.name: file.read_text() for file in sorted((GOLDEN / name).glob("*"))
    }


def test_what_was_written_is_what_the_project_asks_for(tmp_path: Path) -> None:
    place = put(tmp_path / "models" / "chain", FULL, repository=tmp_path)
    made = make_files(place)
    assert {one.what for one in compare_files(made)} == {"is missing"}
    written = write_made(made)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == list(made.files)
    assert compare_files(made) == ()
    assert write_made(made) == []


def test_every_difference_is_named_with_its_lines(tmp_path: Path) -> None:
    place = put(tmp_path, FULL, repository=tmp_path)
    made = make_files(place)
    write_made(made)
    folder = tmp_path / ".github" / "workflows"
    changed, gone = folder / "mlopsctl-chain-deliver.yml", folder / "mlopsctl-chain-release.yml"
    changed.write_text(changed.read_text().replace("contents: read", "contents: write"))
    gone.unlink()
    (folder / "mlopsctl-chain-old.yml").write_text(changed.read_text())
    (folder / "own.yml").write_text("name: mine\n")
    found = {one.path.rpartition("/")[2]: one for one in compare_files(made)}
    assert {name: one.what for name, one in found.items()} == {
        "mlopsctl-chain-deliver.yml": "differs",
        "mlopsctl-chain-release.yml": "is missing",
        "mlopsctl-chain-old.yml": "is left over",
    }
    assert any(line.startswith("-") and "contents: write" in line for line in found[changed.name].lines)


def test_files_of_others_are_not_overwritten(tmp_path: Path) -> None:
    place = put(tmp_path, PLAIN)
    made = make_files(place, "github_actions")
    file = tmp_path / ".github" / "workflows" / "mlopsctl-plain-deliver.yml"
    file.parent.mkdir(parents=True)
    file.write_text("name: mine\n")
    with pytest.raises(Problem, match="not made by mlopsctl"):
        write_made(made)
    assert file.read_text() == "name: mine\n"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    write_made(made, force=True)
    assert compare_files(made) == ()


def test_an_environment_that_one_machine_keeps_is_named(tmp_path: Path) -> None:
    notes = make_files(put(tmp_path, FULL)).notes
    assert [note.partition(":")[0] for note in notes] == ["dev"]
    assert "only that machine can apply it" in notes[0]


def test_where_no_environment_needs_nothing_pull_requests_are_not_run(tmp_path: Path) -> None:
    text = PLAIN + "stores: {metadata: {secret: DATABASE}, artifacts: gs://b/a, tracking: https://mlflow.example}\n"
    made = make_files(put(tmp_path, text), "github_actions")
    assert any("pull requests are not run" in note for note in made.notes)
    jobs = yaml.safe_load(made.files[".github/workflows/mlopsctl-plain-pull-request.yml"])["jobs"]
    assert list(jobs) == ["verify"]
    assert "secrets." not in made.files[".github/workflows/mlopsctl-plain-pull-request.yml"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("environment: prod", "cannot run in prod"),
        ("environment: nowhere", "names the environment 'nowhere'"),
        ("sample: {lines: 5}", "names the parameter 'lines'"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, more: str, said: str) -> None:
    place = put(tmp_path, CHAIN + f"ci:\n  - kind: github_actions\n    {more}\n")
    with pytest.raises(InvalidProject, match=said):
        make_files(place)


@pytest.mark.parametrize("missing", ["project: p-1234, ", ", repository: me/chain"])
def test_cloud_build_says_what_it_lacks(tmp_path: Path, missing: str) -> None:
    place = put(tmp_path, CHAIN + "ci:\n" + CLOUD_BUILD.replace(missing, ""))
    if "repository" in missing:
        assert "cloudbuild/triggers.json" not in make_files(place).files
    else:
        with pytest.raises(InvalidProject, match="need the Google Cloud project"):
            make_files(place)


def test_a_project_without_ci_is_told_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="names no CI"):
        make_files(put(tmp_path, PLAIN))


@pytest.mark.parametrize("folder", ["a b", "a$(id)", "a${{ github.token }}", "a`id`", 'a"b', "a\nb", "ä"])
def test_a_folder_that_means_something_to_a_shell_is_refused(tmp_path: Path, folder: str) -> None:
    place = put(tmp_path / folder, FULL, repository=tmp_path)
    if folder == "a b":
        return  # a space is no danger, and stands between quotes
    with pytest.raises(InvalidProject, match="cannot stand in a file for a CI"):
        make_files(place)


def test_pull_requests_get_no_secret_and_no_right_to_write_in_the_job_that_runs_their_code(tmp_path: Path) -> None:
    made = make_files(put(tmp_path, FULL, tests=True))
    workflow = yaml.safe_load(made.files[".github/workflows/mlopsctl-chain-pull-request.yml"])
    assert workflow["permissions"] == {}
    verify = workflow["jobs"]["verify"]
    assert verify["permissions"] == {"contents": "read"}
    assert "secrets" not in json.dumps(workflow)
    assert "github.token" not in json.dumps(verify)
    checkout = verify["steps"][0]["with"]
    assert checkout["persist-credentials"] is False
    publish = workflow["jobs"]["publish"]
    assert "head.repo.full_name == github.repository" in publish["if"]


def test_expressions_stand_only_where_the_templates_have_them(tmp_path: Path) -> None:
    ours = r"github\.event\.pull_request\.head\.repo\.full_name == github\.repository"
    known = re.compile(
        r"(github\.(event\.pull_request\.(number|head\.sha|base\.sha)|token|sha)|secrets\.CHAIN_[A-Z]+"
        rf"|(github\.event\.action [!=]= 'closed'|!cancelled\(\))( && {ours})?)"
    )
    for path, text in make_files(put(tmp_path, FULL, tests=True)).files.items():
        if path.startswith(".github"):
            for step in re.findall(r"\$\{\{ (.*?) \}\}", text):
                assert known.fullmatch(step), (path, step)
            for job in yaml.safe_load(text)["jobs"].values():
                assert not any("${{" in step.get("run", "") for step in job["steps"]), path


def test_a_preview_has_what_its_origin_reads_and_no_key_that_signs(tmp_path: Path) -> None:
    text = CHAIN.replace("{from: dev, mode: approval}", "{from: dev, mode: approval, signature: "
                         "{kind: key, public_key: key.pem, private: {secret: CHAIN_STAGING}}}")  # fmt: skip
    files = make_files(put(tmp_path, text + "ci:\n  - kind: github_actions\n" + GOOGLE)).files
    workflow = yaml.safe_load(files[".github/workflows/mlopsctl-chain-preview.yml"])
    assert list(workflow["jobs"]) == ["apply", "remove"]
    for job in workflow["jobs"].values():
        assert job["environment"] == "staging"
        assert job["permissions"] == {"contents": "read", "deployments": "write", "id-token": "write"}
        assert "head.repo.full_name == github.repository" in job["if"]
        given = {name for step in job["steps"] for name in step.get("env", {})}
        assert given == {"NUMBER", "GITHUB_TOKEN", "CHAIN_DATABASE"}
        assert all("${{" not in step.get("run", "") for step in job["steps"])
    assert workflow["concurrency"]["group"].endswith("-${{ github.event.pull_request.number }}")
    schedule = yaml.safe_load(files[".github/workflows/mlopsctl-chain-schedule.yml"])
    assert schedule["jobs"]["previews"]["steps"][-1]["run"] == "mlopsctl preview remove --expired --deployment"


def test_a_preview_whose_image_is_built_has_it_built(tmp_path: Path) -> None:
    text = CHAIN.replace("previews: {of: staging}", "previews: {of: prod}") + "ci:\n  - kind: github_actions\n"
    made = make_files(put(tmp_path, text)).files[".github/workflows/mlopsctl-chain-preview.yml"]
    steps = {step["name"]: step for step in yaml.safe_load(made)["jobs"]["apply"]["steps"]}
    built, applied = steps["Build and push the image"], steps["Apply"]
    assert built["run"] == 'mlopsctl image push -e "pr-$NUMBER"'
    assert built["env"] == applied["env"]
    assert sorted(applied["env"]) == ["CHAIN_DATABASE", "CHAIN_HOOK", "NUMBER"], "the key that signs stays out"


def test_previews_on_one_machine_keep_what_is_there_and_need_no_look_at_others(tmp_path: Path) -> None:
    files = make_files(put(tmp_path, PLAIN + "previews: {of: default}\n"), "github_actions").files
    assert [path.rpartition("mlopsctl-plain-")[2] for path in files] == [
        "deliver.yml", "preview.yml", "pull-request.yml", "schedule.yml",
    ]  # fmt: skip
    checkouts = [
        job["steps"][0]["with"]["clean"]
        for name in ("preview", "schedule")
        for job in yaml.safe_load(files[f".github/workflows/mlopsctl-plain-{name}.yml"])["jobs"].values()
    ]
    assert checkouts == [False, False, False]
    assert list(yaml.safe_load(files[".github/workflows/mlopsctl-plain-schedule.yml"])["jobs"]) == ["previews"]


def test_where_nothing_is_applied_on_a_push_there_is_no_workflow_for_it(tmp_path: Path) -> None:
    text = PLAIN + "environments: {trial: {}, dev: {}}\nci: [{kind: github_actions, environment: trial}]\n"
    files = make_files(put(tmp_path, text)).files
    assert [path.rpartition("mlopsctl-plain-")[2] for path in files] == ["pull-request.yml", "release.yml"]
    assert all(yaml.safe_load(content)["jobs"] for content in files.values())


def test_an_apply_is_never_cancelled_and_one_runs_at_a_time(tmp_path: Path) -> None:
    files = make_files(put(tmp_path, FULL)).files
    for name in ("deliver", "release", "schedule"):
        workflow = yaml.safe_load(files[f".github/workflows/mlopsctl-chain-{name}.yml"])
        assert workflow["concurrency"]["cancel-in-progress"] is False
        for job in workflow["jobs"].values():
            assert job["concurrency"]["cancel-in-progress"] is False
            if "environment" in job and not job["name"].startswith(("propose", "take down")):
                assert job["concurrency"]["group"] == f"mlopsctl-chain-{job['environment']}"


def test_every_substitution_of_cloud_build_is_defined_and_used(tmp_path: Path) -> None:
    built_in = {"BRANCH_NAME", "BUILD_ID", "COMMIT_SHA", "LOCATION", "PROJECT_ID", "REPO_FULL_NAME"}
    built_in |= {"_BASE_BRANCH", "_PR_NUMBER"}
    for path, text in make_files(put(tmp_path, FULL, tests=True)).files.items():
        if not path.startswith("cloudbuild/") or path.endswith(".json"):
            continue
        build = yaml.safe_load(text)
        steps = json.dumps(build["steps"])
        used = set(re.findall(r"(?<!\$)(?:\$\$)*\$\{?([A-Z_]+)", steps))
        assert used - built_in == set(build["substitutions"]), path
        ids = [step["id"] for step in build["steps"]]
        assert len(ids) == len(set(ids))
        assert build["serviceAccount"].startswith("projects/p-1234/serviceAccounts/mlopsctl-chain")


def test_pull_requests_on_cloud_build_have_an_account_and_no_secret_of_their_own(tmp_path: Path) -> None:
    files = make_files(put(tmp_path, FULL)).files
    pull_request = yaml.safe_load(files["cloudbuild/pull-request.yaml"])
    deliver = yaml.safe_load(files["cloudbuild/deliver.yaml"])
    assert pull_request["serviceAccount"] != deliver["serviceAccount"]
    assert "availableSecrets" not in pull_request
    triggers = {one["name"]: one for one in json.loads(files["cloudbuild/triggers.json"])}
    asked = triggers["mlopsctl-chain-pull-request"]
    assert asked["github"]["pullRequest"]["commentControl"] == "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    assert asked["serviceAccount"] == pull_request["serviceAccount"]


@pytest.mark.parametrize(
    ("publish", "kept"),
    [
        ("token", {"GITHUB_TOKEN": "GITHUB_PULL_REQUEST_TOKEN"}),
        (
            "app",
            {
                "GITHUB_TOKEN": "GITHUB_PULL_REQUEST_TOKEN",
                "MLOPSCTL_GITHUB_APP_ID": "MLOPSCTL_GITHUB_APP_ID",
                "MLOPSCTL_GITHUB_APP_KEY": "MLOPSCTL_GITHUB_APP_KEY",
            },
        ),
    ],
)
def test_only_the_report_on_cloud_build_has_what_publishes(tmp_path: Path, publish: str, kept: dict[str, str]) -> None:
    settings = CLOUD_BUILD.replace("}", f", publish: {publish}}}")
    build = yaml.safe_load(make_files(put(tmp_path, CHAIN + "ci:\n" + settings)).files["cloudbuild/pull-request.yaml"])
    named = {one["env"]: one["versionName"] for one in build["availableSecrets"]["secretManager"]}
    assert named == {name: f"projects/p-1234/secrets/{secret}/versions/latest" for name, secret in kept.items()}
    assert {step["id"]: set(step["secretEnv"]) for step in build["steps"] if "secretEnv" in step} == {
        "report": set(kept)
    }


def test_a_step_of_cloud_build_that_asks_git_has_git(tmp_path: Path) -> None:
    files = make_files(put(tmp_path, FULL, tests=True)).files
    for name in ("pull-request", "deliver", "release"):
        for step in yaml.safe_load(files[f"cloudbuild/{name}.yaml"])["steps"]:
            script = step["args"][-1]
            if step["id"].startswith(("image-", "apply-", "run", "report", "promote-")):
                assert script.index("command -v git") < script.index("bin/mlopsctl"), step["id"]


KEY = "{kind: key, public_key: key.pem, private: {secret: CHAIN_KEY}}"
BY_IDENTITY = "{kind: sigstore, identity: ada@example.com, issuer: 'https://example.com'}"
BY_TOKEN = BY_IDENTITY.replace("}", ", token: {secret: CHAIN_TOKEN}}")


@pytest.mark.parametrize(
    ("signature", "google", "extra", "token"),
    [
        (KEY, "", False, False),
        (BY_IDENTITY, "", True, True),
        (BY_IDENTITY, GOOGLE, True, True),
        (BY_TOKEN, "", True, False),
    ],
)
def test_a_job_signs_as_itself_only_where_the_promotion_is_signed_so(
    tmp_path: Path, signature: str, google: str, extra: bool, token: bool
) -> None:
    text = CHAIN.replace(KEY, signature) + "ci:\n  - kind: github_actions\n" + google
    workflows = {path: yaml.safe_load(content) for path, content in make_files(put(tmp_path, text)).files.items()}
    deliver = next(workflow for path, workflow in workflows.items() if path.endswith("-deliver.yml"))
    permissions = {name: job["permissions"] for name, job in deliver["jobs"].items()}
    assert permissions["promote-prod"].get("id-token") == ("write" if token else None)
    assert permissions["promote-staging"].get("id-token") == ("write" if google else None)
    assert permissions["apply-dev"].get("id-token") == ("write" if google else None)
    installed = json.dumps(workflows)
    assert ("sigstore" in installed.partition("]==")[0]) is extra
    assert ("secrets.CHAIN_TOKEN" in installed) is (signature == BY_TOKEN)


def test_another_branch_than_the_default_one_is_said(tmp_path: Path) -> None:
    place = put(tmp_path, f"{PLAIN}ci: [{{kind: github_actions}}]\n", repository=tmp_path)
    head = tmp_path / ".git" / "refs" / "remotes" / "origin" / "HEAD"
    head.parent.mkdir(parents=True)

    def said() -> list[str]:
        return [note for note in make_files(place).notes if "default branch" in note]

    assert said() == []
    head.write_text("ref: refs/remotes/origin/main\n")
    assert said() == []
    head.write_text("ref: refs/remotes/origin/trunk\n")
    (note,) = said()
    assert "which is trunk at `origin`, and `branch` is main" in note
