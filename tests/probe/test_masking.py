from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_lineage.probe import namespace
from jupyter_lineage.probe.outputs import Collector
from jupyter_lineage.probe.redact import (
    LIMIT,
    environment_secrets,
    is_telling_name,
    mask,
    mask_arguments,
    mask_lines,
    mask_start,
    mask_value,
)

SECRETS = {
    "password = 'hunter2'": "hunter2",
    'api_key="abcd1234efgh"': "abcd1234efgh",
    'os.environ["OPENAI_API_KEY"] = "abcdefgh12345"': "abcdefgh12345",
    '{"token": "abc123def456"}': "abc123def456",
    "connect(password='xyz', host='h')": "xyz",
    "password: str = 'opensesame'": "opensesame",
    "export MY_TOKEN=abc123def": "abc123def",
    "%env MY_TOKEN=abc123def": "abc123def",
    "%env MY_TOKEN abc123def": "abc123def",
    "%track param lr=1 api_key=abc123def": "abc123def",
    "!tool --token=abc123def": "abc123def",
    "postgresql://me:pw123@host/db": "pw123",
    "Authorization: Bearer abcdefghij1234567890": "abcdefghij1234567890",
    "AKIAABCDEFGHIJKLMNOP": "AKIAABCDEFGHIJKLMNOP",
    "t = ghp_" + "a1" * 18: "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 20: "github_pat_" + "a1" * 20,
    "glpat-" + "a1" * 10: "glpat-" + "a1" * 10,
    "xoxb-1234567890-abc": "xoxb-1234567890-abc",
    "sk-proj-" + "aB3" * 10: "sk-proj-" + "aB3" * 10,
    "hf_" + "aB" * 17: "hf_" + "aB" * 17,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF": "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "'\\nghp_" + "a1" * 18 + "'": "ghp_" + "a1" * 18,
    'password = """Hunter22xyz"""': "Hunter22xyz",
    'password = \x1b[33m"Hunter22xyz"\x1b[39m': "Hunter22xyz",
    'password \x1b[38;5;241m=\x1b[39m \x1b[33m"\x1b[39m\x1b[33mHunter22xyz\x1b[39m\x1b[33m"': (
        "Hunter22xyz"
    ),
    'password = \\x1b[33m"Hunter22xyz"\\x1b[39m': "Hunter22xyz",
    "\x1b[33mghp_" + "a1" * 18 + "\x1b[39m": "ghp_" + "a1" * 18,
    "'\\x1b[1;33mghp_" + "a1" * 18 + "\\x1b[0m'": "ghp_" + "a1" * 18,
    "\x1b[32mBearer abcdefghij1234567890": "abcdefghij1234567890",
    "\x1b[32mexport MY_TOKEN=\x1b[0mabc123def": "abc123def",
    "https://host/x?a=b&access_token=abc123def": "abc123def",
    "open('.env', 'w').write('DB_PASSWORD=swordfish\\n')": "swordfish",
    'f.write("HOST=a\\nDB_PASSWORD=swordfish\\n")': "swordfish",
    "f.write('password: hunter22x\\n')": "hunter22x",
    'f.write("{\\"password\\": \\"hunter22x\\"}")': "hunter22x",
    'connect("host=a user=b password=swordfish dbname=c")': "swordfish",
    "x = 1  # the api_key: abc123def": "abc123def",
    "%track note the password: hunter22x": "hunter22x",
    "run('tool --api_key=abc123def')": "abc123def",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIabcd\nEFGH\n-----END RSA PRIVATE KEY-----": "MIIabcd",
}

SECRETS_OF_A_CELL = {
    '"""\ndatabase:\n  password: hunter22x\n"""': "hunter22x",
    "%%writefile c.yml\nsecret: abc123def": "abc123def",
}
"""Whether these are in a text at all, what stands before them decides."""

BENIGN = [
    "pad_token='<pad>'",
    "tokenizer(x, eos_token='</s>', cls_token='[CLS]', unk_token='unknown1')",
    "token_type='input_ids'",
    "digest = 'd41d8cd98f00b204e9800998ecf8427e'",
    "run = '123e4567-e89b-12d3-a456-426614174000'",
    "task-aaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbb",
    "primary_key='id'; key='value'",
    "http://localhost:8888/lab?a=b",
    "df['token'] = 'word'",
    "password = getpass('Password: ')",
    "f'postgresql://u:{pw}@h'",
    "bearer of good news and other things",
    "np.random.seed(1); max_tokens=100",
    "from secrets import token_hex",
    "f(token=token_1, password=password2)",
    "!ls --tokens",
    "\x1b[32mpassword\x1b[39m = \x1b[33mgetpass\x1b[39m('Password: ')",
    "f\x1b[33m'password=\"{pw}\"'\x1b[39m and password='\x1b[33m{pw}\x1b[39m'",
    "https://host/x?next_token=abc123def&token=word",
    "url = f'https://host/x?token={token}'",
    "class A:\n    password: SecretStr1\n    token: Optional[str] = None",
    "'token: Optional[str]: the HuggingFace token; password: incorrect'",
    "print(f'token={token1} password={pw}')",
    "'tokens=123456, max_token=a12345, token: 1234567'",
    "sql = 'select * from t where token = :token1 and secret=%(s3cret)s'",
    "'token=/run/secrets/token1 and api_key=https://host/k1'",
    "login(token=token_1, note='password: ')",
    "%%time\nlogin(token=token_123)",
]


