"""What all backends of servers share: settings and keys, the wire, what is said of them, and that no key is written."""

from __future__ import annotations

import datetime
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from PIL import Image

from knothole._base import MissingExtraError
from knothole.app.settings.backend_settings import settings_of
from knothole.app.settings.config import ConfigError, read_config
from knothole.tests.contracts.backends import picture
from knothole.tests.servers import misbehaving
from knothole.tests.servers.loopback import Reply, Request, serving
from knothole.tests.servers.openai_server import KEY, OpenAIServer
from knothole.tests.servers.systemone_server import SystemOneServer
from knothole.vlm.broker import open_backend
from knothole.vlm.capabilities import find_capabilities
from knothole.vlm.contract import BACKENDS, BackendError, BackendOptions
from knothole.vlm.decoding.checking import first_mistake, strict_able
from knothole.vlm.questions import Question
from knothole.vlm.remote.keys import Key, find_key, scrubbed
from knothole.vlm.remote.notice import notice
from knothole.vlm.remote.speakers.gemini_settings import GeminiSettings
from knothole.vlm.remote.speakers.openai_settings import OpenAISettings
from knothole.vlm.worker import Worker

Knothole = Callable[..., "subprocess.CompletedProcess[str]"]
REMOTE = ("gemini", "openai", "systemone")
YES = Question("yes_no", "Is there a red square?")
HERE = {"base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "GEMINI", "GOOGLE", "SYSTEMONE"):
        for what in ("API_KEY", "BASE_URL", "GEMINI_BASE_URL"):
            monkeypatch.delenv(f"{name}_{what}", raising=False)


def check(name: str, argument: str = "m", **settings: object) -> None:
    entry = BACKENDS.get(name)
    assert entry.check is not None
    entry.check(BackendOptions(argument, settings))


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"timeot": 3}, "has no setting 'timeot'\n  did you mean:  timeout"),
    ({"timeout": 0}, "setting 'timeout' of the {} backend is 0, must be a number >= 0.01 and <= 3600"),
    ({"timeout": "5s"}, "is '5s', must be a number >= 0.01"),
    ({"timeout": True}, "is True, must be a number"),
    ({"timeout": float("nan")}, "is nan, must be a number"),
    ({"retries": 1.5}, "is 1.5, must be a whole number >= 0 and <= 10"),
    ({"parallel": 0}, "is 0, must be a whole number >= 1"),
    ({"frames": "hide"}, "is 'hide', must be keep or blur or drop"),
    ({"image_format": "gif"}, "must be png or jpeg"),
    ({"method": "guess"}, "must be auto or decisions or logprobs or sampling"),
    ({"coordinates": "inches"}, "is 'inches', must be \"\" or thousandths"),
    ({"plain_http": 1}, "is 1, must be true or false"),
    ({"model": 3}, "is 3, must be text"),
    ({"usd_per_million_in": -1}, "is -1, must be a number >= 0"),
    ({"api_key": KEY}, "takes no key from its settings"),
    ({"base_url": "localhost:8000"}, "must be an address such as http://127.0.0.1:8000/v1"),
    ({"base_url": "ftp://host/v1"}, "must be an address such as"),
    ({"base_url": "http://host:99999999/v1"}, "is no address"),
    ({"base_url": f"https://me:{KEY}@host/v1"}, "has more than scheme, host, port and path"),
    ({"base_url": f"https://host/v1?key={KEY}"}, "has more than scheme, host, port and path"),
    ({"api_key_env": "NOT_SET_ANYWHERE", **HERE}, "the environment variable NOT_SET_ANYWHERE is not set"),
    ({"api_key_file": "/no/such/file", **HERE}, "cannot be read from /no/such/file: No such file"),
)


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_a_wrong_setting_is_explained(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BackendError) as caught:
        check(name, **settings)
    assert message.format(name) in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", REMOTE)
def test_a_model_must_be_named(name: str) -> None:
    with pytest.raises(BackendError, match=f"--vlm {name}:MODEL"):
        check(name, "", **HERE)
    check(name, "", model="m", **HERE)
    check(name, "m", **HERE, latency=0.5, threads=1)


@pytest.mark.parametrize(("name", "variable"), [("openai", "OPENAI_API_KEY"), ("gemini", "GEMINI_API_KEY")])
def test_the_service_itself_needs_a_key(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendError, match=f"the environment variable {variable} is not set"):
        check(name)
    monkeypatch.setenv(variable, KEY)
    check(name)
    monkeypatch.setenv(variable, f"{KEY} and more")
    with pytest.raises(BackendError, match="is no key: it is empty, or has blanks") as caught:
        check(name)
    assert KEY not in str(caught.value)


