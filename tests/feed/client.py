"""A department's copy of what it has to do: the whole client. Stubs come from `python -m grpc_tools.protoc` over proto/."""

import time

import grpc
from whistle.routing.v1 import feed_pb2 as feed
from whistle.routing.v1 import feed_pb2_grpc as feed_grpc


def follow(address, token, keep, last=None):
    """Calls keep(message) for everything a department has to know, in order, without gap or repeat, whatever breaks."""
    while True:
        start = {"resume_token": last} if last else {"send_snapshot": True}
        try:
            with grpc.insecure_channel(address) as channel:
                stub, auth = feed_grpc.FeedServiceStub(channel), [("authorization", f"Bearer {token}")]
                for message in stub.Subscribe(feed.SubscribeRequest(**start), metadata=auth):
                    keep(message)  # in one transaction with the token, and a crash repeats nothing either
                    last = message.position_token or last
        except grpc.RpcError as broken:
            if broken.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(1)  # the server restarts; it is asked again for what follows the last token