@pytest.mark.parametrize(("text", "secret"), {**SECRETS, **SECRETS_OF_A_CELL}.items())
def test_a_secret_is_masked(text, secret):
    masked, count = mask(text, secrets=[])
    assert count == 1
    assert secret not in masked
    assert "[redacted:" in masked


@pytest.mark.parametrize("text", BENIGN)
def test_what_is_no_secret_stays(text):
    assert mask(text, secrets=[]) == (text, 0)


def test_values_of_telling_variables_are_masked_wherever_they_occur(monkeypatch):
    monkeypatch.setenv("SERVICE_PASSWORD", "correct-horse")
    monkeypatch.setenv("PLAIN_SETTING", "battery-staple")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    monkeypatch.setenv("SOME_CREDENTIALS", "/home/me/file.json")
    masked, count = mask("a correct-horse b battery-staple abc /home/me/file.json correct-horse")
    assert masked == (
        "a [redacted:environment-value] b battery-staple abc /home/me/file.json"
        " [redacted:environment-value]"
    )
    assert count == 2


def test_a_variable_set_later_counts_at_once(monkeypatch):
    assert "swordfish-1" not in environment_secrets()
    monkeypatch.setenv("NEW_SECRET", "swordfish-1")
    assert mask("swordfish-1") == ("[redacted:environment-value]", 1)


def test_values_inside_json_are_masked():
    value = {"a": ["token = 'abcd1234'", 5], "b": {"c": "fine"}}
    masked, count = mask_value(value, secrets=[])
    assert count == 1
    assert masked == {"a": ["token = '[redacted:assigned]'", 5], "b": {"c": "fine"}}


_PIECES = st.sampled_from(
    [
        *SECRETS,
        *BENIGN,
        "[redacted:jwt]",
        "[redacted:",
        "'",
        '"',
        "=",
        "eyJ",
        "sk-",
        "\n",
        " ",
        "a1",
        "\x1b[33m",
        "\x1b[39m",
        "\x1b[",
        "m",
        "\\x1b[1;31m",
        "\\033[0m",
    ]
)
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=8).map("".join))


@given(_TEXTS, st.lists(st.text(min_size=6, max_size=10), max_size=2))
@example("[redacted:jwt]", ["redacted"])
@example("password = 'password='", [])
def test_masking_again_changes_nothing(text, secrets):
    masked, _ = mask(text, secrets=secrets)
    assert mask(masked, secrets=secrets) == (masked, 0)


@given(_TEXTS, st.sampled_from(sorted(SECRETS)), _TEXTS)
def test_a_token_on_a_line_of_its_own_never_stays(before, text, after):
    masked, _ = mask(f"{before}\n{text}\n{after}", secrets=[])
    if SECRETS[text] not in before + after:
        assert SECRETS[text] not in masked or len(SECRETS[text]) < 8