def test_systemone_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendError, match="is not told where the server is"):
        check("systemone")
    monkeypatch.setenv("SYSTEMONE_BASE_URL", "http://127.0.0.1:9/v1")
    check("systemone")


@pytest.mark.parametrize("name", REMOTE)
def test_a_key_does_not_travel_in_the_clear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    there = {"base_url": "http://robot.example:8000/v1", "api_key_env": "SOME_KEY"}
    with pytest.raises(BackendError, match="would send its key unencrypted to robot"):
        check(name, **there)
    check(name, **there, plain_http=True)
    check(name, base_url="http://robot.example:8000/v1")
    check(name, **HERE, api_key_env="SOME_KEY")


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    with serving(OpenAIServer(key=KEY)) as served:
        settings = {"base_url": f"{served.url}/v1", "api_key_file": str(tmp_path / "key"), "timeout": 60}
        backend = BACKENDS.get("openai").open(BackendOptions("test-vlm", settings))
        assert backend.ask(picture(), [YES])[0].problem == ""
        backend.close()


def test_a_wrong_capability_file_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "capabilities.json").write_text("{")
    for name in ("openai", "gemini"):
        with pytest.raises(BackendError, match="not JSON"):
            check(name, **HERE, capabilities=str(tmp_path / "capabilities.json"))


@pytest.mark.parametrize(("name", "module"), [("openai", "openai"), ("gemini", "google.genai")])
def test_a_missing_package_says_how_to_install_it(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'knothole\[{name}\]'"):
        BACKENDS.get(name).open(BackendOptions("m", HERE))
    with pytest.raises(MissingExtraError):
        check(name, **HERE)


def test_a_key_shows_itself_to_nobody() -> None:
    key = Key(KEY, "SOME_KEY")
    assert KEY not in f"{key!r} {key!s} {[key]} {vars(type(key))}"
    with pytest.raises(TypeError):
        key.__reduce__()


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.text(), st.text()
)
def test_a_known_key_is_in_no_scrubbed_text(secret: str, before: str, after: str) -> None:
    text = scrubbed(f"{before}{secret}{after}", [Key(secret, "x")])
    assert secret not in text or secret in f"{before} {after}" or secret in "•••"


def test_what_looks_like_a_key_is_scrubbed_and_other_words_stay() -> None:
    for secret in (
        "sk-proj-abcdefgh12345",
        "AIzaSyA1234567890",
        "ya29.a0AfH6SM",
        "hf_abcdefghijk",
        "eyJhbGciOi.eyJzdWIi.x",
    ):
        assert secret not in scrubbed(f"wrong: {secret}, sorry")
    assert scrubbed("GET /v1?key=abc123&alt=json") == "GET /v1?key=•••&alt=json"
    assert scrubbed("The monkey is on the keyboard: red.") == "The monkey is on the keyboard: red."


def test_no_key_is_found_where_none_is_set(tmp_path: Path) -> None:
    assert find_key(["NOT_SET_ANYWHERE"], "", "x") is None
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(BackendError, match="is no key"):
        find_key([], str(tmp_path / "empty"), "x")


def test_what_leaves_the_machine_is_said() -> None:
    here, there = "http://127.0.0.1:8000/v1", "https://api.openai.com/v1/"
    assert notice("openai", there, {}).endswith(
        "sends pictures and questions to api.openai.com, which is another machine"
    )
    assert "blurred pictures and questions" in notice("openai", there, {"frames": "blur"})
    assert "questions, without pictures," in notice("openai", there, {"frames": "drop"})
    assert notice("openai", here, {}).endswith("to 127.0.0.1:8000, which is a server on this machine")


def test_in_its_worker_a_backend_says_once_where_pictures_go_and_its_key_is_in_no_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(OpenAIServer(key=KEY)) as served:
        settings = {"base_url": f"{served.url}/v1", "api_key_env": "SOME_KEY", "timeout": 60.0}
        runner = open_backend("openai:test-vlm", settings)
        assert isinstance(runner, Worker)
        try:
            for _ in range(2):
                runner.submit(picture(), [YES])
            command = Path(f"/proc/{runner.pid}/cmdline").read_bytes()
            replies = [runner.poll(60.0)[0] for _ in range(2)]
            said = capfd.readouterr()
        finally:
            runner.close()
    assert [reply.answers[0].problem for reply in replies] == ["", ""]
    assert KEY.encode() not in command
    where = f"{served.host}, which is a server on this machine"
    assert said.err == f"knothole: the backend 'openai' sends pictures and questions to {where}\n"
    assert KEY not in repr(vars(runner)) + said.out + said.err


