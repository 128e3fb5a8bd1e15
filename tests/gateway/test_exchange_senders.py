"""The senders that docs/exchanges hands out, run as an exchange would run them, against a server that listens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import lupa
import pytest
from django.test import Client
from django.utils import timezone

from gateway.models import WebhookReceipt
from server.calls.models import Call, MessageNode
from tests.conftest import BOTI

EXCHANGES = Path(__file__).parents[2] / "docs" / "exchanges"
SENDER = EXCHANGES / "fonal-call.sh"
# What a caller can call themselves.
HOSTILE = """'; touch mark; ' "$(touch mark)" `touch mark` \\ % Győr"""


@pytest.fixture
def conf(live_server, line, tmp_path) -> Path:
    conf = tmp_path / "fonal-call.conf"
    conf.write_text(f"FONAL_CALLS_URL={live_server.url}/gateway/pbx/{line.key}/calls/\nFONAL_SECRET={line.pbx_secret}\n")
    return conf


@pytest.fixture
def tell(conf):
    """`tell("missed", "c1", BOTI, "+3612345678")` runs fonal-call.sh."""

    def tell(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        its = surroundings(conf) | settings
        return subprocess.run([SENDER, *words], env=its, cwd=conf.parent, capture_output=True, text=True, timeout=60, check=False)

    return tell


def surroundings(conf: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "FONAL_CONF": str(conf), "FONAL_PAUSES": "", "FONAL_SENDER": str(SENDER)}


def test_the_script_tells_of_a_missed_call(tell, line):
    done = tell("missed", "1700000000.17", BOTI, line.number, "queue=Support", "shop=Győr", "order=017")

    call = Call.objects.get()
    assert (done.returncode, done.stderr) == (0, "")
    assert (call.exchange_id, call.state, call.partner, call.called, call.queue) == (
        "1700000000.17", "missed", BOTI, line.number, "Support",
    )  # fmt: skip
    assert call.parameters == {"shop": "Győr", "order": "017"}
    assert abs((timezone.now() - call.began_at).total_seconds()) < 60


def test_the_script_tells_the_rest_of_a_call_s_life(tell, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="N", created_at=timezone.now())
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for words in (
        ["ringing"],
        ["key", "key=1"],
        ["node", f"node={node.key}"],
        ["answered", "duration=0042", f"at={at}", "agent=101"],
    ):
        assert tell(words[0], "c1", BOTI, "", *words[1:]).returncode == 0
    call = Call.objects.get()
    assert (call.state, call.duration, call.agent, call.answered_at) == ("answered", 42, "101", datetime.fromisoformat(at))
    assert [event.kind for event in call.events.order_by("pk")] == ["ringing", "key", "node", "answered"]


def test_the_script_signs_with_any_secret(tell, line, conf):
    written, secret = conf.read_text(), line.pbx_secret
    for other in ["s", "x" * 63, "x" * 64, "x" * 65, "y" * 200, "Árvíz \\ %s %% '$(id)'"]:
        line.pbx_secret = other
        line.save(update_fields=["pbx_secret"])
        conf.write_text(written.replace(secret, shlex.quote(other)))
        done = tell("missed", f"c {len(other)}", BOTI, "")
        assert (done.returncode, done.stderr) == (0, "")


def test_whatever_a_caller_is_called_is_only_text(tell, tmp_path):
    name = HOSTILE
    assert tell("missed", "c1", BOTI, "", f"name={name}", "empty=", "equals=a=b", "lines=a\nb\x07").returncode == 0
    assert Call.objects.get().parameters == {"name": name, "empty": "", "equals": "a=b", "lines": "ab"}
    assert not (tmp_path / "mark").exists()


def test_a_refusal_is_said_and_not_repeated(tell):
    done = tell("exploded", "c1", BOTI, "", FONAL_PAUSES="30")
    assert (done.returncode, '"field": "event"' in done.stderr) == (1, True)


def test_a_server_that_is_away_is_tried_again_and_then_given_up(tell, conf):
    conf.write_text("FONAL_CALLS_URL=http://127.0.0.1:9/\nFONAL_SECRET=s\n")
    done = tell("missed", "c1", BOTI, "", FONAL_PAUSES="0.01 0.01")
    assert done.returncode == 2
    assert "could not be reached" in done.stderr


def test_too_few_words_are_explained(tell):
    for words in ([], ["missed"], ["missed", "c1", BOTI]):
        done = tell(*words)
        assert (done.returncode, done.stderr.startswith("usage:")) == (1, True)


# --- Asterisk --------------------------------------------------------------------------------------
DIALPLAN = (EXCHANGES / "asterisk.conf").read_text()


class Dialplan:
    """As much of Asterisk as the file needs: variables, FILTER, the few functions; System() becomes a command."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def run(self, extension: str, argument: str = "") -> str:
        """The shell command of an extension's System()."""
        self.variables["ARG1"] = argument
        chosen = re.search(rf"^exten => {extension},1,.*?^ same => n,Return", DIALPLAN, re.DOTALL | re.MULTILINE)
        assert chosen is not None
        for step in re.findall(r"(?:exten => \w+,1|same => n),(.*)", chosen[0]):
            self.step(step)
        return self.command

    def step(self, step: str) -> None:
        if step.startswith("ExecIf("):
            condition, _, step = step[len("ExecIf($[") : -1].partition("]?")
            if not self.holds(condition):
                return
        if step.startswith("Set("):
            name, _, value = step[4:-1].partition("=")
            self.variables[name] = self.value(value)
        elif step.startswith("System("):
            self.command = self.value(step[len("System(") : -1])

    def holds(self, condition: str) -> bool:
        return any(self.compare(part) for part in condition.split(" | "))

    def compare(self, part: str) -> bool:
        left, sign, right = re.fullmatch(r'"(.*)" (=|!=) "(.*)"', part).groups()
        return (self.value(left) == right) == (sign == "=")

    def value(self, text: str) -> str:
        innermost = re.compile(r"\$\{((?:[^${}]|\$(?!\{))*)\}")
        while found := innermost.search(text):
            # What a variable holds is not read again, as in Asterisk.
            text = text[: found.start()] + self.evaluate(found[1]).replace("$", "\0") + text[found.end() :]
        return text.replace("\0", "$")

    def evaluate(self, said: str) -> str:
        name, _, rest = said.partition("(")
        if name == "FILTER":
            allowed, _, value = rest[:-1].partition(",")
            return re.sub(f"[^{re.escape(allowed).replace(r'\-', '-').replace(r'\\-', r'\-')}]", "", value)
        if name == "STRFTIME":
            epoch, less = re.match(r"\$\[(\d+) - (\d+)\]", rest.replace("\0", "$")).groups()
            return datetime.fromtimestamp(int(epoch) - int(less), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.variables.get(said, "")


@pytest.fixture
def asterisk(conf, tmp_path):
    """`asterisk(Dialplan(…), "end")` runs what an extension's System() would, and waits for it."""

    def run(dialplan: Dialplan, extension: str, argument: str = "") -> None:
        command = dialplan.run(extension, argument)
        assert command.endswith("</dev/null >/dev/null 2>&1 &")
        waited = command.replace("/usr/local/bin/fonal-call.sh", shlex.quote(str(SENDER))).removesuffix("&")
        subprocess.run(["/bin/sh", "-c", waited], env=surroundings(conf), cwd=conf.parent, timeout=60, check=True)

    return run


def incoming(**more: str) -> Dialplan:
    epoch = str(int(timezone.now().timestamp()))
    return Dialplan(**{"CALLERID(num)": BOTI, "CHANNEL(linkedid)": "pbx-1700000000.17", "EPOCH": epoch, **more})


ENDED = [
    ({"DIALSTATUS": "NOANSWER"}, "missed"),
    ({"DIALSTATUS": "CANCEL"}, "missed"),
    ({}, "missed"),
    ({"DIALSTATUS": "BUSY"}, "busy"),
    ({"DIALSTATUS": "CONGESTION"}, "failed"),
    ({"DIALSTATUS": "CHANUNAVAIL"}, "failed"),
    ({"DIALSTATUS": "ANSWER", "ANSWEREDTIME": "33", "DIALEDPEERNUMBER": "101"}, "answered"),
    ({"MEMBERINTERFACE": "PJSIP/102"}, "answered"),
]


def test_the_dialplan_tells_how_a_call_began_and_ended(asterisk):
    for number, (ended, state) in enumerate(ENDED):
        dialplan = incoming(**{"CHANNEL(linkedid)": f"pbx-1700000000.{number}"}, **ended)
        asterisk(dialplan, "begin", "+3612345678")
        asterisk(dialplan, "end")
        call = Call.objects.latest("pk")
        assert (call.state, call.partner, call.called, call.exchange_id) == (state, BOTI, "+3612345678", f"pbx-1700000000.{number}")
        assert call.agent == (ended.get("DIALEDPEERNUMBER") or ended.get("MEMBERINTERFACE") or "")
        assert call.duration == (33 if "ANSWEREDTIME" in ended else None)
        assert [event.kind for event in call.events.order_by("pk")] == ["ringing", state]


def test_the_dialplan_tells_of_keys_and_nodes(asterisk, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="N", created_at=timezone.now())
    dialplan = incoming()
    for extension, argument in [("begin", "3612345678"), ("key", "1"), ("node", str(node.key))]:
        asterisk(dialplan, extension, argument)
    assert [(event.kind, event.detail) for event in Call.objects.get().events.order_by("pk")] == [
        ("ringing", ""), ("key", "1"), ("node", str(node.key)),
    ]  # fmt: skip


def test_a_caller_can_put_nothing_into_the_dialplan_s_shell(asterisk, tmp_path):
    hostile = HOSTILE
    dialplan = incoming(**{"CALLERID(num)": f"+3630{hostile}", "DIALSTATUS": "ANSWER", "DIALEDPEERNUMBER": hostile})
    asterisk(dialplan, "begin", hostile)
    asterisk(dialplan, "end")
    assert not (tmp_path / "mark").exists()
    assert Call.objects.get().state == "answered"


# --- FreeSWITCH ------------------------------------------------------------------------------------
@pytest.fixture
def freeswitch(conf, tmp_path):
    """`freeswitch(originate_disposition="USER_BUSY")` runs the hangup hook of a call, and waits for what it started."""

    def hang_up(**headers: str) -> None:
        lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        commands: list[str] = []
        lua.globals().os.execute = commands.append
        lua.globals().os.getenv = surroundings(conf).get
        ended = {
            "uuid": "f-1",
            "caller_id_number": BOTI,
            "destination_number": "3612345678",
            "end_epoch": str(int(timezone.now().timestamp())),
        }
        lua.globals().env = lua.eval("function(get) return { getHeader = function(self, name) return get(name) end } end")(
            (ended | headers).get
        )
        lua.execute((EXCHANGES / "freeswitch.lua").read_text())
        (command,) = commands
        assert command.endswith(" </dev/null >/dev/null 2>&1 &")
        subprocess.run(
            ["/bin/sh", "-c", command.removesuffix("&")], env=surroundings(conf), cwd=conf.parent, timeout=60, check=True
        )

    return hang_up


OUTCOMES = {
    "ORIGINATOR_CANCEL": "missed",
    "NO_ANSWER": "missed",
    # A menu or a mailbox took the call.
    "SUCCESS": "missed",
    "": "missed",
    "USER_BUSY": "busy",
    "DESTINATION_OUT_OF_ORDER": "failed",
}


def test_the_hangup_hook_tells_how_a_call_ended(freeswitch):
    for outcome, state in OUTCOMES.items():
        freeswitch(uuid=f"f-{outcome}", originate_disposition=outcome, bridge_epoch="0")
        call = Call.objects.latest("pk")
        assert (call.state, call.partner, call.exchange_id) == (state, BOTI, f"f-{outcome}")


def test_the_hangup_hook_tells_who_was_spoken_with_and_how_long(freeswitch):
    now = int(timezone.now().timestamp())
    freeswitch(originate_disposition="SUCCESS", bridge_epoch=str(now - 90), end_epoch=str(now), dialed_extension="1001")
    call = Call.objects.get()
    assert (call.state, call.duration, call.agent) == ("answered", 90, "1001")
    assert int(call.answered_at.timestamp()) == now - 90


def test_a_caller_can_put_nothing_into_the_hook_s_shell(freeswitch, tmp_path):
    hostile = HOSTILE
    freeswitch(caller_id_number=hostile, destination_number=hostile)
    assert not (tmp_path / "mark").exists()
    assert Call.objects.count() == 1


# --- By hand -----------------------------------------------------------------------------------------
def shown_in_docs(containing: str) -> str:
    blocks = re.findall(r"```sh\n(.*?)```", (EXCHANGES.parent / "call-logic.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return block


def test_the_curl_line_of_the_docs_works_and_works_again(live_server, line):
    by_hand = shown_in_docs("SIGNATURE=").replace("https://sms.example.hu", live_server.url).replace("LINE-KEY", str(line.key))
    by_hand = by_hand.replace("the-secret-of-the-line", line.pbx_secret)
    said = [
        subprocess.run(["/bin/sh", "-c", by_hand], capture_output=True, text=True, timeout=60, check=True).stdout for _ in range(2)
    ]
    assert [answer.splitlines()[-1] for answer in said] == ['{"stored": 1, "known": 0}', '{"stored": 0, "known": 1}']
    assert Call.objects.get().partner == "+36301234567"


def test_the_curl_line_of_a_node_works(live_server, line, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="N", created_at=timezone.now())
    by_hand = shown_in_docs("NODE-KEY").replace("https://sms.example.hu", live_server.url)
    by_hand = by_hand.replace("LINE-KEY", str(line.key)).replace("NODE-KEY", str(node.key))
    assert subprocess.run(["/bin/sh", "-c", by_hand], capture_output=True, text=True, timeout=60, check=True).stdout == "OK\n"
    assert Call.objects.get().parameters == {"shop": "Győr"}


# --- 3CX ------------------------------------------------------------------------------------------
def test_what_the_3cx_template_posts_reaches_the_node(line, kontakt):
    node = MessageNode.objects.create(subscriber=kontakt, name="Missed at the 3CX", created_at=timezone.now())
    template = ElementTree.parse(EXCHANGES / "3cx-missed-calls.xml")
    (request,) = template.iter("Request")
    assert request.attrib["Url"] == "[NodeAddress]"
    assert (request.attrib["RequestType"], request.attrib["RequestEncoding"]) == ("Post", "Json")
    said = {value.attrib["Key"]: value.text.replace("[Number]", BOTI).replace("[Agent]", "101") for value in template.iter("Value")}
    answer = Client().post(f"/gateway/pbx/{line.key}/nodes/{node.key}/", said, content_type="application/json")
    assert (answer.status_code, Call.objects.get().partner) == (200, BOTI)
    assert WebhookReceipt.objects.get().outcome == "stored"
