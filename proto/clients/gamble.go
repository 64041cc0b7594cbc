// Plays one Gamble session: buys tokens, then buys two stocks and sells one.
// proto/README.md shows how to generate gamble/casino and gamble/types.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"os"

	"gamble/casino"
	"gamble/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

func main() {
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer conn.Close()
	client, user := casino.NewCasinoClient(conn), &types.User{Id: os.Args[2]}
	bought, err := client.BuyTokens(context.Background(), &types.Payment{User: user, Amount: 20})
	check(err)
	fmt.Println("bought", bought.Count, "tokens")
	ctx := metadata.AppendToOutgoingContext(context.Background(),
		"awesomestock-feeds", "wallet,ids", "awesomestock-user-bin", user.Id)
	stream, err := client.Gamble(ctx)
	check(err)
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			return
		}
		check(err)
		switch message.Type {
		case casino.GambleType_STOCK_INFO:
			fmt.Println("price", message.Info.Price)
		case casino.GambleType_ACTION_RESULT:
			fmt.Println(message.Result.Msg)
		case casino.GambleType_WALLET:
			fmt.Println(message.Wallet.Tokens, "tokens,", message.Wallet.Stocks, "stocks")
			send(stream, &casino.Action{User: user, Type: casino.ActionType_BUY, StocksCount: 2})
			send(stream, &casino.Action{User: user, Type: casino.ActionType_SELL, StocksCount: 1})
			check(stream.CloseSend())
		}
	}
}

func send(stream casino.Casino_GambleClient, action *casino.Action) {
	action.Id = make([]byte, 16)
	_, err := rand.Read(action.Id)
	check(err)
	check(stream.Send(action))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
