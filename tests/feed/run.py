#!/usr/bin/env python3
"""Reads the department feed with a real Python client: the way an integrator would.

    tests/feed/run.py                             starts a demonstration district and reads its feeds
    tests/feed/run.py --address HOST:PORT --token ORG=TOKEN [--token ORG=TOKEN ...]
                                                  reads a sandbox that serves already

The server's side of the contract: `whistle demo --serve` prints `listening on http://ADDRESS`, and for each organisation
`sandbox token for ORG: TOKEN`; whoever holds a post of the sandbox has the token `sandbox-POST`.
"""

import argparse
import importlib.resources
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading
import uuid

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Nothing here takes so long, a first build apart; a call that hangs fails instead.
DEADLINE_S = 120
BUILD_S = 2400


def start_server(data):
    """Starts a sandbox on a free port; gives the process, its address and the tokens by organisation."""
    command = ["cargo", "run", "-q", "-p", "whistle", "--", "demo", "--serve", "--data", data, "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()

    def read():
        for line in server.stdout:
            lines.put(line.strip())
        lines.put(None)

    # Read to the end, since a full pipe would stop the server.
    threading.Thread(target=read, daemon=True).start()
    address, tokens = None, {}
    while True:
        try:
            # The address and the tokens come in one piece, the address first; what follows a token comes at once or never.
            line = lines.get(timeout=1 if tokens else BUILD_S)
        except queue.Empty:
            line = None
        if line is None:
            break
        if found := re.fullmatch(r"listening on http://(\S+)", line):
            address = found[1]
        elif found := re.fullmatch(r"sandbox token for (\S+): (\S+)", line):
            tokens[found[1]] = found[2]
    if address and tokens:
        return server, address, tokens
    server.kill()
    sys.exit("tests/feed: the server gave no address and tokens")


def make_stubs(out):
    """Compiles proto/ for Python."""
    files = [str(path) for path in sorted((ROOT / "proto").rglob("*.proto"))]
    google = importlib.resources.files("grpc_tools") / "_proto"
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{google}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
    if protoc.main(arguments) != 0:
        sys.exit("tests/feed: the protos do not compile for Python")
    sys.path.insert(0, out)


class Reader:
    """One organisation's end of the feed."""

    def __init__(self, address, org, token):
        from whistle.routing.v1 import feed_pb2, feed_pb2_grpc, routing_pb2_grpc

        self.pb, self.org = feed_pb2, org
        self.auth = [("authorization", f"Bearer {token}")]
        self.channel = grpc.insecure_channel(address)
        self.stub = feed_pb2_grpc.FeedServiceStub(self.channel)
        self.routing = routing_pb2_grpc.RoutingServiceStub(self.channel)

    def subscribe(self, **request):
        request = self.pb.SubscribeRequest(**request)
        return self.stub.Subscribe(request, metadata=self.auth, timeout=DEADLINE_S)

    def read(self, **request):
        """Everything there is, up to where it was caught up."""
        stream, messages = self.subscribe(**request), []
        for message in stream:
            if message.WhichOneof("message") == "caught_up":
                stream.cancel()
                return messages
            messages.append(message)
        raise AssertionError("the feed ended before it was caught up")

    def refused(self, **request):
        """The code a subscription is refused with."""
        try:
            next(self.subscribe(**request))
        except grpc.RpcError as error:
            return error.code()
        raise AssertionError(f"{request} was not refused")

    def acknowledge(self, name, token):
        request = self.pb.AcknowledgeRequest(feed_name=name, position_token=token)
        return self.stub.Acknowledge(request, metadata=self.auth, timeout=DEADLINE_S).position_token


def kinds(messages):
    return [message.WhichOneof("message") for message in messages]


def every_event_comes_once_and_in_order(readers):
    for reader in readers:
        messages = reader.read()
        events = [message.event.event_id for message in messages]
        assert len(set(events)) == len(events), "an event came twice"
        for message in messages:
            json.loads(message.event.payload_json)
            assert message.case.case_number and message.position_token


def a_token_gives_exactly_what_follows_it(readers):
    reader = longest(readers)
    messages = reader.read()
    for index in {0, len(messages) // 2, len(messages) - 1}:
        rest = reader.read(resume_token=messages[index].position_token)
        assert rest == messages[index + 1 :], f"after message {index}"


def what_was_acknowledged_is_where_it_goes_on(readers):
    reader = longest(readers)
    messages = reader.read()
    middle, name = messages[len(messages) // 2].position_token, f"run-{uuid.uuid4()}"
    assert reader.acknowledge(name, middle) == middle
    assert reader.acknowledge(name, messages[0].position_token) == middle, "an earlier one changes nothing"
    rest = reader.read(feed_name=name, from_acknowledged=True)
    assert rest == reader.read(resume_token=middle)


def a_wrong_request_is_told_apart(readers):
    reader, told = blown_before(readers)
    street = told.event.actor_org_id
    head = reader.stub.GetFeedPosition(reader.pb.GetFeedPositionRequest(), metadata=reader.auth).head_token
    form, position = head.rsplit(".", 1)
    assert reader.refused(resume_token=f"{form}.{int(position) + 10**9}") == grpc.StatusCode.OUT_OF_RANGE
    assert reader.refused(resume_token="nobody's") == grpc.StatusCode.INVALID_ARGUMENT
    assert reader.refused(org_ids=[street]) == grpc.StatusCode.INVALID_ARGUMENT
    reader.auth, auth = [], reader.auth
    assert reader.refused() == grpc.StatusCode.UNAUTHENTICATED
    reader.auth = auth


def a_quiet_feed_sends_bookmarks(readers):
    from google.protobuf.duration_pb2 import Duration

    reader = readers[0]
    token = reader.stub.GetFeedPosition(reader.pb.GetFeedPositionRequest(), metadata=reader.auth).head_token
    stream = reader.subscribe(resume_token=token, bookmark_interval=Duration(seconds=1))
    assert any(message.WhichOneof("message") == "bookmark" for message in stream)
    stream.cancel()


def the_copy_of_the_client_is_whole_after_a_break(readers, address, tokens):
    """A street blows a whistle; the department signs for it; the client of the README hears both, broken off in between."""
    import client
    from whistle.case.v1 import case_pb2, enums_pb2, place_pb2
    from whistle.routing.v1 import routing_pb2

    department, told = blown_before(readers)
    leader = json.loads(told.event.payload_json)["by"]["post"]
    street = [("authorization", f"Bearer sandbox-{leader}")]
    whistle = told.whistle_called
    raise_and_blow = routing_pb2.RaiseAndBlowRequest(
        command_id=str(uuid.uuid4()),
        new_case=case_pb2.NewCase(
            profile=enums_pb2.PROFILE_WHISTLE_ONLY,
            channel=enums_pb2.CHANNEL_OFFICE,
            text="又有人把消防通道停满了",
            place=place_pb2.Place(area_code=told.case.area_code),
        ),
        matter_id=told.case.matter_id,
        kind=whistle.kind,
        purpose="请到现场一起看",
        parties=[case_pb2.Party(org_id=department.org, part=enums_pb2.PART_LEAD, mandatory=True)],
    )

    class Enough(Exception):
        pass

    def follow_until(kind, last):
        kept = []

        def keep(message):
            kept.append(message)
            if kind in kinds([message]):
                raise Enough

        try:
            client.follow(address, tokens[department.org], keep, last)
        except Enough:
            return kept

    snapshot = follow_until("snapshot_end", None)
    receipt = department.routing.RaiseAndBlow(raise_and_blow, metadata=street, timeout=DEADLINE_S).receipt
    called = follow_until("whistle_called", snapshot[-1].position_token)
    assert called[-1].case.case_id == receipt.case_id
    assert called[-1].case.text == "又有人把消防通道停满了"
    number = called[-1].duties[0].obligation_no
    sign = routing_pb2.SignForRequest(command_id=str(uuid.uuid4()), case_id=receipt.case_id, obligation_no=number)
    department.routing.SignFor(sign, metadata=department.auth, timeout=DEADLINE_S)
    signed = follow_until("duty_changed", called[-1].position_token)
    assert signed[-1].event.event_type == "SignedFor"
    live = [message.event.event_id for message in called + signed if message.event.event_id]
    assert len(set(live)) == len(live), "an event came twice"
    again = department.read(send_snapshot=True)
    assert any(message.case.case_id == receipt.case_id for message in again)


def blown_before(readers):
    """How a department was told of a whistle that a street's leader made active, and so may blow again."""
    for department in readers:
        for message in department.read():
            assigned = any(duty.move == department.pb.DUTY_MOVE_ASSIGNED for duty in message.duties)
            leader = message.event.actor_role == "subdistrict_leader" and message.event.actor_org_id != department.org
            if message.event.event_type == "WhistleActivated" and assigned and leader:
                return department, message
    raise AssertionError("no story has a street that whistles for a department")


def longest(readers):
    return max(readers, key=lambda reader: len(reader.read()))


def run(address, tokens):
    readers = [Reader(address, org, token) for org, token in tokens.items()]
    tests = [
        every_event_comes_once_and_in_order,
        a_token_gives_exactly_what_follows_it,
        what_was_acknowledged_is_where_it_goes_on,
        a_wrong_request_is_told_apart,
        a_quiet_feed_sends_bookmarks,
    ]
    for test in tests:
        test(readers)
        print(f"ok  {test.__name__.replace('_', ' ')}")
    the_copy_of_the_client_is_whole_after_a_break(readers, address, tokens)
    print("ok  the copy of the client is whole after a break")
    print(f"{len(tests) + 1} passed over the feeds of {len(readers)} organisations")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--address", default=os.environ.get("WHISTLE_FEED_ADDRESS"))
    arguments.add_argument("--token", action="append", default=os.environ.get("WHISTLE_FEED_TOKENS", "").split())
    given = arguments.parse_args()
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as directory:
        stubs = pathlib.Path(directory) / "stubs"
        stubs.mkdir()
        make_stubs(str(stubs))
        sys.path.insert(0, str(pathlib.Path(__file__).parent))
        if given.address:
            run(given.address, dict(token.split("=", 1) for token in given.token))
            return
        server, address, tokens = start_server(str(pathlib.Path(directory) / "district"))
        try:
            run(address, tokens)
        finally:
            server.terminate()
            server.wait(timeout=DEADLINE_S)


if __name__ == "__main__":
    main()