CONFIG = """\
[privacy]
frames = "drop"

[backends.openai]
base_url = "http://127.0.0.1:9/v1"
api_key_file = "secret.txt"

[backends.gemini]
frames = "keep"
"""


def test_the_configuration_of_a_project_reaches_every_remote_backend(tmp_path: Path) -> None:
    (tmp_path / "knothole.toml").write_text(CONFIG)
    config = read_config(tmp_path / "knothole.toml")
    mine = settings_of(config, "openai")
    assert mine["frames"] == "drop"
    assert mine["api_key_file"] == str(tmp_path / "secret.txt")
    assert "capabilities" not in mine
    assert settings_of(config, "gemini")["frames"] == "keep"
    assert settings_of(config, "scripted") == {}
    (tmp_path / "capabilities.json").write_text('{"knothole_capabilities": 1, "entries": []}')
    assert settings_of(config, "systemone")["capabilities"] == str(tmp_path / "capabilities.json")


@pytest.mark.parametrize("text", ['[privacy]\nframes = "hide"', "[privacy]\nframe = 1", "privacy = 3"])
def test_a_mistake_about_privacy_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "knothole.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"frames|block"):
        read_config(tmp_path / "knothole.toml")


def test_ask_answers_from_a_server_and_says_where_the_picture_went(tmp_path: Path, knothole: Knothole) -> None:
    Image.fromarray(picture().rgb).save(tmp_path / "a.png")
    with serving(OpenAIServer(key=KEY)) as served:
        block = f'[backends.openai]\nbase_url = "{served.url}/v1"\napi_key_env = "SOME_KEY"\ntimeout = 60\n'
        (tmp_path / "knothole.toml").write_text(block)
        done = knothole("ask", "a.png", "Is there a red square?", "--vlm", "openai:test-vlm", SOME_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("yes  [yes 0.800, no 0.200, neither 0.000]")
        assert f"sends pictures and questions to {served.host}" in done.stderr
        assert KEY not in done.stdout + done.stderr


SEE = """\
knothole: 1
tree: look
root:
  see: {question: "Is there a red square?", on_unsure: failure}
"""


def test_a_run_with_a_server_that_refuses_its_key_goes_on_unsure_and_its_trace_has_no_key(
    tmp_path: Path, knothole: Knothole
) -> None:
    (tmp_path / "look.yaml").write_text(SEE)
    with serving(misbehaving.always(401)) as served:
        block = f'[backends.openai]\nbase_url = "{served.url}/v1"\napi_key_env = "SOME_KEY"\ntimeout = 60\n'
        (tmp_path / "knothole.toml").write_text(block)
        run = ("run", "look.yaml", "--robot", "kinematic", "--vlm", "openai:m", "--trace", "look.mcap")
        done = knothole(*run, SOME_KEY=KEY)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the key is missing, wrong, expired" in done.stdout + done.stderr
    with (tmp_path / "look.mcap").open("rb") as trace:
        messages = [message.data for _, _, message in make_reader(trace).iter_messages()]
    assert any(b"the key is missing, wrong, expired" in data for data in messages)
    assert all(KEY.encode() not in data for data in messages)
    assert KEY not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain, none = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(key.private_bytes(pem, plain, none) + made.public_bytes(pem))
    return file


@pytest.mark.parametrize("trusted", [True, False])
def test_https_is_spoken_and_a_stranger_is_not_trusted(
    trusted: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(OpenAIServer(), context) as served:
        settings = {"base_url": f"{served.url}/v1", "timeout": 60.0}
        backend = BACKENDS.get("openai").open(BackendOptions("test-vlm", settings))
        answer = backend.ask(picture(), [YES])[0]
        backend.close()
    assert served.url.startswith("https://")
    assert ("certificate verify failed" in answer.problem) != trusted
    assert bool(answer.problem) != trusted


def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy(request: Request) -> Reply:
        url = "http://vlm.example:8000"
        assert request.path.startswith(url)
        return OpenAIServer()(Request(request.method, request.path.removeprefix(url), request.headers, request.body))

    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(proxy) as between, serving(OpenAIServer()) as served:
        monkeypatch.setenv("http_proxy", between.url)
        for url, through in (("http://vlm.example:8000", 1), (served.url, 0)):
            between.requests.clear()
            settings = {"base_url": f"{url}/v1", "timeout": 60.0}
            backend = BACKENDS.get("openai").open(BackendOptions("test-vlm", settings))
            assert backend.ask(picture(), [YES])[0].problem == ""
            backend.close()
            assert len(between.requests) == through
    monkeypatch.setenv("http_proxy", f"socks5://me:{KEY}@127.0.0.1:9")
    with pytest.raises(BackendError, match="in the proxy or certificates of the environment") as caught:
        BACKENDS.get("openai").open(BackendOptions("m", {"base_url": "http://vlm.example:8000/v1"}))
    assert KEY not in str(caught.value)


def test_systemone_asks_all_questions_at_once_and_hides_no_picture_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [Question("yes_no", f"Is [[camera picture 1]] number {number}?") for number in range(70)]
    with serving(SystemOneServer()) as served:
        backend = BACKENDS.get("systemone").open(
            BackendOptions("m", {"base_url": f"{served.url}/v1/", "timeout": 60.0})
        )
        answers = backend.ask(picture(), questions)
        backend.close()
        assert [len(request.json["questions"]) for request in served.requests] in ([64, 6], [6, 64])
        assert all("[[camera picture 1]]" not in json.dumps(request.json["questions"]) for request in served.requests)
    assert [answer.problem for answer in answers] == [""] * 70


def test_a_closed_backend_says_so() -> None:
    backend = BACKENDS.get("systemone").open(BackendOptions("m", HERE))
    backend.close()
    with pytest.raises(BackendError, match="is closed"):
        backend.ask(picture(), [YES])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.sampled_from(["", "a", "pick"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("ab"), below, max_size=2),
    max_leaves=6,
)


def _schemas(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["object", "array", "string", "integer", "number", "boolean", "null", ["array", "null"]]
            ),
            "properties": st.dictionaries(st.sampled_from("ab"), below, max_size=2),
            "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
            "additionalProperties": st.booleans() | below,
            "items": below,
            "anyOf": st.lists(below, min_size=1, max_size=3),
            "oneOf": st.lists(below, min_size=1, max_size=2),
            "allOf": st.lists(below, min_size=1, max_size=2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 2),
            "maximum": st.integers(-1, 2),
        },
    )


