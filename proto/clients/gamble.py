#!/usr/bin/env python3
"""Plays one Gamble session: buys tokens, then buys two stocks and sells one.

    pip install grpcio grpcio-tools
    python3 proto/clients/gamble.py 127.0.0.1:10000 ann
"""

import pathlib
import queue
import sys
import uuid

import grpc

# Compiles the .proto files at start, which needs grpcio-tools.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
types = grpc.protos("common/types.proto")
casino, services = grpc.protos_and_services("casino/casino.proto")


def main(address, name):
    user = types.User(id=name)
    metadata = [("awesomestock-feeds", "wallet,ids"), ("awesomestock-user-bin", name.encode())]
    with grpc.insecure_channel(address) as channel:
        stub = services.CasinoStub(channel)
        bought = stub.BuyTokens(types.Payment(user=user, amount=20), timeout=10)
        print(f"bought {bought.count} tokens")
        # The request stream: `None` half-closes it.
        actions = queue.Queue()
        messages = stub.Gamble(iter(actions.get, None), metadata=metadata, timeout=60)
        orders = [(casino.BUY, 2), (casino.SELL, 1)]
        for message in messages:
            if message.type == casino.STOCK_INFO:
                print(f"price {message.info.price}")
            elif message.type == casino.ACTION_RESULT:
                print(message.result.msg)
            elif message.type == casino.WALLET:
                print(f"{message.wallet.tokens} tokens, {message.wallet.stocks} stocks")
                for kind, count in orders:
                    order = casino.Action(user=user, type=kind, stocks_count=count, id=uuid.uuid4().bytes)
                    actions.put(order)
                actions.put(None)


if __name__ == "__main__":
    main(*sys.argv[1:])