HOSTILE = [
    "eyJ",
    "sk-",
    "password=",
    "://",
    'token="',
    "-----BEGIN PRIVATE KEY-----",
    "bearer ",
    "A_",
    "://a:",
    "ghp_",
    "\\n",
    " ",
    "password\n",
    "secret_",
    "%env token ",
    "%token",
    "!token=\n",
    "eyJaaaaaaaa.",
    "x" * 60 + "token",
    "authorization",
    "api_key:",
    "[redacted:",
    "hf_",
    "\"'",
    "\x1b[",
    "\x1b[33m",
    "\\x1b[0;",
    'password = \x1b[33m"',
    "?token",
    "&token=a",
    "'token=",
    "#'\"password: ",
    '"""',
    '"\\',
    "%%x\npassword",
    "'secret.token-",
    "'" + "token." * 20,
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_lines_cost_in_proportion_to_their_length(piece):
    def cost(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        times = []
        for _ in range(5):
            start = time.process_time()  # what other programs take does not count
            mask(text, secrets=[])
            times.append(time.process_time() - start)
        return min(times)

    # Four times the text: 4 when it is linear, 16 when it is not.
    small, large = cost(25_000), cost(100_000)
    assert large / max(small, 1e-4) < 10


IN_JSON = [
    ({"password": "Hunter22xyz"}, "Hunter22xyz"),
    ({"a": [{"clientSecret": "abc123DEF"}]}, "abc123DEF"),
    ({"passwords": 1, "password": ["Hunter22xyz"]}, "Hunter22xyz"),
    ({"password": 12345678}, "12345678"),
    ({"ghp_" + "a1" * 18: 1}, "ghp_"),
]


@pytest.mark.parametrize(("value", "secret"), IN_JSON)
def test_what_stands_under_a_telling_key_and_in_keys_is_masked(value, secret):
    masked, count = mask_value(value, secrets=[])
    assert count == 1
    assert secret not in str(masked)
    assert mask_value(masked, secrets=[]) == (masked, 0)


def test_everyday_json_stays():
    value = {"token": "word", "pad_token": "abc123DEF", "tokens": ["abc123"], "key": "abc123DEF"}
    assert mask_value(value, secrets=[]) == (value, 0)


def test_a_secret_over_several_texts_is_masked_and_as_many_come_back():
    key = ["-----BEGIN RSA PRIVATE KEY-----", "MIIabcd", "EFGH\n-----END RSA PRIVATE KEY-----"]
    masked, count = mask_lines([*key, "after"], secrets=[])
    assert (count, len(masked)) == (1, 4)
    assert masked[0] == "[redacted:private-key]"
    assert "MIIabcd" not in str(masked)
    masked, _ = mask_lines(["a\nb", "password = ", "'Hunter22xyz'", "end"], secrets=[])
    assert masked == ["a\nb", "password = ", "'[redacted:assigned]'", "end"]


def test_the_start_of_a_text_holds_no_half_secret():
    text = "x" * 90 + " ghp_" + "a1" * 18
    assert "ghp_" not in mask_start(text, 110)
    assert mask_start(text, 110)[:91] == text[:91]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--token=abcdef123456"], ["--token=[redacted:argument]"]),
        (["--password", "X", "Y"], ["--password", "[redacted:argument]", "Y"]),
        (["--Session.key=abc"], ["--Session.key=[redacted:argument]"]),
        (["--api-key", "--quiet"], ["--api-key", "--quiet"]),
        (["-f", "kernel.json", "--max-token=5", "-c", "x = 1"], None),
        (["python", "token", "word", "--key-file=a", "--monkey=b"], None),
    ],
)
def test_arguments_of_a_command_line_are_masked(arguments, expected):
    assert mask_arguments(arguments) == (arguments if expected is None else expected)
    assert mask_arguments(mask_arguments(arguments)) == mask_arguments(arguments)


def shown(kind: str, **content: object) -> str:
    collector = Collector()
    collector.add(kind, content)
    return str(collector.record()["outputs"])


def test_the_text_of_an_svg_is_masked_and_a_pictures_bytes_are_not():
    token = "ghp_" + "a1" * 18
    assert token not in shown("display_data", data={"image/svg+xml": f"<text>{token}</text>"})
    assert token in shown("display_data", data={"image/png": token})


def test_a_coloured_traceback_is_masked_as_one_text():
    traceback = ["\x1b[31mE\x1b[39m: password = \x1b[33m", '"Hunter22xyz"\x1b[39m', "end"]
    text = shown("error", ename="password='Hunter22xyz'", evalue="", traceback=traceback)
    assert "Hunter22xyz" not in text
    assert text.count("[redacted:assigned]") == 2


@pytest.mark.parametrize("name", ["password", "db_password2", "api_key", "SECRET_KEY_BASE", "pwd"])
def test_a_telling_name_gets_no_digest(name):
    names, _ = namespace.changes({}, {name: "Hunter22xyz"}, "", again=namespace.Again())
    assert names[name] == {
        "type": "str",
        "digest": None,
        "size": None,
        "reason": "holds a secret",
    }


@pytest.mark.parametrize(
    "name", ["key", "keys", "token_counts", "pad_token", "compass", "tokenizer"]
)
def test_an_everyday_name_keeps_its_digest(name):
    assert not is_telling_name(name)
    names, _ = namespace.changes({}, {name: "abc"}, "", again=namespace.Again())
    assert names[name]["digest"].startswith("sha256:")


def test_a_text_of_the_limit_with_colours_is_masked_in_time():
    text = ("\x1b[33mpassword = \x1b[39m'{pw}'\n" * LIMIT)[:LIMIT]
    assert mask(text, secrets=[]) == (text, 0)