SCHEMAS = st.recursive(
    st.booleans()
    | st.fixed_dictionaries({"const": VALUES})
    | st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1)}),
    _schemas,
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_a_value_obeys_a_schema_where_jsonschema_says_so(schema: object, value: object) -> None:
    good = jsonschema.Draft202012Validator(schema).is_valid(value)  # type: ignore[arg-type]
    assert (first_mistake(value, schema) == "") == good


def test_what_strict_mode_takes() -> None:
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert strict_able(closed)
    assert strict_able({"type": "array", "items": {"anyOf": [closed, {"type": "null"}]}})
    open_below = {"properties": {"a": {"type": "object"}}}
    for change in ({"required": []}, {"additionalProperties": True}, {"oneOf": [closed]}, open_below):
        assert not strict_able({**closed, **change})


def test_frames_are_read_only_and_stay_so() -> None:
    frame = picture()
    assert not frame.rgb.flags.writeable
    with serving(OpenAIServer()) as served:
        backend = BACKENDS.get("openai").open(
            BackendOptions("test-vlm", {"base_url": f"{served.url}/v1", "frames": "blur", "timeout": 60.0})
        )
        backend.ask(frame, [YES])
        backend.close()
    assert np.array_equal(frame.rgb, picture().rgb)


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "backends.md").read_text(encoding="utf-8")


def test_the_configurations_of_the_page_are_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.M | re.S)
    assert len(blocks) == 5
    monkeypatch.setenv("SYSTEMONE_BASE_URL", "http://127.0.0.1:9/v1")
    for text in blocks:
        (tmp_path / "knothole.toml").write_text(text)
        config = read_config(tmp_path / "knothole.toml")
        for name in config.backends:
            check(name, config.vlm.partition(":")[2] or "m", **settings_of(config, name))


def test_the_page_names_every_setting() -> None:
    known = {field.name for made in (OpenAISettings, GeminiSettings) for field in fields(made)}
    assert [name for name in sorted(known) if f"`{name}`" not in PAGE and f"{name} =" not in PAGE] == []


def test_the_capability_file_of_the_page_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "capabilities.json").write_text(re.findall(r"^```json\n(.*?)^```", PAGE, flags=re.M | re.S)[0])
    known = find_capabilities(tmp_path / "capabilities.json", "openai", "qwen3-vl-4b", "http://127.0.0.1:8000/v1")
    assert known is not None
    assert known.logprobs == 20
